/* stages/stage.h -- the row of a stage kind: what it reads, what it makes, and how.
 *
 * A stage works in a directory of its own and leaves files there that it could always make again.  Which stage is up to
 * date, in what order they run and for which seeds is the recipe's matter (recipe/pipeline.h). */
#ifndef LYNE_STAGES_STAGE_H
#define LYNE_STAGES_STAGE_H

#include "data/subset.h"
#include "lyne/labels.h"
#include "train/evaluate.h"
#include "train/network.h"
#include "train/progress.h"
#include <stdio.h>

typedef enum lyne_product {
    LYNE_MAKES_MODEL,  /* DIRECTORY/model.safetensors                          */
    LYNE_MAKES_LABELS, /* DIRECTORY/manifest.json and labels-*.safetensors     */
    LYNE_MAKES_SCORES  /* numbers only                                         */
} lyne_product;
const char *lyne_product_name(lyne_product p); /* "a model", "soft labels", "scores" */

/* Numbers that a stage reports.  Those it knows nothing of are below 0. */
typedef struct lyne_result {
    int64_t test_samples, test_errors;
    double test_accuracy, test_loss;
    /* On the validation split: of the model that is kept; the best epoch, its errors there and on the test split. */
    int64_t validation_errors, best_validation_errors, best_test_errors;
    double best_epoch;
    int64_t parameters, macs; /* macs: of one sample                         */
    int64_t steps;
    int64_t records, bytes;              /* of soft labels                                */
    lyne_labels_error kl;                /* of what is stored from what the teacher said  */
    double agreement;                    /* with another model, share of the split             */
    double bias;                         /* added to logits of some classes; NaN: none                  */
    int64_t class_samples, class_errors; /* of these classes on the test split               */
    double seconds, samples_per_second;
    double teacher_seconds; /* spent asking teachers, or reading what they said */
} lyne_result;

/* What a stage will need.  0: nothing, or nothing known. */
typedef struct lyne_cost {
    int64_t parameters, macs; /* of the model it works with; macs: of one sample, forward         */
    uint64_t samples;         /* that go through it                                               */
    uint64_t memory;          /* that it holds at its peak, besides the data and soft labels [bytes] */
    uint64_t disk;            /* of the model or soft labels that it leaves [bytes]               */
    uint64_t disk_meanwhile;  /* of checkpoints, while it runs [bytes]                            */
    double seconds;           /* from a short measurement                                         */
} lyne_cost;

/* A stage as a recipe has it. */
typedef struct lyne_stage_instance {
    const char *name;
    lyne_mark mark;
    lyne_instance kind; /* its lyne_stage row and config */
} lyne_stage_instance;

/* An earlier stage of the recipe, done. */
typedef struct lyne_source_stage {
    const lyne_stage_instance *stage;
    const char *directory; /* where its files are, for this job's seed */
} lyne_source_stage;

/* One run of one stage.  Everything borrowed. */
typedef struct lyne_job {
    const lyne_stage_instance *stage;
    const char *label; /* "student, seed 2" */
    uint64_t seed;
    const char *directory;   /* exists                                              */
    lyne_digest fingerprint; /* of everything that can change the result            */
    const lyne_task *task;
    lyne_digest classes; /* of the class names                                      */
    const lyne_texts *class_names;
    const lyne_dataset *train, *test;
    const lyne_dataset *validation; /* held out of train; NULL: nothing is                      */
    const lyne_subset *rest;        /* what of train may be shown in training; NULL: all of it  */
    const lyne_source_stage *earlier;
    size_t n_earlier;
    uint32_t part, n_parts;  /* of soft labels: only this part; 0, 0: all               */
    const char *environment; /* what bits depend on besides: library, CPU, threads  */
    bool any_environment;
    FILE *kernels; /* where `cost`, when it measures, says what each kernel takes; NULL: nowhere */
    lyne_listener listener;
} lyne_job;

struct lyne_label_source; /* stages/label.h */
struct lyne_asking;       /* labels/ask.h   */
struct lyne_diagnostics;  /* component/diagnostics.h */

/* What a stage's config asks of the recipe around it, for `lyne check`. */
typedef struct lyne_needs {
    const char *validation; /* the field that reads the validation split; NULL: none does */
    lyne_texts classes[2];  /* names of classes                                           */
    bool some_left[2];      /* not all of them may be named                               */
} lyne_needs;

typedef struct lyne_stage {
    lyne_component component;
    lyne_product product;
    bool once; /* runs for the first seed only, and so does every stage it reads */
    /** The model that the stage trains; row NULL (or the function NULL): none. */
    lyne_instance (*model)(const void *config);
    /** The losses it trains with, for `lyne check`; n 0 (or NULL): none. */
    lyne_instances (*losses)(const void *config);
    /** NULL: nothing. */
    lyne_needs (*needs)(const void *config);
    /** A digest of files that the config names and the stage reads, for its fingerprint; NULL: there are none. */
    lyne_status (*files)(const void *config, lyne_digest *out, lyne_error *err);
    /** What is wrong between its config and those of the n stages that it names, in the order of its fields: into err, and
     *  the place into *at.  NULL: nothing can be. */
    lyne_status (*check)(const void *config, const lyne_stage_instance *const *named, size_t n, lyne_mark *at,
                         lyne_error *err);
    /** What of that is no mistake and yet hardly meant: warnings, which are diagnostics of status LYNE_OK.  The recipe is
     *  without mistakes.  NULL: nothing is. */
    void (*advise)(const lyne_stage_instance *stage, const lyne_stage_instance *const *named, size_t n,
                   struct lyne_diagnostics *out);
    /** For a stage that makes soft labels: how they are stored (row NULL: they are not), */
    lyne_instance (*encoding)(const void *config);
    /** of which views, as its config says, and */
    void (*views)(const void *config, struct lyne_label_source *out);
    /** whose and of what they must be, from its sources as they are now. */
    lyne_status (*labels)(const lyne_job *job, const void *config, struct lyne_label_source *out, lyne_error *err);
    /** For a stage that makes soft labels: hold what is said now of n records against them. */
    lyne_status (*ask)(const lyne_job *job, const void *config, struct lyne_asking *labels, const uint64_t *record,
                       uint64_t n, lyne_error *err);
    /** For a stage that makes soft labels: the stage whose model it asks.  NULL: nobody's here. */
    const char *(*teacher)(const void *config);
    /** Do it.  A stage that finds its own unfinished work in the directory goes on with it.  Checkpoints stay: the caller
     *  clears them once the result is on disk. */
    lyne_status (*run)(const lyne_job *job, lyne_result *out, lyne_error *err);
    /** What that will need.  Nothing is read of the earlier stages, which may not be done.  seconds: how long to measure; 0:
     *  not at all, and nothing that grows with a model or a batch is allocated.  NULL: next to nothing. */
    lyne_status (*cost)(const lyne_job *job, double seconds, lyne_cost *out, lyne_error *err);
} lyne_stage;

/** What all its numbers unknown looks like. */
lyne_result lyne_result_empty(void);

void lyne_result_scores(lyne_result *r, const lyne_network *net, const lyne_scores *scores);

/** An earlier stage by name; it exists, the recipe has seen to that. */
const lyne_source_stage *lyne_job_find(const lyne_job *job, const char *name);
/** An inference network of the model that stage `name` made, its weights loaded from its directory. */
lyne_status lyne_job_load(const lyne_job *job, const char *name, int64_t batch, lyne_network *net, lyne_error *err);
/** The same, with what goes into its last layer (lyne_network_features). */
lyne_status lyne_job_load_features(const lyne_job *job, const char *name, int64_t batch, lyne_network *net,
                                   lyne_error *err);
/** The cost of asking a model about n samples, in batches. */
lyne_status lyne_job_cost(const lyne_job *job, lyne_instance model, int64_t batch, uint64_t n, double seconds,
                          lyne_cost *out, lyne_error *err);
/** The model that stage `name` trains. */
lyne_instance lyne_job_model(const lyne_job *job, const char *name);
/** Score weights of a model on the test split, into *out. */
lyne_status lyne_job_score(const lyne_job *job, lyne_instance model, lyne_weights *weights, lyne_result *out,
                           lyne_error *err);
/** The cost of a score on a split. */
lyne_status lyne_job_score_cost(const lyne_job *job, lyne_instance model, const lyne_dataset *d, double seconds,
                                lyne_cost *out, lyne_error *err);
/** DIRECTORY/FILE into a buffer; LYNE_EOTHER if it is too long. */
#define LYNE_PATH_MAX 4096
lyne_status lyne_path(char out[LYNE_PATH_MAX], const char *directory, const char *file, lyne_error *err);

#endif
