/* tests/train/validation.c -- the validation split: counted each epoch, the best kept, through kills, changing nothing. */
#include "lesson.h"

#include "formats/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD = 40 };

/* The lesson with the first samples of another drawing as its validation split. */
typedef struct judged {
    lesson l, other;
} judged;

static void open_judged(judged *j, int plan) {
    lesson_open(&j->other, &lesson_plans[plan], HELD, -1);
    lesson_open(&j->l, &lesson_plans[plan], 0, -1); /* the last that is opened is asked at each step */
    j->l.training.validation = &j->other.dataset;
}

static void close_judged(judged *j) {
    lesson_close(&j->l);
    lesson_close(&j->other);
}

static lyne_trained learn(const lesson *l) {
    lyne_trained t;
    lyne_error err = {0};
    cr_assert_eq(lyne_train(&l->training, &t, &err), LYNE_OK, "%s", err.text);
    return t;
}

static void forget(lyne_trained *t) {
    lyne_weights_free(t->weights);
    lyne_free(t->best);
}

/* Of metrics.jsonl: the validation errors of each epoch; returns how many. */
static int read_errors(const lesson *l, int64_t out[64]) {
    char *text = lesson_metrics(l), *line = text;
    int n = 0;
    for (; (line = strstr(line, "\"validation_errors\": ")); n++) out[n] = strtoll(line += 21, NULL, 10);
    lyne_free(text);
    return n;
}

Test(validation, is_counted_in_each_epoch_and_the_first_of_the_best_is_kept) {
    for (int i = 0; i < n_lesson_plans; i++) {
        judged j;
        open_judged(&j, i);
        lyne_trained t = learn(&j.l);
        int64_t errors[64];
        const int n = read_errors(&j.l, errors);
        int best = 0;
        for (int e = 1; e < n; e++)
            if (errors[e] < errors[best]) best = e;
        cr_assert_gt(n, 0);
        cr_expect_eq(t.best_errors, errors[best], "plan %d", i);
        cr_expect_eq(t.last_errors, errors[n - 1], "plan %d", i);
        cr_expect(t.best_epoch >= (double)(best + 1) - 1e-9 || best == n - 1, "plan %d: epoch %g", i, t.best_epoch);
        if (best == n - 1)
            cr_expect_arr_eq(t.best, t.weights->value, t.weights->n_values * sizeof(float), "plan %d", i);
        else
            cr_expect_arr_neq(t.best, t.weights->value, t.weights->n_values * sizeof(float), "plan %d", i);
        forget(&t);
        close_judged(&j);
    }
}

Test(validation, does_not_change_what_is_learnt) {
    for (int i = 0; i < n_lesson_plans; i++) {
        judged j;
        lesson alone;
        open_judged(&j, i);
        lesson_open(&alone, &lesson_plans[i], 0, -1);
        const lyne_digest with = lesson_learn(&j.l), without = lesson_learn(&alone);
        cr_expect(lyne_digest_equal(with, without), "plan %d", i);
        lesson_close(&alone);
        close_judged(&j);
    }
}

/* An epoch whose last update makes infinities, or numbers of which the next pass makes some: validation meets them first. */
Test(validation, of_a_model_that_has_no_answer) {
    static const struct {
        double rate;
        const char *text;
    } rows[] = {
        {1e300, "student, seed 2: the update ended at step 1 in numbers that are not finite, the first in fc1.weight"},
        {1e37, "student, seed 2: validation after step 1: the model's answer to train sample "}};
    const lesson_plan plan = {"{mlp: {hidden: [24]}}", "sgd", {"cross_entropy"}, NULL, false, 0.01, 8, 1, 1};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        judged j;
        lyne_trained t;
        lyne_error err = {0};
        lesson_open(&j.other, &plan, HELD, -1);
        lesson_open(&j.l, &plan, 0, -1);
        j.l.training.validation = &j.other.dataset;
        lesson_rate = rows[i].rate;
        cr_expect_eq(lyne_train(&j.l.training, &t, &err), LYNE_ENOTFINITE);
        cr_expect(strncmp(err.text, rows[i].text, strlen(rows[i].text)) == 0, "%s", err.text);
        lesson_rate = 1;
        close_judged(&j);
    }
}

static uint64_t stop_at;
static void ask_to_stop(const lesson *l, uint64_t step) {
    (void)l;
    if (step >= stop_at) lyne_request_stop();
}

/* At each step, the last one too: where an epoch ends with it, it is the validation that is stopped, and stopped again. */
Test(validation, the_best_lives_through_a_stop) {
    judged j;
    open_judged(&j, 0);
    lyne_trained due = learn(&j.l);
    char *metrics = lesson_metrics(&j.l);
    for (stop_at = 0; stop_at < due.steps; stop_at++) {
        lyne_trained t;
        cr_assert_eq(lyne_checkpoint_clear(j.l.directory, NULL), LYNE_OK);
        lesson_at_step = ask_to_stop;
        for (int twice = 0; twice < 2; twice++) {
            lyne_error err = {0};
            cr_assert_eq(lyne_train(&j.l.training, &t, &err), LYNE_STOPPED, "step %d: %s", (int)stop_at, err.text);
            cr_assert(strstr(err.text, "with a checkpoint"), "%s", err.text);
        }
        lesson_at_step = NULL;
        lyne_clear_stop();
        t = learn(&j.l);
        char *again = lesson_metrics(&j.l);
        cr_expect_str_eq(again, metrics);
        cr_expect_eq(t.best_errors, due.best_errors);
        cr_expect_eq(t.best_epoch, due.best_epoch);
        cr_expect(lyne_digest_equal(lyne_weights_digest(t.weights), lyne_weights_digest(due.weights)));
        cr_expect_arr_eq(t.best, due.best, due.weights->n_values * sizeof(float), "stopped at %d", (int)stop_at);
        lyne_free(again);
        forget(&t);
    }
    lyne_free(metrics);
    forget(&due);
    close_judged(&j);
}
