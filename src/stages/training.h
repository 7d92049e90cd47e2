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
    LYNE_ENTRY_WITH(COMPONENTS, training_config, loss, "the terms that are added up", default_loss,                    \
                    .kind = LYNE_LOSS),                                                                                \
        LYNE_ENTRY_WITH(COMPONENT, training_config, model, "the network that is trained", LYNE_REQUIRED,               \
                        .kind = LYNE_MODEL),                                                                           \
        LYNE_FLOAT(training_config, epochs, "how often every sample is shown; 0.5 is half of them once", "10", 0.001,  \
                   1e6),                                                                                               \
        LYNE_INT(training_config, batch, "samples in a step", "128", 1, 65536),                                        \
        {.name = "memory",                                                                                             \
         .type = LYNE_FIELD_CHOICE,                                                                                    \
         .help =                                                                                                       \
             "lean: activations are made again for backward instead of kept; a step takes 8 to 26% longer, the "       \
             "result is the same bits",                                                                                \
         .fallback = "normal",                                                                                         \
         .offset = offsetof(training_config, memory),                                                                  \
         .choices = training_memories,                                                                                 \
         .inert = true},                                                                                               \
        LYNE_ENTRY_WITH(COMPONENT, training_config, optimizer, "how gradients change the weights", "sgd",              \
                        .kind = LYNE_OPTIMIZER),                                                                       \
        LYNE_ENTRY_WITH(COMPONENT, training_config, schedule, "how the learning rate moves over the epochs",           \
                        "{cosine: {warmup: 1}}", .kind = LYNE_SCHEDULE),                                               \
        LYNE_ENTRY_WITH(FLOAT, training_config, checkpoint_seconds,                                                    \
                        "at most so much work is lost when the process is killed [s]", "15", LYNE_RANGE(0, 1e6),       \
                        .inert = true),                                                                                \
        LYNE_ENTRY_WITH(GROUP, training_config, show,                                                                  \
                        "which samples are shown; all by default, and epochs count these", LYNE_UNSET,                 \
                        .fields = training_shown_fields),                                                              \
        LYNE_ENTRY_WITH(CHOICE, training_config, keep,                                                                 \
                        "which epoch's weights: best has the fewest errors on the validation split", "last",           \
                        .choices = training_keeps)

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
