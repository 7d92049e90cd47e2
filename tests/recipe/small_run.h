/* tests/recipe/small_run.h -- a run of every kind of stage that takes a few milliseconds, each time in a process of its
 * own, so that it may be killed (and because OpenMP's threads do not live through fork). */
#ifndef TESTS_RECIPE_SMALL_RUN_H
#define TESTS_RECIPE_SMALL_RUN_H

#include "base/log.h"
#include "folder.h"
#include "recipe/pipeline.h"
#include <omp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char small_recipe[] =
    "lyne: 1\n"
    "name: small\n"
    "data: tiny\n"
    "seeds: [1, 2]\n"
    "stages:\n"
    "  teacher: {train: {model: {mlp: {hidden: [4]}}, epochs: 1.5, batch: 16, checkpoint_seconds: 0}}\n"
    "  soft_labels: {label: {teacher: teacher, batch: 8, records_per_shard: 16}}\n"
    "  student: {distill: {model: {mlp: {hidden: [3]}}, labels: soft_labels, epochs: 1, batch: 16, "
    "checkpoint_seconds: 0}}\n"
    "  alone: {train: {model: {mlp: {hidden: [3]}}, epochs: 1, batch: 16}}\n"
    "  fidelity: {evaluate: {model: student, against: teacher}}\n"
    "expect: [{stage: student, test_errors: 10, within: 5}]\n";

enum { MOST_JOBS = 16 };

/* What a run came to, in memory that is shared with the child. */
typedef struct small_run {
    const char *recipe; /* default FOLDER/recipe.yaml */
    const char *set[4];
    uint64_t fail_at; /* system call, 0: none */
    uint64_t starve;  /* allocation that fails, 0: none */
    int error;        /* errno or LYNE_FILE_DIE */
    /* from here on by the child */
    lyne_status status;
    char text[1024];
    uint64_t calls, allocations, kept; /* kept: bytes, of what came of its jobs */
    size_t n;
    struct {
        char stage[16];
        uint64_t seed;
        bool was_up_to_date;
        lyne_digest fingerprint;
        lyne_result result;
    } job[MOST_JOBS];
} small_run;

static inline void small_run_child(small_run *s, const char *out) {
    reading r;
    lyne_outcomes outcomes;
    lyne_error err = {0};
    size_t n_set = 0;
    while (n_set < 4 && s->set[n_set]) n_set++;
    lyne_log_quiet();
    omp_set_num_threads(1);
    reading_begin(&r, s->recipe ? s->recipe : at("recipe.yaml"), s->set, n_set);
    char *problems = said(&r);
    cr_assert_eq(r.status, LYNE_OK, "%s", problems);
    free(problems);
    const lyne_run_options o = {.out = out};
    const uint64_t before = lyne_file_calls(), allocated = lyne_memory_count();
    lyne_memory_fail_at(s->starve);
    lyne_file_fail_at(s->fail_at, s->error);
    s->status = lyne_pipeline_run(&r.recipe, &o, &outcomes, &err);
    lyne_file_fail_at(0, 0);
    lyne_memory_fail_at(0);
    s->allocations = lyne_memory_count() - allocated;
    s->calls = lyne_file_calls() - before;
    snprintf(s->text, sizeof s->text, "%s", err.text);
    s->n = outcomes.n;
    s->kept = outcomes.arena.used;
    for (size_t i = 0; i < outcomes.n && i < MOST_JOBS; i++) {
        const lyne_outcome *x = &outcomes.item[i];
        snprintf(s->job[i].stage, sizeof s->job[i].stage, "%s", r.recipe.stage[x->stage].name);
        s->job[i].seed = x->seed;
        s->job[i].was_up_to_date = x->was_up_to_date;
        s->job[i].fingerprint = x->fingerprint;
        s->job[i].result = x->result;
    }
    lyne_outcomes_free(&outcomes);
    reading_end(&r);
}

/** Run into FOLDER/NAME.  True if the process lived to tell *s; false if it was killed. */
static inline bool small_run_into(small_run *s, const char *name) {
    small_run *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(shared, MAP_FAILED);
    *shared = *s;
    const char *out = at(name);
    fflush(NULL);
    const pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        small_run_child(shared, out);
        _exit(0);
    }
    int how;
    cr_assert_eq(waitpid(pid, &how, 0), pid);
    *s = *shared;
    munmap(shared, sizeof *shared);
    cr_assert(WIFEXITED(how) || WTERMSIG(how) == SIGKILL, "the run ended by signal %d", WTERMSIG(how));
    return WIFEXITED(how);
}

#endif
