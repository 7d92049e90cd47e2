/* stages/evaluate.c -- score a model on a split, and how often it agrees with another. */
#include "train/evaluate.h"
#include "stages/stage.h"
#include <string.h>

#define BATCH 200

typedef struct evaluate_config {
    lyne_reference model, against;
    int split;
} evaluate_config;

static const lyne_field fields[] = {LYNE_ENTRY_WITH(STAGE, evaluate_config, model, "the stage that made the model",
                                                    LYNE_REQUIRED, .makes = LYNE_MAKES_MODEL),
                                    LYNE_ENTRY_WITH(STAGE, evaluate_config, against,
                                                    "another model: how often do both give the same answer", LYNE_UNSET,
                                                    .makes = LYNE_MAKES_MODEL),
                                    LYNE_ENTRY_WITH(CHOICE, evaluate_config, split, "the samples that are asked about",
                                                    "test", .choices = lyne_split_names),
                                    LYNE_FIELDS_END};

static const char *check(const void *config) {
    const evaluate_config *c = config;
    if (c->against.name && strcmp(c->model.name, c->against.name) == 0)
        return "against is the model itself, which agrees with itself always; name another stage";
    if (c->split == LYNE_TRAIN && !c->against.name)
        return "errors on the pictures that a model was trained on tell nothing; give `against`, or another split";
    return NULL;
}

static lyne_needs needs(const void *config) {
    return (lyne_needs){.validation = ((const evaluate_config *)config)->split == LYNE_VALIDATION ? "split" : NULL};
}

/* As what a split's scores are reported: errors on training pictures are not. */
static void report(const lyne_network *net, const lyne_scores *s, lyne_split split, lyne_result *out) {
    lyne_result_scores(out, net, s);
    out->samples_per_second = s->samples_per_second;
    if (split == LYNE_TEST) return;
    if (split == LYNE_VALIDATION) out->validation_errors = s->errors;
    out->test_samples = out->test_errors = -1;
    out->test_accuracy = out->test_loss = -1;
}

/* The share of a split's samples (where each token has a label: of its tokens) on which two networks of equal batch agree. */
static lyne_status agreement(const lyne_dataset *d, lyne_network *a, lyne_network *b, double *out, lyne_error *err) {
    const int64_t classes = d->n_classes;
    const uint64_t rows = (uint64_t)lyne_sequence_rows(&d->sequence), n = (uint64_t)d->n * rows;
    uint64_t same = 0;
    lyne_loader loader;
    lyne_status status = lyne_loader_init(&loader, d, 0, 0, 1, (lyne_instances){0}, err);
    if (status != LYNE_OK) return status;
    for (uint64_t first = 0; status == LYNE_OK && first * rows < n; first += BATCH) {
        const float *x = NULL, *y = NULL;
        lyne_batch batch = {.n = BATCH, .picture = lyne_program_input(a->program, a->picture)};
        lyne_loader_records(&loader, first, &batch);
        batch.picture = lyne_program_input(b->program, b->picture);
        lyne_loader_records(&loader, first, &batch);
        status = lyne_scoring_stopped((int64_t)first, d->n, err);
        if (status == LYNE_OK) status = lyne_network_infer(a, &x, err);
        if (status == LYNE_OK) status = lyne_network_infer(b, &y, err);
        for (uint64_t i = 0; status == LYNE_OK && i < BATCH * rows && first * rows + i < n; i++)
            same += lyne_argmax(x + (int64_t)i * classes, classes) == lyne_argmax(y + (int64_t)i * classes, classes);
    }
    *out = (double)same / (double)n;
    lyne_loader_deinit(&loader);
    return status;
}

static const lyne_dataset *split_of(const lyne_job *job, const evaluate_config *c) {
    return c->split == LYNE_TRAIN ? job->train : c->split == LYNE_TEST ? job->test : job->validation;
}

static lyne_status run(const lyne_job *job, lyne_result *out, lyne_error *err) {
    const evaluate_config *c = job->stage->kind.config;
    const lyne_dataset *d = split_of(job, c);
    lyne_network net = {0}, other = {0};
    lyne_scores scores;
    lyne_status status = lyne_job_load(job, c->model.name, BATCH, &net, err);
    if (status == LYNE_OK) status = lyne_evaluate(&net, d, &scores, err);
    if (status == LYNE_OK) report(&net, &scores, (lyne_split)c->split, out);
    if (status == LYNE_OK && c->against.name) {
        status = lyne_job_load(job, c->against.name, BATCH, &other, err);
        if (status == LYNE_OK) status = agreement(d, &net, &other, &out->agreement, err);
    }
    lyne_network_deinit(&net);
    lyne_network_deinit(&other);
    return status;
}

static lyne_status cost(const lyne_job *job, double seconds, lyne_cost *out, lyne_error *err) {
    const evaluate_config *c = job->stage->kind.config;
    lyne_cost other;
    lyne_status status =
        lyne_job_score_cost(job, lyne_job_model(job, c->model.name), split_of(job, c), seconds, out, err);
    if (status != LYNE_OK || !c->against.name) return status;
    status = lyne_job_score_cost(job, lyne_job_model(job, c->against.name), split_of(job, c), seconds, &other, err);
    out->memory += other.memory;
    out->seconds += out->seconds + other.seconds; /* it is asked twice: for its score, and beside the other */
    return status;
}

const lyne_stage lyne_stage_evaluate = {
    .component = {.kind = LYNE_STAGE,
                  .name = "evaluate",
                  .help = "score a model on the test split, or another",
                  .example = "fidelity: {evaluate: {model: student, against: teacher}}",
                  .config_size = sizeof(evaluate_config),
                  .fields = fields,
                  .check = check},
    .product = LYNE_MAKES_SCORES,
    .needs = needs,
    .run = run,
    .cost = cost};
