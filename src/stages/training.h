/* stages/training.h -- what `train` and `distill` share: the fields of a training run, and running it.  Private to
 * stages/. */
#ifndef LYNE_STAGES_TRAINING_H
#define LYNE_STAGES_TRAINING_H

#include "component/diagnostics.h"
#include "lyne/labels.h"
#include "stages/stage.h"
#include "train/teacher.h"

/* First in the config struct of both. */
typedef struct training_config {
    lyne_instance model;
    lyne_instances loss;
    double epochs;
    int64_t batch;
    lyne_instance optimizer, schedule;
    double checkpoint_seconds;
    lyne_shown show;
    int keep, memory;
} training_config;

enum { KEEP_LAST, KEEP_BEST };
extern const char *const training_keeps[];
enum { MEMORY_NORMAL, MEMORY_LEAN };
extern const char *const training_memories[];
extern const lyne_field training_shown_fields[];

/* All of them; `loss`, whose default differs, is given as YAML. */
#define TRAINING_FIELDS(default_loss)                                                                                  \
    {.name = "loss",                                                                                                   \
     .type = LYNE_FIELD_COMPONENTS,                                                                                    \
     .kind = LYNE_LOSS,                                                                                                \
     .help = "the terms that are added up",                                                                            \
     .fallback = default_loss,                                                                                         \
     .offset = offsetof(training_config, loss)},                                                                       \
        {.name = "model",                                                                                              \
         .type = LYNE_FIELD_COMPONENT,                                                                                 \
         .kind = LYNE_MODEL,                                                                                           \
         .help = "the network that is trained",                                                                        \
         .fallback = LYNE_REQUIRED,                                                                                    \
         .offset = offsetof(training_config, model)},                                                                  \
        LYNE_FLOAT(training_config, epochs, "how often every sample is shown; 0.5 is half of them once", "10", 0.001,  \
                   1e6),                                                                                               \
        LYNE_INT(training_config, batch, "samples in a step", "128", 1, 65536),                                        \
        {.name = "memory",                                                                                             \
         .type = LYNE_FIELD_CHOICE,                                                                                    \
         .help =                                                                                                       \
             "lean: activations are made again for backward instead of kept; a step takes about a third longer, the "  \
             "result is the same bits",                                                                                \
         .fallback = "normal",                                                                                         \
         .offset = offsetof(training_config, memory),                                                                  \
         .choices = training_memories,                                                                                 \
         .inert = true},                                                                                               \
        {.name = "optimizer",                                                                                          \
         .type = LYNE_FIELD_COMPONENT,                                                                                 \
         .kind = LYNE_OPTIMIZER,                                                                                       \
         .help = "how gradients change the weights",                                                                   \
         .fallback = "sgd",                                                                                            \
         .offset = offsetof(training_config, optimizer)},                                                              \
        {.name = "schedule",                                                                                           \
         .type = LYNE_FIELD_COMPONENT,                                                                                 \
         .kind = LYNE_SCHEDULE,                                                                                        \
         .help = "how the learning rate moves over the epochs",                                                        \
         .fallback = "{cosine: {warmup: 1}}",                                                                          \
         .offset = offsetof(training_config, schedule)},                                                               \
        {.name = "checkpoint_seconds",                                                                                 \
         .type = LYNE_FIELD_FLOAT,                                                                                     \
         .help = "at most so much work is lost when the process is killed [s]",                                        \
         .fallback = "15",                                                                                             \
         .offset = offsetof(training_config, checkpoint_seconds),                                                      \
         LYNE_RANGE(0, 1e6),                                                                                           \
         .inert = true},                                                                                               \
        {.name = "show",                                                                                               \
         .type = LYNE_FIELD_GROUP,                                                                                     \
         .help = "which samples are shown; all by default, and epochs count these",                                    \
         .fallback = LYNE_UNSET,                                                                                       \
         .offset = offsetof(training_config, show),                                                                    \
         .fields = training_shown_fields},                                                                             \
    {                                                                                                                  \
        .name = "keep", .type = LYNE_FIELD_CHOICE,                                                                     \
        .help = "which epoch's weights: best has the fewest errors on the validation split", .fallback = "last",       \
        .offset = offsetof(training_config, keep), .choices = training_keeps                                           \
    }

lyne_instance training_model(const void *config);
lyne_instances training_losses(const void *config);
lyne_needs training_needs(const void *config);

/* What the two kinds differ in. */
typedef struct training_source {
    uint64_t view_seed;
    uint32_t views;
    lyne_instances augment;
    lyne_teachers *teachers; /* NULL: hard labels only */
    lyne_instance teacher;   /* row NULL: nobody can be asked for features */
    const char *teacher_weights;
} training_source;

/** Nothing is left out by `show`. */
bool training_shows_all(const training_config *c);
/** NULL or what is wrong between the fields that both kinds have. */
const char *training_check(const training_config *c);

/** What it says without error and hardly means; of the stage where nothing of its own is to blame. */
void training_advise(const training_config *c, lyne_mark stage, lyne_diagnostics *out);
/** The same of the soft labels that it reads, whose name stands at `at`. */
void training_advise_views(const training_config *c, lyne_mark at, const char *labels,
                           const struct lyne_label_source *source, lyne_diagnostics *out);

/** What training_run will need; source->teachers is not looked at. */
lyne_status training_cost(const lyne_job *job, const training_config *c, const training_source *source, double seconds,
                          lyne_cost *out, lyne_error *err);

/** Train on what is shown, leave DIRECTORY/model.safetensors, score it on the test split, and on the validation split
 *  where there is one. */
lyne_status training_run(const lyne_job *job, const training_config *c, const training_source *source, lyne_result *out,
                         lyne_error *err);

#endif
