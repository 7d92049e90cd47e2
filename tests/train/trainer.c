/* tests/train/trainer.c -- the loop: the same bits each time, no allocation in a step, numbers that are none. */
#include "lesson.h"

#include <math.h>
#include <omp.h>
#include <unistd.h>

Test(trainer, steps_in_all) {
    static const struct {
        double epochs;
        int64_t samples, batch;
        uint64_t steps;
    } rows[] = {{1, 100, 10, 10},      {1, 100, 8, 13}, {0.5, 100, 10, 5},         {0.001, 100, 8, 1},    {3, 7, 8, 3},
                {0.1, 60000, 100, 60}, {2, 1, 100, 1},  {200, 60000, 100, 120000}, {1.0 / 3, 300, 10, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(lyne_training_steps(rows[i].epochs, rows[i].samples, rows[i].batch), rows[i].steps, "row %zu", i);
}

/* ---- the same bits ---- */

static lyne_digest learned(const lesson_plan *plan) {
    lesson l;
    lesson_open(&l, plan, 0, -1);
    const lyne_digest digest = lesson_learn(&l);
    lesson_close(&l);
    return digest;
}

Test(trainer, same_seed_same_bits) {
    for (int i = 0; i < n_lesson_plans; i++)
        for (int threads = 1; threads <= 2; threads++) {
            lesson_plan plan = lesson_plans[i];
            plan.threads = threads;
            const lyne_digest first = learned(&plan), second = learned(&plan);
            cr_expect(lyne_digest_equal(first, second), "plan %d with %d threads", i, threads);
            plan.seed += 100;
            const lyne_digest other = learned(&plan);
            cr_expect(!lyne_digest_equal(first, other), "plan %d: the seed does nothing", i);
        }
}

/* The seed of a training is that of the initial weights and of dropout; the loader has its own. */
Test(trainer, dropout_depends_on_the_seed_and_on_the_step) {
    lesson_plan plan = {
        "{mlp: {hidden: [24], dropout: {input: 0.5}}}", "{sgd: {lr: 0}}", {"cross_entropy"}, NULL, false, 2, 100, 1, 1};
    lesson l;
    lesson_open(&l, &plan, 0, -1);
    lesson_learn(&l);
    char *metrics = lesson_metrics(&l), *second = strchr(metrics, '\n') + 1;
    /* lr 0, each epoch one whole batch: all that moves the loss is the mask */
    const char *loss[2] = {strstr(metrics, "\"loss\""), strstr(second, "\"loss\"")};
    cr_expect(strncmp(loss[0], loss[1], 30) != 0, "%s", metrics);
    lyne_free(metrics);
    lesson_close(&l);
}

/* ---- what it says ---- */

typedef struct told {
    int n, epochs, ends;
    lyne_progress last;
    char stage[32], term[2][32]; /* copies: what it points to is gone when the call is over */
} told;

static void listen(void *self, const lyne_progress *p) {
    told *t = self;
    t->n++;
    t->epochs += p->epoch_ends;
    t->ends += p->ends;
    t->last = *p;
    for (int i = 0; i < p->n_terms && i < 2; i++) snprintf(t->term[i], sizeof t->term[i], "%s", p->term_name[i]);
    snprintf(t->stage, sizeof t->stage, "%s", p->stage);
    cr_expect(p->done <= p->total && p->accuracy >= 0 && p->accuracy <= 1 && p->seconds_left >= 0);
}

Test(trainer, tells_of_each_epoch_and_of_the_end) {
    lesson l;
    told t = {0};
    lesson_open(&l, &lesson_plans[1], 0, -1);
    l.training.listener = (lyne_listener){listen, &t};
    lesson_learn(&l);
    cr_expect_eq(t.epochs, 3, "%d", t.epochs); /* the last ends with the training, at step 38 = 3.04 epochs */
    cr_expect_eq(t.ends, 1);
    cr_expect(t.n >= 3 && t.last.ends && t.last.done == t.last.total && t.last.total == 38 * 8);
    cr_expect_str_eq(t.stage, "student, seed 2");
    cr_expect_eq(t.last.n_terms, 2);
    cr_expect_str_eq(t.term[0], "kd");
    cr_expect_str_eq(t.term[1], "cross_entropy");
    cr_expect(isfinite(t.last.term[0]) && t.last.term[0] > 0);
    cr_expect_eq(t.last.seconds_left, 0);
    lesson_close(&l);
}

Test(trainer, what_was_trained) {
    lesson l;
    lyne_trained trained;
    lyne_error err = {0};
    lesson_open(&l, &lesson_plans[0], 0, -1);
    cr_assert_eq(lyne_train(&l.training, &trained, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(trained.steps, 38);
    cr_expect_eq(trained.parameters, 144 * 24 + 24 + 24 * 16 + 16 + 16 * 10 + 10);
    cr_expect_eq(trained.macs, 144 * 24 + 24 * 16 + 16 * 10);
    cr_expect(trained.memory > 0 && trained.seconds > 0 && trained.samples_per_second > 0);
    lyne_weights_free(trained.weights);
    lesson_close(&l);
}

/* It learns: a net without dropout knows 100 digits by heart after 40 epochs. */
Test(trainer, learns) {
    const lesson_plan plan = {
        "{mlp: {hidden: [32]}}", "{adamw: {lr: 0.01}}", {"cross_entropy"}, NULL, false, 40, 10, 1, 1};
    lesson l;
    told t = {0};
    lesson_open(&l, &plan, 0, -1);
    l.training.listener = (lyne_listener){listen, &t};
    lesson_learn(&l);
    cr_expect_gt(t.last.accuracy, 0.99);
    cr_expect_lt(t.last.term[0], 0.1);
    lesson_close(&l);
}

/* ---- a step allocates nothing ---- */

static uint64_t allocations[2], late_reports;

static void count(const lesson *l, uint64_t step) {
    (void)l;
    if (step == 2) allocations[0] = lyne_memory_count();
    if (step == 100) allocations[1] = lyne_memory_count();
    if (step == 50) usleep(250000); /* so that the listener is told in between */
}

static void listen_late(void *self, const lyne_progress *p) {
    (void)self;
    late_reports += !p->epoch_ends;
}

Test(trainer, a_step_allocates_nothing) {
    for (int i = 0; i < n_lesson_plans; i++) {
        lesson_plan plan = lesson_plans[i];
        plan.epochs = 1;
        plan.batch = 8;
        lesson l;
        lesson_open(&l, &plan, 1000, -1);
        l.training.listener = (lyne_listener){listen_late, NULL};
        lesson_at_step = count;
        late_reports = 0;
        lesson_learn(&l);
        cr_expect_gt(late_reports, 0, "plan %d", i);
        cr_expect_eq(allocations[0], allocations[1], "plan %d: %llu allocations in 98 steps", i,
                     (unsigned long long)(allocations[1] - allocations[0]));
        lesson_close(&l);
    }
}

/* ---- numbers that are none ---- */

static void expect_not_finite(const lesson *l, const char *text) {
    lyne_trained trained;
    lyne_error err = {0};
    cr_expect_eq(lyne_train(&l->training, &trained, &err), LYNE_ENOTFINITE);
    cr_expect(strstr(err.text, text), "\"%s\" is not in \"%s\"", text, err.text);
}

/* The step at which a sample is first seen, from 1. */
static int64_t first_step_of(const lesson *l, uint64_t wanted) {
    for (uint64_t p = 0;; p++) {
        uint64_t sample;
        lyne_loader_training(&l->loader, p, &(lyne_batch){.n = 1, .sample = &sample});
        if (sample == wanted) return (int64_t)(p / (uint64_t)l->training.batch) + 1;
    }
}

Test(trainer, names_step_and_term_of_a_soft_label_that_is_no_number) {
    for (int64_t sample = 5; sample < LESSON_SAMPLES; sample += 30) {
        char text[128];
        lesson l;
        lesson_open(&l, &lesson_plans[1], 0, sample);
        snprintf(text, sizeof text, "student, seed 2: the loss kd is not a finite number at step %lld ",
                 (long long)first_step_of(&l, (uint64_t)sample));
        expect_not_finite(&l, text);
        lesson_close(&l);
    }
}

Test(trainer, stops_when_the_rate_explodes) {
    static const struct {
        const char *model, *optimizer;
    } rows[] = {{"{mlp: {hidden: [24]}}", "{sgd: {lr: 1e6, momentum: 0.9}}"},
                {"{mlp: {hidden: []}}", "{sgd: {lr: 1e6, momentum: 1, weight_decay: 1e3}}"},
                {"{lenet: {width: 0.5}}", "{sgd: {lr: 1e6}}"},
                {"{lenet: {width: 0.5, norm: true}}", "{sgd: {lr: 1e6, momentum: 1, weight_decay: 1e3}}"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const lesson_plan plan = {rows[i].model, rows[i].optimizer, {"cross_entropy"}, NULL, false, 10, 8, 1, 1};
        lesson l;
        lesson_open(&l, &plan, 0, -1);
        expect_not_finite(&l, "student, seed 2: the loss cross_entropy is not a finite number at step ");
        lesson_close(&l);
    }
}

/* The only update makes infinities, which no step sees any more. */
Test(trainer, finds_weights_that_are_no_numbers_at_the_end) {
    const lesson_plan plan = {"{mlp: {hidden: [24]}}", "sgd", {"cross_entropy"}, NULL, false, 0.01, 8, 1, 1};
    lesson l;
    lesson_open(&l, &plan, 0, -1);
    lesson_rate = 1e300;
    expect_not_finite(
        &l, "student, seed 2: training ended at step 1 in numbers that are not finite, the first in fc1.weight");
    lesson_close(&l);
}
