/* stages/evaluate.c -- score a model on the test split, and how often it agrees with another. */
#include "train/evaluate.h"
#include "stages/stage.h"

#define BATCH 200

typedef struct evaluate_config {
    lyne_reference model, against;
} evaluate_config;

static const lyne_field fields[] = {{.name = "model",
                                     .type = LYNE_FIELD_STAGE,
                                     .makes = LYNE_MAKES_MODEL,
                                     .help = "the stage that made the model",
                                     .fallback = LYNE_REQUIRED,
                                     .offset = offsetof(evaluate_config, model)},
                                    {.name = "against",
                                     .type = LYNE_FIELD_STAGE,
                                     .makes = LYNE_MAKES_MODEL,
                                     .help = "another model: how often do both give the same answer",
                                     .fallback = LYNE_UNSET,
                                     .offset = offsetof(evaluate_config, against)},
                                    LYNE_FIELDS_END};

/* The share of test pictures on which two networks of equal batch agree. */
static lyne_status agreement(const lyne_job *job, lyne_network *a, lyne_network *b, double *out, lyne_error *err) {
    const int64_t classes = job->task->n_classes;
    const uint64_t n = (uint64_t)job->test->n;
    uint64_t same = 0;
    lyne_loader loader;
    lyne_status status = lyne_loader_init(&loader, job->test, 0, 0, 1, (lyne_instances){0}, err);
    if (status != LYNE_OK) return status;
    for (uint64_t first = 0; status == LYNE_OK && first < n; first += BATCH) {
        const float *x = NULL, *y = NULL;
        lyne_batch batch = {.n = BATCH, .picture = lyne_program_input(a->program, a->picture)};
        lyne_loader_records(&loader, first, &batch);
        batch.picture = lyne_program_input(b->program, b->picture);
        lyne_loader_records(&loader, first, &batch);
        status = lyne_network_infer(a, &x, err);
        if (status == LYNE_OK) status = lyne_network_infer(b, &y, err);
        for (uint64_t i = 0; status == LYNE_OK && i < BATCH && first + i < n; i++)
            same += lyne_argmax(x + (int64_t)i * classes, classes) == lyne_argmax(y + (int64_t)i * classes, classes);
    }
    *out = (double)same / (double)n;
    lyne_loader_deinit(&loader);
    return status;
}

static lyne_status run(const lyne_job *job, lyne_result *out, lyne_error *err) {
    const evaluate_config *c = job->stage->kind.config;
    lyne_network net = {0}, other = {0};
    lyne_scores scores;
    lyne_status status = lyne_job_load(job, c->model.name, BATCH, &net, err);
    if (status == LYNE_OK) status = lyne_evaluate(&net, job->test, &scores, err);
    if (status == LYNE_OK) {
        lyne_result_scores(out, &net, &scores);
        out->samples_per_second = scores.samples_per_second;
    }
    if (status == LYNE_OK && c->against.name) {
        status = lyne_job_load(job, c->against.name, BATCH, &other, err);
        if (status == LYNE_OK) status = agreement(job, &net, &other, &out->agreement, err);
    }
    lyne_network_deinit(&net);
    lyne_network_deinit(&other);
    return status;
}

static lyne_status cost(const lyne_job *job, double seconds, lyne_cost *out, lyne_error *err) {
    const evaluate_config *c = job->stage->kind.config;
    lyne_cost other;
    lyne_status status = lyne_job_score_cost(job, lyne_job_model(job, c->model.name), seconds, out, err);
    if (status != LYNE_OK || !c->against.name) return status;
    status = lyne_job_score_cost(job, lyne_job_model(job, c->against.name), seconds, &other, err);
    out->memory += other.memory;
    out->seconds += out->seconds + other.seconds; /* it is asked twice: for its score, and beside the other */
    return status;
}

const lyne_stage lyne_stage_evaluate = {
    .component = {.kind = LYNE_STAGE,
                  .name = "evaluate",
                  .help = "score a model on the test split",
                  .example = "fidelity: {evaluate: {model: student, against: teacher}}",
                  .config_size = sizeof(evaluate_config),
                  .fields = fields},
    .product = LYNE_MAKES_SCORES,
    .run = run,
    .cost = cost};
