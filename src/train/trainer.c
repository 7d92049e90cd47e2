/* train/trainer.c -- life of a training step: fill the inputs, replay the program, check the terms, update the weights.
 *
 * A step is a function of the step number and the numbers of the step before; nothing else is remembered, which is why a
 * run that was killed goes on to the same bits. */
#include "train/trainer.h"
#include "base/log.h"
#include "optim/schedule.h"
#include "train/blame.h"
#include "train/evaluate.h"
#include "train/features.h"
#include "train/metrics.h"
#include <math.h>
#include <string.h>

/* How often a listener is told [s]. */
#define TELL_SECONDS     0.2
#define VALIDATION_BATCH 200

typedef struct run {
    const lyne_training *t;
    lyne_network net;
    const lyne_optimizer *optimizer;
    float *slot[LYNE_MAX_SLOTS];
    int64_t rows;     /* of a batch */
    uint64_t *sample; /* (rows) ids and views, to look up soft labels */
    uint32_t *view;
    lyne_network judge;           /* the same weights, to score the validation split; graph NULL: there is none */
    float *best;                  /* values of the best epoch so far */
    lyne_feature_source features; /* zero: no loss reads any */
    lyne_metrics metrics;
    lyne_standing at;
    uint64_t steps, n_samples;   /* steps in all; samples of the data set */
    double started, told, saved; /* clock at the start of this process, the last report, the last checkpoint */
    uint64_t first_step;         /* of this process */
    bool rehearsing;             /* without soft labels or files */
    bool outline;                /* and without numbers          */
} run;

uint64_t lyne_training_steps(double epochs, int64_t n_samples, int64_t batch) {
    const double samples = epochs * (double)n_samples;
    return (uint64_t)ceil(samples / (double)batch - 1e-9);
}

static const char *term_name(const run *r, int i) {
    return lyne_network_term_name(&r->net, i);
}

static double seconds(const run *r) {
    return r->at.seconds + lyne_now() - r->started;
}

static double epoch_at(const run *r, uint64_t step) {
    return (double)(step * (uint64_t)r->t->batch) / (double)r->n_samples;
}

/* ---- one step ---- */

static lyne_status fill_inputs(run *r, uint64_t position, lyne_error *err) {
    lyne_program *p = r->net.program;
    lyne_batch b = {.n = r->t->batch,
                    .sample = r->sample,
                    .view = r->view,
                    .picture = lyne_program_input(p, r->net.picture),
                    .label = lyne_program_input(p, r->net.label),
                    .mix = r->net.mix ? lyne_program_input(p, r->net.mix) : NULL};
    lyne_loader_training(r->t->loader, position, &b);
    if (r->rehearsing) return LYNE_OK;
    const double start = lyne_now();
    lyne_status status = r->net.n_features ? lyne_features_read(&r->features, &r->net, err) : LYNE_OK;
    if (status == LYNE_OK && r->net.teacher)
        status = lyne_teachers_ask(r->t->teachers, &b, lyne_program_input(p, r->net.teacher), err);
    r->at.teacher_seconds += lyne_now() - start;
    return status;
}

static lyne_status not_finite(const run *r, int term, lyne_error *err) {
    const uint64_t position = r->at.step * (uint64_t)r->t->batch;
    char blame[LYNE_BLAME_TEXT];
    lyne_blame(&r->net, &(lyne_clock){.seed = r->t->seed, .position = position}, blame);
    return lyne_fail(err, LYNE_ENOTFINITE,
                     "%s: the loss %s is not a finite number at step %llu (epoch %.2f)%s%s; a lower learning rate or a "
                     "longer warmup is the usual cure",
                     r->t->name, term_name(r, term), (unsigned long long)r->at.step + 1,
                     (double)position / (double)r->n_samples, *blame ? "; the first that is none: " : "", blame);
}

static lyne_status add_up(run *r, lyne_error *err) {
    const int64_t classes = r->net.logits->shape.dim[1];
    for (int i = 0; i < r->net.n_terms; i++) {
        const double value = (double)*(const float *)lyne_program_output(r->net.program, r->net.term[i].node);
        if (!isfinite(value)) return not_finite(r, i, err);
        r->at.sum[i] += value * (double)r->rows;
    }
    const float *logits = lyne_program_output(r->net.program, r->net.logits);
    const int32_t *label = lyne_program_input(r->net.program, r->net.label);
    for (int64_t i = 0; i < r->rows; i++) r->at.correct += lyne_argmax(logits + i * classes, classes) == label[i];
    r->at.seen += (uint64_t)r->rows;
    return LYNE_OK;
}

/* Of step `step`, counted from 0: the schedule at the middle of the step, so that neither the first step of a warm-up nor
 * the last whole one of a cosine is lost to a rate of 0; at the middle of the training where a batch is all of it and more. */
static double learning_rate(const run *r, uint64_t step) {
    const double middle = ((double)step + 0.5) * (double)r->t->batch / (double)r->n_samples;
    const double epoch = step == 0 && middle >= r->t->epochs ? r->t->epochs / 2 : middle;
    return r->optimizer->lr(r->t->optimizer.config) * lyne_schedule_at(&r->t->schedule, epoch, r->t->epochs);
}

/* seconds: as lyne_program_run_timed, and that of the update behind them; or NULL. */
static lyne_status step(run *r, double *seconds, lyne_error *err) {
    const lyne_clock clock = {.seed = r->t->seed, .position = r->at.step * (uint64_t)r->t->batch};
    lyne_status status = fill_inputs(r, clock.position, err);
    if (status == LYNE_OK) status = lyne_program_run_timed(r->net.program, &clock, seconds, err);
    if (status == LYNE_OK) status = add_up(r, err);
    if (status != LYNE_OK) return status;
    lyne_update u = {.weights = r->net.weights, .step = r->at.step + 1, .lr = learning_rate(r, r->at.step)};
    memcpy(u.slot, r->slot, sizeof u.slot);
    const double start = seconds ? lyne_now() : 0;
    r->optimizer->step(r->t->optimizer.config, &u);
    if (seconds) seconds[lyne_program_n_steps(r->net.program)] += lyne_now() - start;
    r->at.step++;
    return LYNE_OK;
}

/* ---- between steps ---- */

static bool epoch_ends(const run *r) {
    const uint64_t batch = (uint64_t)r->t->batch, end = r->at.step * batch;
    return r->at.step == r->steps || end / r->n_samples != (end - batch) / r->n_samples;
}

static void tell(run *r, bool ends_epoch) {
    const double now = lyne_now();
    const bool ends = r->at.step == r->steps;
    if (!r->t->listener.tell || (!ends_epoch && now - r->told < TELL_SECONDS)) return;
    r->told = now;
    const uint64_t batch = (uint64_t)r->t->batch, here = r->at.step - r->first_step;
    lyne_progress p = {.stage = r->t->name,
                       .doing = "training",
                       .done = r->at.step * batch,
                       .total = r->steps * batch,
                       .epochs = r->t->epochs,
                       .n_terms = r->net.n_terms,
                       .accuracy = (double)r->at.correct / (double)r->at.seen,
                       .samples_per_second = (double)(here * batch) / fmax(now - r->started, 1e-9),
                       .epoch_ends = ends_epoch,
                       .ends = ends};
    p.epoch = (double)p.done / (double)r->n_samples;
    p.seconds_left = (double)(p.total - p.done) / p.samples_per_second;
    for (int i = 0; i < p.n_terms; i++) {
        p.term_name[i] = term_name(r, i);
        p.term[i] = r->at.sum[i] / (double)r->at.seen;
    }
    r->t->listener.tell(r->t->listener.self, &p);
}

static lyne_checkpoint checkpoint(const run *r) {
    lyne_checkpoint c = {.directory = r->t->directory,
                         .fingerprint = r->t->fingerprint,
                         .environment = r->t->environment,
                         .weights = r->net.weights,
                         .best = r->best,
                         .n_slots = r->optimizer->n_slots};
    memcpy(c.slot, r->slot, sizeof c.slot);
    memcpy(c.slot_name, r->optimizer->slot_name, sizeof c.slot_name);
    return c;
}

/* What the update of the last step made is looked at here, before it replaces a checkpoint that is good; between
 * checkpoints the next step's loss tells. */
static lyne_status check_numbers(const run *r, const char *where, lyne_error *err) {
    const char *parameter = lyne_blame_weights(r->net.weights);
    for (int i = 0; !parameter && i < r->optimizer->n_slots; i++)
        for (size_t k = 0; k < r->net.weights->n_trained; k++)
            if (!isfinite(r->slot[i][k])) parameter = r->optimizer->slot_name[i];
    if (!parameter) return LYNE_OK;
    return lyne_fail(err, LYNE_ENOTFINITE, "%s: %s %llu in numbers that are not finite, the first in %s", r->t->name,
                     where, (unsigned long long)r->at.step, parameter);
}

static lyne_status save(run *r, lyne_error *err) {
    const lyne_checkpoint c = checkpoint(r);
    lyne_status status = check_numbers(r, "no checkpoint was written: the update ended at step", err);
    if (status == LYNE_OK) status = lyne_metrics_sync(&r->metrics, &r->at.metrics_bytes, err);
    lyne_standing at = r->at;
    at.seconds = seconds(r);
    r->saved = lyne_now();
    return status == LYNE_OK ? lyne_checkpoint_save(&c, &at, err) : status;
}

static lyne_status stop(run *r, lyne_error *err) {
    lyne_status status = save(r, err);
    if (status != LYNE_OK) return status;
    return lyne_fail(err, LYNE_STOPPED, "%s: stopped at step %llu of %llu with a checkpoint; the same command goes on",
                     r->t->name, (unsigned long long)r->at.step, (unsigned long long)r->steps);
}

/* Errors on the validation split, and the best epoch's weights kept.  Who is stopped here goes on here. */
static lyne_status validate(run *r, lyne_error *err) {
    const lyne_weights *w = r->net.weights;
    lyne_scores scores;
    lyne_error why = {0};
    lyne_status status = lyne_evaluate(&r->judge, r->t->validation, &scores, &why);
    if (status == LYNE_STOPPED) return stop(r, err);
    if (status == LYNE_ENOTFINITE) check_numbers(r, "the update ended at step", err); /* the likely cause says more */
    if (status != LYNE_OK)
        return lyne_fail(err, status, "%s: validation after step %llu: %s", r->t->name, (unsigned long long)r->at.step,
                         why.text);
    r->at.last_errors = (uint64_t)scores.errors;
    if (r->at.best_step && r->at.best_errors <= r->at.last_errors) return LYNE_OK;
    r->at.best_step = r->at.step;
    r->at.best_errors = r->at.last_errors;
    memcpy(r->best, w->value, w->n_values * sizeof *r->best);
    return LYNE_OK;
}

static lyne_status end_epoch(run *r, lyne_error *err) {
    if (r->t->validation) {
        const lyne_status judged = validate(r, err);
        if (judged != LYNE_OK) return judged;
    }
    lyne_epoch e = {.epoch = epoch_at(r, r->at.step),
                    .step = r->at.step,
                    .learning_rate = learning_rate(r, r->at.step - 1),
                    .n_terms = r->net.n_terms,
                    .accuracy = (double)r->at.correct / (double)r->at.seen,
                    .validation_errors = r->t->validation ? (int64_t)r->at.last_errors : -1,
                    .seconds = seconds(r)};
    for (int i = 0; i < e.n_terms; i++) {
        e.term_name[i] = term_name(r, i);
        e.term[i] = r->at.sum[i] / (double)r->at.seen;
    }
    lyne_status status = lyne_metrics_write(&r->metrics, &e, err);
    memset(r->at.sum, 0, sizeof r->at.sum);
    r->at.seen = r->at.correct = 0;
    return status;
}

static lyne_status loop(run *r, lyne_error *err) {
    lyne_status status = r->at.seen && epoch_ends(r) ? end_epoch(r, err) : LYNE_OK; /* in which it was stopped */
    while (status == LYNE_OK && r->at.step < r->steps) {
        if (lyne_stop_requested()) return stop(r, err);
        status = step(r, NULL, err);
        const bool ends = status == LYNE_OK && epoch_ends(r);
        if (status == LYNE_OK) tell(r, ends);
        if (ends) status = end_epoch(r, err);
        if (status == LYNE_OK && r->at.step < r->steps && lyne_now() - r->saved > r->t->checkpoint_seconds)
            status = save(r, err);
    }
    return status;
}

/* ---- before and after ---- */

/* At the end, before the model is scored, what took longer than a part of checkpoint_seconds: by default a second. */
#define WORTH_SAVING (1.0 / 15)

static lyne_status init_validation(run *r, lyne_error *err) {
    const lyne_network_options o = {
        .model = r->t->model, .task = r->t->task, .batch = VALIDATION_BATCH, .weights = r->net.weights};
    if (!r->outline) r->best = lyne_alloc(r->net.weights->n_values, sizeof *r->best);
    return r->best || r->outline ? lyne_network_init(&r->judge, &o, err) : lyne_fail_memory(err, "the best weights");
}

/* All that a step needs. */
static lyne_status init_step(run *r, lyne_error *err) {
    const lyne_training *t = r->t;
    const lyne_network_options o = {.model = t->model,
                                    .task = t->task,
                                    .batch = t->batch,
                                    .losses = t->losses,
                                    .teacher = t->teacher,
                                    .mixes = lyne_count_mixing(t->loader->augment) > 0,
                                    .lean = t->lean,
                                    .outline = r->outline,
                                    .rest_is_class = lyne_teachers_rest_is_class(t->teachers),
                                    .seed = t->seed};
    lyne_status status = lyne_network_init(&r->net, &o, err);
    if (status != LYNE_OK) return status;
    if (r->net.n_features) {
        status = lyne_features_open(&r->features, &r->net, t->teacher, t->task,
                                    r->rehearsing ? NULL : t->teacher_weights, err);
        if (status != LYNE_OK) return status;
    }
    r->sample = lyne_alloc((size_t)r->rows, sizeof *r->sample);
    r->view = lyne_alloc((size_t)r->rows, sizeof *r->view);
    if (!r->sample || !r->view) return lyne_fail_memory(err, "a batch");
    for (int i = 0; i < r->optimizer->n_slots && !r->outline; i++) {
        r->slot[i] = lyne_alloc(r->net.weights->n_trained, sizeof(float));
        if (!r->slot[i]) return lyne_fail_memory(err, "the optimizer");
    }
    return t->validation ? init_validation(r, err) : LYNE_OK;
}

static lyne_status init(run *r, lyne_error *err) {
    const lyne_training *t = r->t;
    lyne_status status = init_step(r, err);
    if (status != LYNE_OK) return status;
    const lyne_checkpoint c = checkpoint(r);
    status = lyne_checkpoint_load(&c, t->any_environment, &r->at, err);
    if (status != LYNE_OK) return status;
    if (r->at.step)
        lyne_info("%s: going on from step %llu of %llu", t->name, (unsigned long long)r->at.step,
                  (unsigned long long)r->steps);
    else /* others' count bytes of a metrics.jsonl that is not going to be theirs */
        status = lyne_checkpoint_clear(t->directory, err);
    if (status != LYNE_OK) return status;
    r->first_step = r->at.step;
    r->started = r->told = r->saved = lyne_now();
    return lyne_metrics_open(&r->metrics, t->directory, r->at.metrics_bytes, err);
}

static void deinit(run *r) {
    lyne_metrics_close(&r->metrics);
    for (int i = 0; i < LYNE_MAX_SLOTS; i++) lyne_free(r->slot[i]);
    lyne_free(r->sample);
    lyne_free(r->view);
    lyne_free(r->best);
    lyne_network_deinit(&r->judge);
    lyne_features_close(&r->features);
    lyne_network_deinit(&r->net);
}

static run run_of(const lyne_training *t) {
    return (run){.t = t,
                 .optimizer = (const lyne_optimizer *)t->optimizer.row,
                 .rows = t->batch * lyne_sequence_rows(&t->task->sequence),
                 .n_samples = (uint64_t)lyne_loader_shown(t->loader),
                 .steps = lyne_training_steps(t->epochs, lyne_loader_shown(t->loader), t->batch)};
}

lyne_status lyne_train(const lyne_training *t, lyne_trained *out, lyne_error *err) {
    run r = run_of(t);
    uint64_t end;
    lyne_status status = init(&r, err);
    if (status == LYNE_OK) status = loop(&r, err);
    if (status == LYNE_OK) status = check_numbers(&r, "training ended at step", err);
    if (status == LYNE_OK) status = lyne_metrics_sync(&r.metrics, &end, err);
    if (status == LYNE_OK && lyne_now() - r.saved > t->checkpoint_seconds * WORTH_SAVING) status = save(&r, err);
    if (status == LYNE_OK) {
        const double spent = seconds(&r);
        r.net.weights->n = r.net.n_model_params; /* adapters have done their work */
        *out = (lyne_trained){.weights = r.net.weights,
                              .best = r.best,
                              .best_epoch = epoch_at(&r, r.at.best_step),
                              .best_errors = t->validation ? (int64_t)r.at.best_errors : -1,
                              .last_errors = t->validation ? (int64_t)r.at.last_errors : -1,
                              .steps = r.steps,
                              .seconds = spent,
                              .teacher_seconds = r.at.teacher_seconds,
                              .samples_per_second = (double)(r.steps * (uint64_t)t->batch) / fmax(spent, 1e-9),
                              .parameters = lyne_graph_count_params(r.net.graph),
                              .macs = lyne_graph_count_macs(r.net.graph),
                              .memory = lyne_program_bytes(r.net.program)};
        r.net.owns_weights = false;
        r.best = NULL;
    }
    deinit(&r);
    return status;
}

/* ---- before it is wanted ---- */

/* Steps that are not timed: the first touches memory for the first time. */
enum { WARM_UP = 2 };

static lyne_status run_timed(void *self, double *seconds, lyne_error *err) {
    return step(self, seconds, err);
}

static lyne_status print_kernels(run *r, lyne_error *err) {
    const lyne_timed timed = {.run = run_timed, .self = r, .behind = r->optimizer->component.name};
    fprintf(r->t->kernels, "%s: a training step, batch %lld\n", r->t->name, (long long)r->t->batch);
    return lyne_program_print_kernels(r->net.program, &timed, LYNE_KERNEL_RUNS, r->t->kernels, err);
}

lyne_status lyne_train_rehearse(const lyne_training *t, double seconds, lyne_rehearsal *out, lyne_error *err) {
    run r = run_of(t);
    r.rehearsing = true;
    r.outline = seconds == 0;
    double start = 0;
    lyne_status status = init_step(&r, err);
    *out = (lyne_rehearsal){.steps = r.steps};
    if (status == LYNE_OK) {
        const lyne_weights *w = r.net.weights;
        out->memory = lyne_network_bytes(&r.net) + w->n_trained * (uint64_t)r.optimizer->n_slots * sizeof(float);
        if (t->validation) out->memory += lyne_network_bytes(&r.judge) + w->n_values * sizeof(float);
        if (r.net.n_features) out->memory += lyne_network_bytes(&r.features.net);
        out->checkpoint_bytes =
            (w->n_values * (t->validation ? 2 : 1) + w->n_trained * (uint64_t)r.optimizer->n_slots) * sizeof(float);
        out->model_bytes = (w->n_values + 25 * (uint64_t)w->n) * sizeof(float); /* about 100 bytes name each */
    }
    for (int i = -WARM_UP; status == LYNE_OK && seconds > 0 && (i < 3 || lyne_now() - start < seconds); i++) {
        if (i == 0) start = lyne_now();
        status = step(&r, NULL, err);
        if (i >= 0) out->step_seconds = (lyne_now() - start) / (i + 1);
    }
    if (status == LYNE_OK && t->kernels && seconds > 0) status = print_kernels(&r, err);
    deinit(&r);
    return status;
}
