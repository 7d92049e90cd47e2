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

/* A figure of a log over the runs of one stage, taken from their metrics (or the job itself). */
typedef struct lyne_bench_figure {
    int n;
    double mean, sd, least, most;
} lyne_bench_figure;
lyne_bench_figure lyne_bench_figure_of(const json_t *log, const char *stage, const char *key);
/** The k-th stage that has something to report; NULL behind the last. */
const char *lyne_bench_stage(const json_t *log, size_t k);
/** The expectation of a stage that names a published figure, or NULL. */
const json_t *lyne_bench_published(const json_t *log, const char *stage);

#endif
