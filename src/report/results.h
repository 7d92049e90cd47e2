/* report/results.h -- results.json of a run, read back.  Private to report/. */
#ifndef LYNE_REPORT_RESULTS_H
#define LYNE_REPORT_RESULTS_H

#include "lyne/status.h"
#include <jansson.h>
#include <stdbool.h>

enum { REPORT_NAME = 160, REPORT_PATH = 4096 };

/** OUT/results.json; *jobs is its list of them, borrowed. */
lyne_status report_load(const char *out, json_t **root, json_t **jobs, lyne_error *err);
/** A number of a job, in its metrics or beside them; -1: it has none of this name. */
double report_number(const json_t *job, const char *key);

/* The jobs of one stage, which stand together: one for each seed. */
typedef struct report_stage {
    const json_t *jobs; /* of the run, borrowed; NULL: there is no such stage */
    size_t first, n;
} report_stage;
/** Go on to the next stage; `s` with nothing but jobs set comes to the first.  False behind the last. */
bool report_next(report_stage *s);
/** What its jobs are of: their directory without its seed, "student" or "student/temperature=4". */
const char *report_name(const report_stage *s, char out[REPORT_NAME]);

/* A number over the seeds of a stage. */
typedef struct report_summary {
    int n;
    double mean, sd;
} report_summary;
report_summary report_summarise(const report_stage *s, const char *key);

#endif
