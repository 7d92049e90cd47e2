/* tests/train/resume.c -- a run that was stopped, killed or ran out of disk goes on to the same bits. */
#include "lesson.h"

#include "base/file.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What an undisturbed run leaves. */
typedef struct outcome {
    lyne_digest weights;
    char *metrics;
} outcome;

static outcome learn(const lesson *l) {
    outcome o;
    o.weights = lesson_learn(l);
    o.metrics = lesson_metrics(l);
    return o;
}

/* Open a lesson, and let it run undisturbed. */
static outcome begin(lesson *l, const lesson_plan *plan, int64_t n_samples) {
    lesson_open(l, plan, n_samples, -1);
    return learn(l);
}

static void end(lesson *l, const outcome *due) {
    lyne_free(due->metrics);
    lesson_close(l);
}

static void expect_same(const lesson *l, const outcome *due, const char *what, int plan, uint64_t at) {
    const outcome is = learn(l);
    cr_assert(lyne_digest_equal(is.weights, due->weights), "plan %d, %s %llu: other weights", plan, what,
              (unsigned long long)at);
    cr_assert_str_eq(is.metrics, due->metrics, "plan %d, %s %llu", plan, what, (unsigned long long)at);
    lyne_free(is.metrics);
}

/* Names in the folder of the run that have `part` in them. */
static size_t count_files(const lesson *l, const char *part) {
    char **names;
    size_t n, count = 0;
    cr_assert_eq(lyne_directory_list(l->directory, &names, &n, NULL), LYNE_OK);
    for (size_t i = 0; i < n; i++) count += strstr(names[i], part) != NULL;
    lyne_names_free(names, n);
    return count;
}

/* ---- stopped ---- */

static uint64_t stop_at, first_step;
static bool seen_first;

/* From stop_at on: each step is the last of its process. */
static void ask_to_stop(const lesson *l, uint64_t step) {
    (void)l;
    if (!seen_first) first_step = step;
    seen_first = true;
    if (step >= stop_at) lyne_request_stop();
}

static void be_stopped(const lesson *l) {
    lyne_trained trained;
    lyne_error err = {0};
    lesson_at_step = ask_to_stop;
    seen_first = false;
    cr_assert_eq(lyne_train(&l->training, &trained, &err), LYNE_STOPPED, "%s", err.text);
    cr_assert(strstr(err.text, "student, seed 2: stopped at step "), "%s", err.text);
    lesson_at_step = NULL;
    lyne_clear_stop();
}

static void start_afresh(const lesson *l) {
    cr_assert_eq(lyne_checkpoint_clear(l->directory, NULL), LYNE_OK);
    cr_assert_eq(count_files(l, "checkpoint"), 0);
}

/* Plan 0..3: 38 or 32 steps of 8, an epoch ends in step 13 and 25; plan 4: 4 steps of 40. */
Test(resume, stopped_at_a_step) {
    static const uint64_t steps[] = {0, 1, 5, 12, 13, 24, 30};
    for (int i = 0; i < n_lesson_plans; i++) {
        lesson l;
        const outcome due = begin(&l, &lesson_plans[i], 0);
        const uint64_t n = lyne_training_steps(l.training.epochs, LESSON_SAMPLES, l.training.batch);
        for (size_t k = 0; k < sizeof steps / sizeof *steps && steps[k] + 1 < n; k++) {
            start_afresh(&l);
            stop_at = steps[k];
            be_stopped(&l);
            expect_same(&l, &due, "stopped at", i, steps[k]);
        }
        end(&l, &due);
    }
}

Test(resume, stopped_at_every_step) {
    for (int i = 0; i < n_lesson_plans; i++) {
        lesson l;
        const outcome due = begin(&l, &lesson_plans[i], 0);
        const uint64_t n = lyne_training_steps(l.training.epochs, LESSON_SAMPLES, l.training.batch);
        start_afresh(&l);
        stop_at = 0;
        for (uint64_t step = 1; step < n; step++) {
            be_stopped(&l);
            cr_assert_eq(first_step, step - 1, "it went on from %llu", (unsigned long long)first_step);
        }
        expect_same(&l, &due, "stopped at each of", i, n);
        cr_expect_eq(count_files(&l, "checkpoint"), 2);
        end(&l, &due);
    }
}

Test(resume, a_request_before_the_first_step) {
    lesson l;
    lyne_trained trained;
    lyne_error err = {0};
    const outcome due = begin(&l, &lesson_plans[0], 0);
    start_afresh(&l);
    lyne_request_stop();
    cr_expect(lyne_stop_requested());
    cr_expect_eq(lyne_train(&l.training, &trained, &err), LYNE_STOPPED);
    cr_expect(strstr(err.text, "step 0 of 38"), "%s", err.text);
    lyne_clear_stop();
    cr_expect(!lyne_stop_requested());
    expect_same(&l, &due, "stopped before step", 0, 1);
    end(&l, &due);
}

/* ---- checkpoints on the way ---- */

Test(resume, a_checkpoint_after_each_step_changes_nothing) {
    for (int i = 0; i < n_lesson_plans; i++) {
        lesson l;
        const outcome due = begin(&l, &lesson_plans[i], 0);
        l.training.checkpoint_seconds = 0;
        expect_same(&l, &due, "saving each of", i, 0);
        cr_expect_eq(count_files(&l, "checkpoint"), 2);
        char last[64]; /* so that who is stopped while the model is scored need not train again */
        snprintf(last, sizeof last, "checkpoint-%012d.safetensors",
                 (int)lyne_training_steps(l.training.epochs, LESSON_SAMPLES, l.training.batch));
        cr_expect_eq(count_files(&l, last), 1);
        end(&l, &due);
    }
}

/* The newest is damaged: the one before it does, and the damaged one does not take a place for good. */
Test(resume, from_the_older_checkpoint) {
    lesson l;
    const outcome due = begin(&l, &lesson_plans[0], 0);
    start_afresh(&l);
    stop_at = 0;
    for (int i = 0; i < 20; i++) be_stopped(&l);
    char path[160];
    snprintf(path, sizeof path, "%s/checkpoint-000000000020.safetensors", l.directory);
    cr_assert_eq(lyne_file_commit(path, "torn", 4, NULL), LYNE_OK);
    be_stopped(&l);
    cr_expect_eq(first_step, 19);
    be_stopped(&l);
    cr_expect_eq(first_step, 20);
    cr_expect_eq(count_files(&l, "checkpoint"), 2);
    expect_same(&l, &due, "damaged at", 0, 20);
    end(&l, &due);
}

/* An edited recipe: checkpoints of the old one lie there with higher numbers, and must not crowd out the new ones. */
Test(resume, among_checkpoints_of_another_fingerprint) {
    lesson l;
    const outcome due = begin(&l, &lesson_plans[0], 0);
    start_afresh(&l);
    l.training.fingerprint.low++;
    stop_at = 0;
    for (int i = 0; i < 20; i++) be_stopped(&l);
    l.training.fingerprint.low--;
    for (uint64_t i = 0; i < 3; i++) {
        be_stopped(&l);
        cr_expect_eq(first_step, i, "it went on from %llu, not %llu", (unsigned long long)first_step,
                     (unsigned long long)i);
    }
    cr_expect_eq(count_files(&l, "checkpoint"), 2);
    expect_same(&l, &due, "another fingerprint up to", 0, 20);
    end(&l, &due);
}

Test(resume, in_another_environment) {
    lesson l;
    lyne_trained trained;
    lyne_error err = {0};
    const outcome due = begin(&l, &lesson_plans[0], 0);
    start_afresh(&l);
    stop_at = 5;
    be_stopped(&l);
    l.training.environment = "oneDNN 9, test, 64 threads";
    cr_expect_eq(lyne_train(&l.training, &trained, &err), LYNE_EENVIRONMENT);
    cr_expect(strstr(err.text, "oneDNN 0, test, 1 threads") && strstr(err.text, "oneDNN 9, test, 64 threads"), "%s",
              err.text);
    l.training.any_environment = true;
    expect_same(&l, &due, "any environment from", 0, 5);
    end(&l, &due);
}

/* ---- killed, and failing files.  One thread, so that the process may be forked. ---- */

/* On 20 samples: 5 steps, 2 epochs. */
static const lesson_plan short_plan = {
    "{mlp: {hidden: [8], dropout: {hidden: 0.5}}}", "sgd", {"cross_entropy"}, NULL, false, 2, 9, 1, 1};

Test(resume, killed_at_each_system_call) {
    lesson l;
    const outcome due = begin(&l, &short_plan, 20);
    l.training.checkpoint_seconds = 0;
    for (uint64_t call = 1;; call++) {
        int how;
        start_afresh(&l);
        const pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            lyne_trained trained;
            lyne_file_fail_at(call, LYNE_FILE_DIE);
            _exit(lyne_train(&l.training, &trained, NULL) == LYNE_OK ? 0 : 1);
        }
        cr_assert_eq(waitpid(child, &how, 0), child);
        if (WIFEXITED(how)) {
            cr_expect_eq(WEXITSTATUS(how), 0);
            cr_expect_gt(call, 40);
            break;
        }
        cr_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        expect_same(&l, &due, "killed at call", 0, call);
        cr_assert_eq(count_files(&l, ".tmp."), 0, "call %llu", (unsigned long long)call);
    }
    end(&l, &due);
}

Test(resume, each_system_call_fails_once) {
    lesson l;
    const outcome due = begin(&l, &short_plan, 20);
    l.training.checkpoint_seconds = 0;
    for (uint64_t call = 1;; call++) {
        lyne_trained trained;
        lyne_error err = {0};
        start_afresh(&l);
        const uint64_t before = lyne_file_calls();
        lyne_file_fail_at(call, ENOSPC);
        const lyne_status status = lyne_train(&l.training, &trained, &err);
        const bool over = lyne_file_calls() - before < call;
        lyne_file_fail_at(0, 0);
        if (status == LYNE_OK) lyne_weights_free(trained.weights);
        if (over) break;
        cr_assert(status == LYNE_OK || (status == LYNE_ENOSPACE && strstr(err.text, l.directory)), "call %llu: %d, %s",
                  (unsigned long long)call, status, err.text);
        expect_same(&l, &due, "full disk at call", 0, call);
    }
    end(&l, &due);
}

Test(resume, each_allocation_fails_once) {
    lesson l;
    const outcome due = begin(&l, &short_plan, 20);
    for (uint64_t n = 1;; n++) {
        lyne_trained trained;
        lyne_error err = {0};
        start_afresh(&l);
        stop_at = 0;
        be_stopped(&l);
        const uint64_t before = lyne_memory_count();
        lyne_memory_fail_at(n);
        const lyne_status status = lyne_train(&l.training, &trained, &err);
        const bool over = lyne_memory_count() - before < n;
        lyne_memory_fail_at(0);
        if (status == LYNE_OK) lyne_weights_free(trained.weights);
        if (over) break;
        cr_assert_eq(status, LYNE_ENOSPACE, "allocation %llu: %s", (unsigned long long)n, err.text);
        be_stopped(&l);
        cr_assert_eq(first_step, 1, "allocation %llu: the checkpoint was passed over", (unsigned long long)n);
    }
    expect_same(&l, &due, "out of memory", 0, 0);
    end(&l, &due);
}
