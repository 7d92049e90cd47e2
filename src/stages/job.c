/* stages/job.c -- what several stage kinds do: find an earlier stage, load its model, score on the test split. */
#include "stages/stage.h"
#include "train/evaluate.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define EVALUATION_BATCH 200

const char *lyne_product_name(lyne_product p) {
    static const char *const name[] = {"a model", "soft labels", "scores"};
    return name[p];
}

lyne_result lyne_result_empty(void) {
    lyne_result r = {.test_samples = -1,
                     .test_errors = -1,
                     .test_accuracy = -1,
                     .test_loss = -1,
                     .validation_errors = -1,
                     .best_validation_errors = -1,
                     .best_test_errors = -1,
                     .best_epoch = -1,
                     .parameters = -1,
                     .macs = -1,
                     .steps = -1,
                     .records = -1,
                     .bytes = -1,
                     .agreement = -1,
                     .bias = (double)NAN,
                     .class_samples = -1,
                     .class_errors = -1,
                     .seconds = -1,
                     .samples_per_second = -1,
                     .teacher_seconds = -1};
    for (int i = 0; i < LYNE_LABELS_TEMPERATURES; i++) r.kl.mean[i] = r.kl.p99[i] = r.kl.max[i] = -1;
    return r;
}

const lyne_source_stage *lyne_job_find(const lyne_job *job, const char *name) {
    for (size_t i = 0; i < job->n_earlier; i++)
        if (strcmp(job->earlier[i].stage->name, name) == 0) return &job->earlier[i];
    assert(!"the recipe names an earlier stage");
    return NULL;
}

lyne_status lyne_path(char out[LYNE_PATH_MAX], const char *directory, const char *file, lyne_error *err) {
    int n = snprintf(out, LYNE_PATH_MAX, "%s/%s", directory, file);
    if (n < 0 || n >= LYNE_PATH_MAX)
        return lyne_fail(err, LYNE_EOTHER, "%.100s.../%s: the path is too long", directory, file);
    return LYNE_OK;
}

lyne_instance lyne_job_model(const lyne_job *job, const char *name) {
    const lyne_instance *kind = &lyne_job_find(job, name)->stage->kind;
    return ((const lyne_stage *)kind->row)->model(kind->config);
}

static lyne_status load(const lyne_job *job, const char *name, int64_t batch, bool features, lyne_network *net,
                        lyne_error *err) {
    const lyne_source_stage *source = lyne_job_find(job, name);
    const lyne_network_options o = {
        .model = lyne_job_model(job, name), .task = job->task, .batch = batch, .features = features};
    char path[LYNE_PATH_MAX];
    lyne_status status = lyne_path(path, source->directory, "model.safetensors", err);
    if (status == LYNE_OK) status = lyne_network_init(net, &o, err);
    if (status != LYNE_OK) return status;
    if ((status = lyne_weights_load(net->weights, path, err)) != LYNE_OK) lyne_network_deinit(net);
    return status;
}

lyne_status lyne_job_load(const lyne_job *job, const char *name, int64_t batch, lyne_network *net, lyne_error *err) {
    return load(job, name, batch, false, net, err);
}

lyne_status lyne_job_load_features(const lyne_job *job, const char *name, int64_t batch, lyne_network *net,
                                   lyne_error *err) {
    return load(job, name, batch, true, net, err);
}

void lyne_result_scores(lyne_result *r, const lyne_network *net, const lyne_scores *scores) {
    r->test_samples = scores->n;
    r->test_errors = scores->errors;
    r->test_accuracy = scores->accuracy;
    r->test_loss = scores->loss;
    r->parameters = lyne_graph_count_params(net->graph);
    r->macs = lyne_graph_count_macs(net->graph);
}

lyne_status lyne_job_score(const lyne_job *job, lyne_instance model, lyne_weights *weights, lyne_result *out,
                           lyne_error *err) {
    const lyne_network_options o = {.model = model, .task = job->task, .batch = EVALUATION_BATCH, .weights = weights};
    lyne_network net;
    lyne_scores scores;
    lyne_status status = lyne_network_init(&net, &o, err);
    if (status != LYNE_OK) return status;
    if ((status = lyne_evaluate(&net, job->test, &scores, err)) == LYNE_OK) lyne_result_scores(out, &net, &scores);
    lyne_network_deinit(&net);
    return status;
}

lyne_status lyne_job_score_cost(const lyne_job *job, lyne_instance model, const lyne_dataset *d, double seconds,
                                lyne_cost *out, lyne_error *err) {
    return lyne_job_cost(job, model, EVALUATION_BATCH, (uint64_t)d->n, seconds, out, err);
}
