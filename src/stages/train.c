/* stages/train.c -- train a model on hard labels: a teacher, or the student alone as the control. */
#include "losses/loss.h"
#include "stages/training.h"

typedef struct train_config {
    training_config base;
    lyne_instances augment;
} train_config;

static const lyne_field fields[] = {TRAINING_FIELDS("[cross_entropy]"),
                                    LYNE_ENTRY_WITH(COMPONENTS, train_config, augment,
                                                    "what is done to a picture, anew in each epoch", "[]",
                                                    .kind = LYNE_AUGMENTATION),
                                    LYNE_FIELDS_END};

static const char *check(const void *config) {
    const train_config *c = config;
    if (c->base.loss.n == 0) return "loss is an empty list; cross_entropy is the usual one";
    if (c->base.loss.n > LYNE_MAX_TERMS) return "loss has more than 8 terms";
    for (size_t i = 0; i < c->base.loss.n; i++)
        if (((const lyne_loss *)c->base.loss.item[i].row)->needs_teacher ||
            ((const lyne_loss *)c->base.loss.item[i].row)->reads_features)
            return "a loss needs a teacher, and nobody teaches in a train stage; make it a distill stage with labels";
    const char *wrong = training_check(&c->base);
    if (!wrong && lyne_count_mixing(c->augment) && !training_shows_all(&c->base))
        return "what mixup and cutmix mix in may be a sample that show leaves out; mix nothing, or show all";
    return wrong ? wrong : lyne_augment_check(c->augment);
}

static lyne_status run(const lyne_job *job, lyne_result *out, lyne_error *err) {
    const train_config *c = job->stage->kind.config;
    const training_source source = {.view_seed = job->seed, .views = 0, .augment = c->augment};
    return training_run(job, &c->base, &source, out, err);
}

static lyne_status cost(const lyne_job *job, double seconds, lyne_cost *out, lyne_error *err) {
    const train_config *c = job->stage->kind.config;
    const training_source source = {.view_seed = job->seed, .views = 0, .augment = c->augment};
    return training_cost(job, &c->base, &source, seconds, out, err);
}

static void advise(const lyne_stage_instance *stage, const lyne_stage_instance *const *named, size_t n,
                   lyne_diagnostics *out) {
    (void)named, (void)n;
    training_advise(&((const train_config *)stage->kind.config)->base, stage->mark, out);
}

const lyne_stage lyne_stage_train = {
    .component = {.kind = LYNE_STAGE,
                  .name = "train",
                  .help = "train a model on the hard labels",
                  .example = "teacher: {train: {model: {mlp: {hidden: [1200, 1200]}}, epochs: 20}}",
                  .config_size = sizeof(train_config),
                  .fields = fields,
                  .check = check},
    .product = LYNE_MAKES_MODEL,
    .model = training_model,
    .losses = training_losses,
    .needs = training_needs,
    .advise = advise,
    .run = run,
    .cost = cost};
