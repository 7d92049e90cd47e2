/* report/bench_page.h -- pages made of benchmark logs: RESULTS.md, its plots, and the rows of a recipe book. */
#ifndef LYNE_REPORT_BENCH_PAGE_H
#define LYNE_REPORT_BENCH_PAGE_H

#include "base/text.h"
#include "lyne/status.h"
#include <jansson.h>

/** RESULTS.md of an array of logs (lyne_bench_log_all), with its plots in `plots`, a folder relative to the page. */
void lyne_bench_page(const json_t *logs, const char *plots, lyne_text *out);
/** One row of a recipe book: what came of a recipe, or "not run" (log NULL). */
void lyne_bench_row(const char *path, const char *data, const json_t *log, lyne_text *out);
/** The heading of such rows. */
void lyne_bench_row_heading(lyne_text *out);
/** Every run of every stage as a dot, the mean as a line, the published interval as a band: SVG. */
void lyne_bench_plot(const json_t *log, lyne_text *out);

/* A stage of a log: its jobs stand together, one for each run. */
typedef struct lyne_bench_stage {
    const json_t *log;
    const char *name;
    size_t first, n;         /* of its jobs */
    const json_t *published; /* the expectation that names a published figure; NULL: there is none */
} lyne_bench_stage;
/** Those that are scored or, if `labels`, made soft labels, in the log's order; caller frees with lyne_free.  False when
 *  memory is out. */
bool lyne_bench_stages(const json_t *log, bool labels, lyne_bench_stage **out, size_t *n);
/** The i-th of its jobs. */
const json_t *lyne_bench_job(const lyne_bench_stage *s, size_t i);

/* A figure of a stage over its runs, taken from their metrics (or the job itself). */
typedef struct lyne_bench_figure {
    int n;
    double mean, sd, least, most;
} lyne_bench_figure;
lyne_bench_figure lyne_bench_figure_of(const lyne_bench_stage *s, const char *key);

#endif
