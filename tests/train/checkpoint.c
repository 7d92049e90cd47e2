/* tests/train/checkpoint.c -- what is on disk comes back whole, or is passed over for what came before it. */
#include "train/checkpoint.h"
#include "../flip.h"
#include "../scratch.h"

#include "base/file.h"
#include "base/log.h"
#include "formats/safetensors.h"
#include "lyne/ops.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A model of 3 parameters, two slots and where a run stands, all of it a function of the step. */
typedef struct subject {
    char directory[64];
    lyne_graph *graph;
    lyne_checkpoint c;
} subject;

static void open_subject(subject *s) {
    *s = (subject){0};
    lyne_log_quiet();
    scratch_folder(s->directory, sizeof s->directory, "train");
    cr_assert_eq(lyne_graph_new(2, &s->graph, NULL), LYNE_OK);
    lyne_node *x = lyne_graph_input(s->graph, "x", LYNE_SHAPE(2, 3), LYNE_F32);
    x = lyne_linear(s->graph, "fc", x, (lyne_linear_config){.units = 4});
    lyne_batch_norm(s->graph, "norm", x, (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
    s->c = (lyne_checkpoint){.directory = s->directory,
                             .fingerprint = {11, 22},
                             .environment = "oneDNN 2.6.3, avx2, 2 threads",
                             .slot_name = {"mean", "square"},
                             .n_slots = 2};
    cr_assert_eq(lyne_weights_new(s->graph, 1, &s->c.weights, NULL), LYNE_OK);
    for (int i = 0; i < 2; i++) s->c.slot[i] = lyne_alloc(s->c.weights->n_trained, sizeof(float));
    s->c.best = lyne_alloc(s->c.weights->n_values, sizeof(float));
}

static void close_subject(subject *s) {
    for (int i = 0; i < 2; i++) lyne_free(s->c.slot[i]);
    lyne_free(s->c.best);
    lyne_weights_free(s->c.weights);
    lyne_graph_free(s->graph);
    cr_assert_eq(lyne_directory_remove(s->directory, NULL), LYNE_OK);
}

static float number(uint64_t step, int array, size_t i) {
    return (float)(step * 1000 + (uint64_t)array * 300 + i) / 7;
}

static lyne_standing standing(uint64_t step) {
    lyne_standing at = {.step = step, .metrics_bytes = step * 7, .seen = step * 3, .correct = step * 2};
    at.best_step = step / 2, at.best_errors = step * 4, at.last_errors = step * 5;
    for (int i = 0; i < LYNE_MAX_TERMS; i++) at.sum[i] = (double)step / 3 + i;
    at.seconds = (double)step * 1.5;
    return at;
}

static void save(subject *s, uint64_t step) {
    const lyne_standing at = standing(step);
    lyne_error err = {0};
    for (size_t i = 0; i < s->c.weights->n_values; i++) {
        s->c.weights->value[i] = number(step, 0, i);
        s->c.best[i] = number(step, 7, i);
    }
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < s->c.weights->n_trained; i++) s->c.slot[k][i] = number(step, k + 1, i);
    cr_assert_eq(lyne_checkpoint_save(&s->c, &at, &err), LYNE_OK, "%s", err.text);
}

/* Load into numbers that were wiped. */
static lyne_status load(subject *s, bool any_environment, lyne_standing *at, lyne_error *err) {
    memset(s->c.weights->value, 0, s->c.weights->n_values * sizeof(float));
    memset(s->c.best, 0, s->c.weights->n_values * sizeof(float));
    for (int k = 0; k < 2; k++) memset(s->c.slot[k], 0, s->c.weights->n_trained * sizeof(float));
    *err = (lyne_error){0};
    return lyne_checkpoint_load(&s->c, any_environment, at, err);
}

/* That of `step`, or none (0), is what was loaded. */
static void expect_loaded(const subject *s, const lyne_standing *at, uint64_t step, const char *what) {
    const lyne_standing due = step ? standing(step) : (lyne_standing){0};
    cr_assert_eq(at->step, step, "%s: step %llu, not %llu", what, (unsigned long long)at->step,
                 (unsigned long long)step);
    cr_assert(memcmp(at, &due, sizeof due) == 0, "%s: what stands beside the numbers", what);
    for (size_t i = 0; i < s->c.weights->n_values; i++) {
        cr_assert_eq(s->c.weights->value[i], step ? number(step, 0, i) : 0, "%s: weight %zu", what, i);
        cr_assert_eq(s->c.best[i], step ? number(step, 7, i) : 0, "%s: best weight %zu", what, i);
    }
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < s->c.weights->n_trained; i++)
            cr_assert_eq(s->c.slot[k][i], step ? number(step, k + 1, i) : 0, "%s: slot %d, %zu", what, k, i);
}

static void expect_load(subject *s, uint64_t step, const char *what) {
    lyne_standing at;
    lyne_error err;
    cr_assert_eq(load(s, false, &at, &err), LYNE_OK, "%s: %s", what, err.text);
    expect_loaded(s, &at, step, what);
}

static const char *path_of(const subject *s, uint64_t step) {
    static char path[128];
    snprintf(path, sizeof path, "%s/checkpoint-%012llu.safetensors", s->directory, (unsigned long long)step);
    return path;
}

static void expect_files(const subject *s, uint64_t first, uint64_t second) {
    char **names;
    size_t n;
    cr_assert_eq(lyne_directory_list(s->directory, &names, &n, NULL), LYNE_OK);
    cr_expect_eq(n, 2, "%zu files", n);
    lyne_names_free(names, n);
    cr_expect(lyne_file_exists(path_of(s, first)) && lyne_file_exists(path_of(s, second)));
}

Test(checkpoint, round_trip_and_the_two_newest) {
    subject s;
    open_subject(&s);
    expect_load(&s, 0, "an empty folder");
    const uint64_t version = s.c.weights->version;
    save(&s, 1);
    expect_load(&s, 1, "one");
    cr_expect_gt(s.c.weights->version, version, "copies must be refreshed");
    static const uint64_t steps[] = {9, 10, 99, 100, 123456789012};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        save(&s, steps[i]);
        expect_load(&s, steps[i], "the newest");
        expect_files(&s, i ? steps[i - 1] : 1, steps[i]);
    }
    cr_assert_eq(lyne_checkpoint_clear(s.directory, NULL), LYNE_OK);
    expect_load(&s, 0, "after clear");
    close_subject(&s);
}

/* One that an earlier version wrote.  Whoever changes the format on purpose raises its number and makes the file anew:
 * LYNE_MAKE_GOLDEN=1 test_train. */
Test(checkpoint, of_an_earlier_version) {
    static const char golden[] = LYNE_SOURCE_DIR "/tests/golden/checkpoint.safetensors";
    subject s;
    char *bytes;
    size_t n;
    lyne_error err = {0};
    open_subject(&s);
    if (getenv("LYNE_MAKE_GOLDEN")) {
        save(&s, 7);
        cr_assert_eq(lyne_file_read(path_of(&s, 7), 1 << 20, &bytes, &n, &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(lyne_file_commit(golden, bytes, n, &err), LYNE_OK, "%s", err.text);
        lyne_free(bytes);
        cr_assert_eq(lyne_checkpoint_clear(s.directory, NULL), LYNE_OK);
    }
    cr_assert_eq(lyne_file_read(golden, 1 << 20, &bytes, &n, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_file_commit(path_of(&s, 7), bytes, n, &err), LYNE_OK, "%s", err.text);
    expect_load(&s, 7, "the one that is kept");
    lyne_free(bytes);
    close_subject(&s);
}

/* ---- damage ---- */

typedef struct bytes {
    char *data;
    size_t n;
} bytes;

static bytes read_file(const char *path) {
    bytes b;
    cr_assert_eq(lyne_file_read(path, 1 << 20, &b.data, &b.n, NULL), LYNE_OK);
    return b;
}

Test(checkpoint, every_cut_is_seen) {
    subject s;
    open_subject(&s);
    save(&s, 5);
    save(&s, 10);
    const bytes whole = read_file(path_of(&s, 10));
    cr_assert_not_null(freopen("/dev/null", "w", stderr)); /* a warning for each */
    for (size_t cut = 0; cut < whole.n; cut++) {
        char what[64];
        snprintf(what, sizeof what, "cut to %zu of %zu", cut, whole.n);
        cr_assert_eq(lyne_file_commit(path_of(&s, 10), whole.data, cut, NULL), LYNE_OK);
        expect_load(&s, 5, what);
    }
    lyne_free(whole.data);
    close_subject(&s);
}

/* Each single bit, in place. */
Test(checkpoint, every_flipped_bit_is_seen) {
    subject s;
    open_subject(&s);
    save(&s, 5);
    save(&s, 10);
    uint64_t size;
    cr_assert_eq(lyne_file_size(path_of(&s, 10), &size, NULL), LYNE_OK);
    const int fd = open(path_of(&s, 10), O_RDWR);
    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    for (uint64_t bit = 0; bit < 8 * size; bit++) {
        char what[64];
        flip_bit(fd, bit);
        snprintf(what, sizeof what, "bit %d of byte %d", (int)(bit % 8), (int)(bit / 8));
        expect_load(&s, 5, what);
        flip_bit(fd, bit);
    }
    close(fd);
    expect_load(&s, 10, "whole again");
    close_subject(&s);
}

/* What has nothing before it is a start from nothing. */
Test(checkpoint, no_whole_one) {
    subject s;
    open_subject(&s);
    for (uint64_t step = 1; step < 3; step++) cr_assert_eq(lyne_file_commit(path_of(&s, step), "x", 1, NULL), LYNE_OK);
    expect_load(&s, 0, "two torn files");
    close_subject(&s);
}

/* ---- of another making ---- */

/* What a newer Lyne has done is neither passed over, and so begun anew, nor removed. */
Test(checkpoint, of_a_newer_version) {
    static const char *const version[] = {"3", "10", "18446744073709551616000"};
    subject s;
    open_subject(&s);
    for (size_t i = 0; i < sizeof version / sizeof *version; i++) {
        char fingerprint[LYNE_DIGEST_TEXT];
        lyne_digest_print(s.c.fingerprint, fingerprint);
        const float number = 1;
        const lyne_array other = {.name = "all", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {1}, .data = &number};
        const lyne_pair metadata[] = {{"lyne.checkpoint", version[i]}, {"lyne.fingerprint", fingerprint}};
        lyne_standing at;
        lyne_error err;
        cr_assert_eq(lyne_safetensors_write(path_of(&s, 5), &other, 1, metadata, 2, &err), LYNE_OK, "%s", err.text);
        cr_expect_eq(load(&s, true, &at, &err), LYNE_EENVIRONMENT);
        cr_expect(strstr(err.text, path_of(&s, 5)) && strstr(err.text, "newer Lyne"), "%s", err.text);
        cr_expect(lyne_file_exists(path_of(&s, 5)));
    }
    close_subject(&s);
}

Test(checkpoint, of_another_environment) {
    static const char *const others[] = {"oneDNN 3.2.0, avx2, 2 threads", "oneDNN 2.6.3, avx2, 1 threads", ""};
    subject s;
    open_subject(&s);
    save(&s, 5);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        lyne_standing at;
        lyne_error err;
        s.c.environment = others[i];
        cr_expect_eq(load(&s, false, &at, &err), LYNE_EENVIRONMENT);
        cr_expect(strstr(err.text, path_of(&s, 5)) && strstr(err.text, "oneDNN 2.6.3, avx2, 2 threads") &&
                      strstr(err.text, others[i]) && strstr(err.text, "--any-environment"),
                  "%s", err.text);
        cr_expect_eq(load(&s, true, &at, &err), LYNE_OK, "%s", err.text);
        expect_loaded(&s, &at, 5, "any environment");
    }
    close_subject(&s);
}

/* Another stage's is not looked at, in whatever environment it was made, nor does it take a place. */
Test(checkpoint, of_another_fingerprint) {
    subject s;
    open_subject(&s);
    const lyne_digest ours = s.c.fingerprint;
    save(&s, 3);
    s.c.fingerprint.low++;
    s.c.environment = "elsewhere";
    save(&s, 8);
    s.c.fingerprint = ours;
    s.c.environment = "oneDNN 2.6.3, avx2, 2 threads";
    expect_load(&s, 3, "behind another stage's");
    s.c.fingerprint.high++;
    expect_load(&s, 0, "a third stage");
    save(&s, 1);
    expect_load(&s, 1, "a third stage");
    cr_expect(!lyne_file_exists(path_of(&s, 8)) && !lyne_file_exists(path_of(&s, 3)));
    save(&s, 2);
    expect_files(&s, 1, 2);
    close_subject(&s);
}

/* Files that are not ours stay; what a killed writer left goes. */
Test(checkpoint, other_files_in_the_folder) {
    static const struct {
        const char *name;
        bool stays;
    } files[] = {{"metrics.jsonl", true},
                 {"model.safetensors", true},
                 {"checkpoint-.safetensors", true},
                 {"checkpoint-12.safetensors.old", true},
                 {"checkpoint-abc.safetensors", true},
                 {"checkpoint-000000000012.safetensors.tmp.4711", false}};
    enum { N = sizeof files / sizeof *files };
    subject s;
    char path[160];
    open_subject(&s);
    for (int i = 0; i < N; i++) {
        snprintf(path, sizeof path, "%s/%s", s.directory, files[i].name);
        cr_assert_eq(lyne_file_commit(path, "x", 1, NULL), LYNE_OK);
    }
    expect_load(&s, 0, "no checkpoint among them");
    save(&s, 5);
    expect_load(&s, 5, "one among them");
    for (int i = 0; i < N; i++) {
        snprintf(path, sizeof path, "%s/%s", s.directory, files[i].name);
        cr_expect_eq(lyne_file_exists(path), files[i].stays, "%s", files[i].name);
    }
    close_subject(&s);
}

Test(checkpoint, a_path_that_is_too_long) {
    char folder[4096];
    subject s;
    lyne_error err = {0};
    open_subject(&s);
    s.c.directory = memset(folder, 'x', sizeof folder);
    folder[sizeof folder - 1] = '\0';
    cr_expect_eq(lyne_checkpoint_save(&s.c, &(lyne_standing){.step = 5}, &err), LYNE_EOTHER);
    cr_expect(strstr(err.text, "the path is too long"), "%s", err.text);
    s.c.directory = s.directory;
    close_subject(&s);
}

/* The model has changed under the same fingerprint: only a mistake in Lyne does that, and it is no reason to crash. */
Test(checkpoint, of_other_sizes) {
    subject s;
    open_subject(&s);
    save(&s, 5);
    s.c.slot_name[1] = "other";
    expect_load(&s, 0, "another slot");
    s.c.n_slots = 1;
    lyne_standing at;
    lyne_error err;
    cr_expect_eq(load(&s, false, &at, &err), LYNE_OK);
    cr_expect_eq(at.step, 0, "a slot too many");
    close_subject(&s);
}
