/* report/plan.h -- what a run would do, as people and programs read it. */
#ifndef LYNE_REPORT_PLAN_H
#define LYNE_REPORT_PLAN_H

#include "recipe/pipeline.h"

/** Each stage under the first that it reads: what it costs for one seed, how many of its seeds would run, and why.
 *  jobs are of lyne_pipeline_look, for each point of the recipe; timed: it has measured.  LYNE_ENOSPACE: lines are missing. */
lyne_status lyne_plan_print(const lyne_recipe *r, const lyne_outcomes *jobs, const char *out, bool timed, FILE *to,
                            lyne_error *err);
/** The same job by job as JSON; caller frees with lyne_text_free. */
lyne_status lyne_plan_json(const lyne_recipe *r, const lyne_outcomes *jobs, const char *out, bool timed,
                           lyne_text *text, lyne_error *err);

#endif
