/* stages/distill.c -- train a student on soft labels from disk: the pictures it sees are the very views the teacher was
 * asked about.  Hinton, Vinyals, Dean 2015, arXiv:1503.02531; same views for both: Beyer et al. 2022, arXiv:2106.05237. */
#include "stages/label.h"
#include "stages/training.h"

typedef struct distill_config {
    training_config base;
    lyne_reference labels;
} distill_config;

static const lyne_field fields[] = {
    TRAINING_FIELDS("[{kd: {temperature: 4, weight: 0.9}}, {cross_entropy: {weight: 0.1}}]"),
    {.name = "labels",
     .type = LYNE_FIELD_STAGE,
     .makes = LYNE_MAKES_LABELS,
     .help = "the stage that wrote the soft labels",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(distill_config, labels)},
    LYNE_FIELDS_END};

static const char *check(const void *config) {
    const distill_config *c = config;
    bool taught = false;
    if (c->base.loss.n > LYNE_MAX_TERMS) return "loss has more than 8 terms";
    for (size_t i = 0; i < c->base.loss.n; i++) taught |= ((const lyne_loss *)c->base.loss.item[i].row)->needs_teacher;
    if (!taught) return "no loss here listens to the teacher; add kd, or make it a train stage";
    return training_check(&c->base);
}

static lyne_status run(const lyne_job *job, lyne_result *out, lyne_error *err) {
    const distill_config *c = job->stage->kind.config;
    const lyne_source_stage *from = lyne_job_find(job, c->labels.name);
    const lyne_instance *kind = &from->stage->kind;
    lyne_labels *labels = NULL;
    lyne_label_source wanted;
    lyne_status status = ((const lyne_stage *)kind->row)->labels(job, kind->config, &wanted, err);
    if (status == LYNE_OK) status = lyne_labels_open(from->directory, &labels, err);
    if (status == LYNE_OK) status = lyne_labels_match(labels, &wanted.identity, err);
    if (status == LYNE_OK) {
        const training_source source = {
            .view_seed = wanted.view_seed, .views = wanted.views, .augment = wanted.augment, .labels = labels};
        status = training_run(job, &c->base, &source, out, err);
    }
    lyne_labels_close(labels);
    return status;
}

static lyne_status cost(const lyne_job *job, double seconds, lyne_cost *out, lyne_error *err) {
    const distill_config *c = job->stage->kind.config;
    const lyne_instance *kind = &lyne_job_find(job, c->labels.name)->stage->kind;
    lyne_label_source from = {0};
    ((const lyne_stage *)kind->row)->views(kind->config, &from);
    const training_source source = {.view_seed = from.view_seed, .views = from.views, .augment = from.augment};
    return training_cost(job, &c->base, &source, seconds, out, err);
}

const lyne_stage lyne_stage_distill = {
    .component = {.kind = LYNE_STAGE,
                  .name = "distill",
                  .help = "train a student on soft labels",
                  .source = "arXiv:1503.02531, section 2",
                  .example = "student: {distill: {model: {mlp: {hidden: [30, 30]}}, labels: soft_labels}}",
                  .config_size = sizeof(distill_config),
                  .fields = fields,
                  .check = check},
    .product = LYNE_MAKES_MODEL,
    .model = training_model,
    .losses = training_losses,
    .needs = training_needs,
    .run = run,
    .cost = cost};
