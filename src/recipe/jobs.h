/* recipe/jobs.h -- the jobs of a recipe: what running them and looking at them share.  Private to recipe/. */
#ifndef LYNE_RECIPE_JOBS_H
#define LYNE_RECIPE_JOBS_H

#include "base/limits.h"
#include "data/subset.h"
#include "recipe/pipeline.h"

typedef struct lyne_jobs {
    const lyne_recipe *r;
    const lyne_run_options *o;
    lyne_outcomes *out;
    lyne_dataset train, test, validation;
    lyne_subset rest; /* of train, what validation is not         */
    bool *wanted;     /* of each stage, whether it is; NULL: all */
    lyne_arena work;  /* what one job takes while it is looked at or run */
} lyne_jobs;

/** LYNE_EENVIRONMENT where the recipe wants bf16 and the CPU has none. */
lyne_status lyne_recipe_check_cpu(const lyne_recipe *r, lyne_error *err);
/** Open the data and list the jobs in order, with their directories, into *out.  lyne_jobs_close in any case. */
lyne_status lyne_jobs_open(lyne_jobs *p, const lyne_recipe *r, const lyne_run_options *o, lyne_outcomes *out,
                           lyne_error *err);
void lyne_jobs_close(lyne_jobs *p);

const lyne_stage *lyne_jobs_row(const lyne_jobs *p, const lyne_outcome *o);
/** The k-th job that o reads; NULL when it reads fewer. */
lyne_outcome *lyne_jobs_read(const lyne_jobs *p, const lyne_outcome *o, size_t k);
/** Set o's inputs and fingerprint, once the jobs that it reads are done.  The inputs, and what lyne_jobs_make gives, live
 *  until lyne_jobs_leave: a sweep of many jobs keeps of each what came of it and no more. */
lyne_status lyne_jobs_fingerprint(lyne_jobs *p, lyne_outcome *o, lyne_error *err);
/** Set was_up_to_date, by the fingerprint: whether the job stands in `directory`, or in a run that may be reused, where
 *  copied_from then says; and what came of it, if so.  One that is written in parts is not looked for elsewhere. */
lyne_status lyne_jobs_find(lyne_jobs *p, lyne_outcome *o, const char *directory, lyne_error *err);
/** All that the stage is given. */
lyne_status lyne_jobs_make(lyne_jobs *p, const lyne_outcome *o, const char *label, const char *directory, lyne_job *out,
                           lyne_error *err);
void lyne_jobs_leave(lyne_jobs *p, lyne_outcome *o);
/** As lyne_pipeline_look, for jobs that are open; without `all`, those that are up to date are not asked what they cost. */
lyne_status lyne_jobs_look(lyne_jobs *p, bool all, double seconds, lyne_error *err);
/** Whether what lyne_jobs_look found to be left fits: LYNE_ENOSPACE says what does not, by how much, and what would help.
 *  disk_free: bytes, where OUT is.  Memory that is merely used by others is worth a warning. */
lyne_status lyne_jobs_fit(const lyne_jobs *p, const lyne_memory_limits *memory, uint64_t disk_free, lyne_error *err);
/** Behind the jobs of stages that were asked for: add to *out those of the others that stand, so that results speak of the
 *  whole run.  Fails for want of memory alone: what cannot be read does not stand. */
lyne_status lyne_jobs_add_others(lyne_jobs *p, lyne_error *err);
/** Note what a job that is done has made and was made with, and the size of its model. */
lyne_status lyne_jobs_made(const lyne_jobs *p, lyne_outcome *o, const char *directory, lyne_error *err);

#endif
