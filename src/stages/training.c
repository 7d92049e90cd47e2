/* stages/training.c -- train, save, score: the common part of `train` and `distill`. */
#include "stages/training.h"
#include "train/trainer.h"

lyne_instance training_model(const void *config) {
    return ((const training_config *)config)->model;
}
lyne_instances training_losses(const void *config) {
    return ((const training_config *)config)->loss;
}

static lyne_status save_and_score(const lyne_job *job, const training_config *c, const lyne_trained *trained,
                                  lyne_result *out, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_status status = lyne_path(path, job->directory, "model.safetensors", err);
    if (status == LYNE_OK) status = lyne_job_score(job, c->model, trained->weights, out, err);
    if (status == LYNE_OK) status = lyne_weights_save(trained->weights, path, job->label, err);
    out->steps = (int64_t)trained->steps;
    out->seconds = trained->seconds;
    out->samples_per_second = trained->samples_per_second;
    return status;
}

lyne_status training_run(const lyne_job *job, const training_config *c, const training_source *source, lyne_result *out,
                         lyne_error *err) {
    lyne_loader loader;
    lyne_trained trained;
    lyne_status status =
        lyne_loader_init(&loader, job->train, job->seed, source->view_seed, source->views, source->augment, err);
    if (status != LYNE_OK) return status;
    const lyne_training t = {.name = job->label,
                             .model = c->model,
                             .task = job->task,
                             .loader = &loader,
                             .labels = source->labels,
                             .losses = c->loss,
                             .optimizer = c->optimizer,
                             .schedule = c->schedule,
                             .epochs = c->epochs,
                             .batch = c->batch,
                             .seed = job->seed,
                             .directory = job->directory,
                             .fingerprint = job->fingerprint,
                             .environment = job->environment,
                             .any_environment = job->any_environment,
                             .checkpoint_seconds = c->checkpoint_seconds,
                             .listener = job->listener};
    status = lyne_train(&t, &trained, err);
    if (status == LYNE_OK) {
        status = save_and_score(job, c, &trained, out, err);
        lyne_weights_free(trained.weights);
    }
    lyne_loader_deinit(&loader);
    return status;
}
