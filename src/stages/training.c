/* stages/training.c -- train, save, score: the common part of `train` and `distill`. */
#include "stages/training.h"
#include "train/trainer.h"
#include <string.h>

const char *const training_keeps[] = {"last", "best", NULL};
const char *const training_memories[] = {"normal", "lean", NULL};

const lyne_field training_shown_fields[] = {
    LYNE_ENTRY(TEXTS, lyne_shown, classes, "samples of these classes alone, by their names", "[]"),
    LYNE_ENTRY(TEXTS, lyne_shown, without, "samples of all classes but these", "[]"),
    LYNE_INT(lyne_shown, samples,
             "draw so many, of each class its share; the same for every "
             "seed; 0: all",
             "0", 0, 1e12),
    LYNE_FIELDS_END};

lyne_instance training_model(const void *config) {
    return ((const training_config *)config)->model;
}
lyne_instances training_losses(const void *config) {
    return ((const training_config *)config)->loss;
}
lyne_needs training_needs(const void *config) {
    const training_config *c = config;
    return (lyne_needs){.validation = c->keep == KEEP_BEST ? "keep" : NULL,
                        .classes = {c->show.classes, c->show.without},
                        .some_left = {false, true}};
}

const char *training_check(const training_config *c) {
    if (c->show.classes.n && c->show.without.n) return "show: give classes or without, not both";
    return NULL;
}

bool training_shows_all(const training_config *c) {
    const lyne_shown *s = &c->show;
    return s->classes.n == 0 && s->without.n == 0 && s->samples == 0;
}

/* The last epoch's weights scored, then the best's where there is a validation split; those that are kept stay in
 * trained->weights. */
static lyne_status score(const lyne_job *job, const training_config *c, const lyne_trained *trained, lyne_result *out,
                         lyne_error *err) {
    lyne_weights *w = trained->weights;
    lyne_status status = lyne_job_score(job, c->model, w, out, err);
    if (status != LYNE_OK || !trained->best) return status;
    const size_t bytes = w->n_values * sizeof *w->value;
    float *last = lyne_alloc(1, bytes);
    if (!last) return lyne_fail_memory(err, "the last weights");
    lyne_result best = lyne_result_empty();
    memcpy(last, w->value, bytes);
    memcpy(w->value, trained->best, bytes);
    w->version++;
    status = lyne_job_score(job, c->model, w, &best, err);
    if (c->keep == KEEP_BEST) {
        *out = best;
    } else {
        memcpy(w->value, last, bytes);
        w->version++;
    }
    lyne_free(last);
    out->validation_errors = c->keep == KEEP_BEST ? trained->best_errors : trained->last_errors;
    out->best_epoch = trained->best_epoch;
    out->best_validation_errors = trained->best_errors;
    out->best_test_errors = best.test_errors;
    return status;
}

static lyne_status save_and_score(const lyne_job *job, const training_config *c, const lyne_trained *trained,
                                  bool taught, lyne_result *out, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_status status = lyne_path(path, job->directory, "model.safetensors", err);
    if (status == LYNE_OK) status = score(job, c, trained, out, err);
    if (status == LYNE_OK) status = lyne_weights_save(trained->weights, path, job->label, err);
    out->steps = (int64_t)trained->steps;
    out->seconds = trained->seconds;
    if (taught) out->teacher_seconds = trained->teacher_seconds;
    out->samples_per_second = trained->samples_per_second;
    return status;
}

/* A training run, ready to begin. */
typedef struct setup {
    lyne_loader loader;
    lyne_subset shown;
    lyne_training t;
} setup;

/* To be released in any case. */
static lyne_status prepare(const lyne_job *job, const training_config *c, const training_source *source, setup *s,
                           lyne_error *err) {
    *s = (setup){0};
    lyne_loader *loader = &s->loader;
    lyne_status status =
        lyne_loader_init(loader, job->train, job->seed, source->view_seed, source->views, source->augment, err);
    if (status != LYNE_OK) return status;
    loader->only = job->rest;
    if (!training_shows_all(c)) {
        status = lyne_subset_show(job->train, job->rest, &c->show, job->class_names, &s->shown, err);
        if (status != LYNE_OK) lyne_error_context(err, "%s", job->label);
        loader->only = &s->shown;
    }
    loader->partners = source->teachers ? job->rest : loader->only; /* the teacher was asked about those */
    if (status == LYNE_OK && source->teachers && loader->only == &s->shown && lyne_count_mixing(source->augment))
        status = lyne_fail(err, LYNE_ERECIPE,
                           "%s: show: the soft labels are of mixed pictures, and samples that are not to be shown are "
                           "mixed into others; leave out show, or the mixing",
                           job->label);
    s->t = (lyne_training){.name = job->label,
                           .model = c->model,
                           .task = job->task,
                           .loader = loader,
                           .validation = job->validation,
                           .teachers = source->teachers,
                           .losses = c->loss,
                           .teacher = source->teacher,
                           .teacher_weights = source->teacher_weights,
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
                           .lean = c->memory == MEMORY_LEAN,
                           .kernels = job->kernels,
                           .listener = job->listener};
    return status;
}

static void release(setup *s) {
    lyne_subset_free(&s->shown);
    lyne_loader_deinit(&s->loader);
}

lyne_status training_run(const lyne_job *job, const training_config *c, const training_source *source, lyne_result *out,
                         lyne_error *err) {
    setup s;
    lyne_trained trained;
    lyne_status status = prepare(job, c, source, &s, err);
    if (status == LYNE_OK) status = lyne_train(&s.t, &trained, err);
    if (status == LYNE_OK) {
        status = save_and_score(job, c, &trained, source->teachers, out, err);
        lyne_weights_free(trained.weights);
        lyne_free(trained.best);
    }
    release(&s);
    return status;
}

lyne_status training_cost(const lyne_job *job, const training_config *c, const training_source *source, double seconds,
                          lyne_cost *out, lyne_error *err) {
    setup s;
    lyne_rehearsal r;
    lyne_cost scoring;
    lyne_status status = prepare(job, c, source, &s, err);
    if (status == LYNE_OK) status = lyne_train_rehearse(&s.t, seconds, &r, err);
    release(&s);
    lyne_job scored = *job;
    scored.kernels = NULL; /* those of training are what is asked for */
    if (status == LYNE_OK) status = lyne_job_score_cost(&scored, c->model, job->test, seconds / 4, &scoring, err);
    if (status != LYNE_OK) return status;
    *out = scoring;      /* which comes after training, when only the weights are left of that */
    if (job->validation) /* scored after each epoch, and twice on the test split at the end */
        out->seconds *= 2 + c->epochs * (double)job->validation->n / (double)job->test->n;
    out->samples = r.steps * (uint64_t)c->batch;
    out->seconds += r.step_seconds * (double)r.steps;
    out->disk = r.model_bytes;
    out->disk_meanwhile = 3 * r.checkpoint_bytes; /* two are kept, and the next one is whole before one goes */
    if (r.memory > out->memory) out->memory = r.memory;
    return LYNE_OK;
}
