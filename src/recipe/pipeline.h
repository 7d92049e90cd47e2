/* recipe/pipeline.h -- run the stages of a recipe: each once, or once for each seed; only those that are not up to date.
 *
 *     OUT/recipe.yaml                  the recipe as it was understood
 *     OUT/teacher/                     a stage that runs once
 *     OUT/student/seed-2/              one that runs for each seed
 *         model.safetensors metrics.jsonl
 *         result.json                  written last: what came out, the fingerprint of all that it depends on, and what it
 *                                      was made with
 *         begun.json                   until then: what it was begun with
 *     OUT/results.json                 all of them
 *     OUT/student/temperature=4/       a stage of a sweep (recipe/sweep.h), under the values it depends on
 *
 * A fingerprint is a digest over the stage's own section with every default, the data, the seed, and the fingerprints and
 * files of the stages it reads (the same recipe on another CPU may give other files).  A stage whose result.json has the
 * fingerprint it would get now, and whose files are as they were left, is up to date; one that stands in another run
 * (lyne_run_options.reuse) is copied from there.  Checkpoints and shards carry the fingerprint too, so unfinished work is
 * gone on with if it is still wanted, and forgotten if not. */
#ifndef LYNE_RECIPE_PIPELINE_H
#define LYNE_RECIPE_PIPELINE_H

#include "recipe/inputs.h"
#include "recipe/recipe.h"

typedef struct lyne_run_options {
    const char *out; /* directory of the run */
    const char *const *data_directory;
    size_t n_data_directories;
    bool any_environment;
    FILE *kernels;      /* NULL, or where lyne_pipeline_look says what each kernel takes when it measures  */
    bool ignore_limits; /* start even if it will not fit into the memory or onto the disk                  */
    const char *stage;  /* run this one and those it reads, and report what stands of the others; NULL: all   */
    /* Directories of other runs: what one of them has done under the same name and with the same fingerprint is copied,
     * not done again. */
    const char *const *reuse;
    size_t n_reuse;
    /* Of the soft labels that `stage` makes, write only this part (from 1); 0, 0: all.  Those it reads must be done;
     * others may write other parts in the same OUT at the same time. */
    uint32_t part, n_parts;
    lyne_listener listener;
    /** Called before each job: the label, and why it needs not be run, as "up to date", or NULL.  May be NULL. */
    void (*starting)(void *self, const char *label, const char *done);
    void *self;
} lyne_run_options;

/** Open a split of the recipe's data set, which must be as its description says.  Close it with lyne_dataset_close. */
lyne_status lyne_pipeline_open(const lyne_recipe *r, const lyne_run_options *o, lyne_split split, lyne_dataset *out,
                               lyne_error *err);

/* What a job was made with, wherever and whenever: UTC, CPU, kernels and threads, version of Lyne.  NULL: not known. */
enum { LYNE_MADE_DATE, LYNE_MADE_PROCESSOR, LYNE_MADE_ENVIRONMENT, LYNE_MADE_VERSION, LYNE_PROVENANCE };
typedef struct lyne_provenance {
    const char *text[LYNE_PROVENANCE];
} lyne_provenance;
extern const char *const lyne_provenance_key[LYNE_PROVENANCE]; /* in files: "date", "processor", ... */

/* Bytes of a result.json at most: soft labels have up to 30,000 files, each named in it. */
enum { LYNE_RESULT_LIMIT = 1 << 23 };

/* What one stage for one seed came to. */
typedef struct lyne_outcome {
    size_t stage; /* index into the recipe's */
    bool once;
    uint64_t seed;
    bool was_up_to_date;
    const char *copied_from;        /* if so only because another run has done it: its directory there */
    lyne_digest fingerprint, files; /* files: of those that it left, once it is done */
    lyne_digest made;               /* of a model its numbers, so that other words in the file make no other result */
    lyne_inputs inputs;             /* what the fingerprint is of; while the job is at work alone */
    const char *why;                /* it is not up to date; this and cost by lyne_pipeline_look alone */
    lyne_cost cost;                 /* memory: with the soft labels that it reads */
    uint64_t mapped;                /* of that, these soft labels                 */
    uint64_t peak_memory;           /* expected of a process that does this job alone; by lyne_pipeline_look too */
    const char *directory;          /* relative to OUT */
    uint64_t model_bytes;           /* of model.safetensors, 0: none */
    lyne_provenance provenance;     /* of what stands, be it from another process or run */
    lyne_result result;
} lyne_outcome;

typedef struct lyne_outcomes {
    lyne_arena arena;
    size_t n;
    lyne_outcome *item;      /* in the order of the recipe, seeds within a stage */
    const char *environment; /* of this process */
    double seconds;          /* of this process                                          */
    uint64_t peak_memory;    /* of the process; by lyne_pipeline_look what is expected [bytes] */
} lyne_outcomes;

/** Run.  out: an array of lyne_recipe_count(r), one for each point of a sweep.  After a failure it holds what was done
 *  until then.  Refuses an OUT that another process is running in, and what is not going to fit into this process's memory
 *  or onto OUT's disk. */
lyne_status lyne_pipeline_run(const lyne_recipe *r, const lyne_run_options *o, lyne_outcomes *out, lyne_error *err);
void lyne_outcomes_free(lyne_outcomes *out);

/** What a run of one recipe, or point of a sweep, would do, without writing anything: which jobs are up to date and why the
 *  others are not.  A job that reads one which will run is not up to date, whatever comes of that.  And what each would
 *  cost, with its time measured for `seconds` where it would run; 0: no times, and none of the memory is taken. */
lyne_status lyne_pipeline_look(const lyne_recipe *r, const lyne_run_options *o, double seconds, lyne_outcomes *out,
                               lyne_error *err);

/* A figure over the seeds of a stage. */
typedef struct lyne_summary {
    int n;
    double mean, sd; /* sd of the sample; 0 for n = 1 */
} lyne_summary;
/** Of a number at `offset` in lyne_result, an int64_t if `whole` else a double; runs where it is unknown are left out. */
lyne_summary lyne_summarise(const lyne_outcomes *o, size_t stage, size_t offset, bool whole);

/* What came of an expectation. */
typedef struct lyne_verdict {
    const char *metric; /* "test_errors", "test_accuracy", "agreement" or "ratio": the control's errors over ours */
    lyne_summary ours;
    double asked; /* the published figure, or `times` */
    bool met;     /* within the interval, or above `times` */
} lyne_verdict;
lyne_verdict lyne_judge(const lyne_recipe *r, const lyne_outcomes *o, const lyne_expectation *e);

/** OUT/results.json; o as of lyne_pipeline_run, here and below. */
lyne_status lyne_results_save(const lyne_recipe *r, const lyne_outcomes *o, const char *path, lyne_error *err);
/** The same as text, for --json; caller frees with lyne_text_free. */
lyne_status lyne_results_print(const lyne_recipe *r, const lyne_outcomes *o, lyne_text *out, lyne_error *err);

#endif
