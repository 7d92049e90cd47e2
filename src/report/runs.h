/* report/runs.h -- runs that were: a list of them, and two side by side. */
#ifndef LYNE_REPORT_RUNS_H
#define LYNE_REPORT_RUNS_H

#include "base/text.h"
#include "lyne/status.h"
#include <stdbool.h>
#include <stdio.h>

/** Whether a folder is that of a run, done, at work or broken off: a process that began no job leaves none. */
bool lyne_runs_has(const char *out);
/** A line for each run in a folder: whether it is done (in part, if of some stages nothing stands), running or was broken
 *  off, how old, what came out. */
lyne_status lyne_runs_print(const char *folder, FILE *to, lyne_error *err);
/** Warn if `out`, where a recipe is going to run, has the results of another. */
void lyne_runs_warn(const char *out, const char *recipe);

/** The results of two runs and the settings that differ.  LYNE_EDATA if one of them is not done. */
lyne_status lyne_compare_print(const char *a, const char *b, FILE *to, lyne_error *err);
/** Their accuracy on training pictures over the epochs, as a picture: one panel for each stage. */
lyne_status lyne_compare_svg(const char *a, const char *b, lyne_text *out, lyne_error *err);

#endif
