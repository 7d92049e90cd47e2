/* report/bench_log.h -- what a benchmark run came to, as it is kept under bench/results/: NAME.jsonl.
 *
 * In memory it is results.json with more about the run around it; on disk that is one line for the run, one for each job,
 * one for each expectation.  RESULTS.md and the rows of the recipe book are made of these files alone. */
#ifndef LYNE_REPORT_BENCH_LOG_H
#define LYNE_REPORT_BENCH_LOG_H

#include "recipe/suite.h"
#include <jansson.h>

/** From OUT/results.json of a run that is done.  Caller gives *out back with json_decref. */
lyne_status lyne_bench_log_new(const lyne_suite *s, size_t run, const char *results, json_t **out, lyne_error *err);
lyne_status lyne_bench_log_save(const char *directory, const json_t *log, lyne_error *err); /* DIRECTORY/NAME.jsonl */
/** LYNE_EDATA names file and line.  Caller gives *out back with json_decref; NULL after a failure. */
lyne_status lyne_bench_log_load(const char *directory, const char *name, json_t **out, lyne_error *err);
/** All in a directory, in the order of suites and of the runs in each: an array. */
lyne_status lyne_bench_log_all(const char *directory, json_t **out, lyne_error *err);
bool lyne_bench_log_exists(const char *directory, const char *name);

/** Whether a new log (b) has the bits of an old one (a), and if not what of it is not: text for the user, lines ending in
 *  a newline.  LYNE_OK: the same bits; LYNE_EENVIRONMENT: others, and the environment is another; LYNE_EDATA: others in
 *  the same environment, or of another recipe. */
lyne_status lyne_bench_log_compare(const json_t *a, const json_t *b, lyne_text *says);

#endif
