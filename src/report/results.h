/* report/results.h -- results.json of a run, read back.  Private to report/. */
#ifndef LYNE_REPORT_RESULTS_H
#define LYNE_REPORT_RESULTS_H

#include "lyne/status.h"
#include <jansson.h>

enum { REPORT_NAME = 160, REPORT_PATH = 4096 };

/** OUT/results.json; *jobs is its list of them, borrowed. */
lyne_status report_load(const char *out, json_t **root, json_t **jobs, lyne_error *err);
/** What a job is of: its directory without its seed, "student" or "student/temperature=4". */
const char *report_stage_of(const json_t *job, char out[REPORT_NAME]);
/** A number of a job, in its metrics or beside them; -1: it has none of this name. */
double report_number(const json_t *job, const char *key);

/* A number over the seeds of a stage. */
typedef struct report_summary {
    int n;
    double mean, sd;
} report_summary;
report_summary report_summarise(const json_t *jobs, const char *stage, const char *key);

#endif
