/* tests/recipe/broken_off.c -- a run that dies or meets a full disk at any of its system calls, or runs out of memory at
 * any allocation: what bears its final name is whole, and the next run ends in the same bits and leaves nothing behind.
 *
 * Of some 1,000 calls each test takes one in STRIDE, which is prime to the 6 or 7 calls of a commit; LYNE_LONG=1: all of
 * them, which takes some minutes. */
#include "small_run.h"
#include <errno.h>
#include <ftw.h>
#include <glob.h>

enum { STRIDE = 5 };

static uint64_t stride(void) {
    return getenv("LYNE_LONG") ? 1 : STRIDE;
}

static void enter(void) {
    small_run whole = {0};
    folder_enter();
    put("recipe.yaml", small_recipe);
    cr_assert(small_run_into(&whole, "whole"), "killed");
    cr_assert_eq(whole.status, LYNE_OK, "%s", whole.text);
}
TestSuite(broken_off, .init = enter, .fini = folder_leave);

/* ---- two runs side by side ---- */

static const char *other; /* the run that `same_file` compares with */
static size_t root_length;

static bool is_product(const char *name) {
    return strcmp(name, "model.safetensors") == 0 || strcmp(name, "manifest.json") == 0 ||
           strncmp(name, "labels-", 7) == 0 || strcmp(name, "recipe.yaml") == 0;
}

/* A file of one run is in the other, with the same bytes if it is a product. */
static int same_file(const char *path, const struct stat *st, int type, struct FTW *place) {
    char twin[512], *a = NULL, *b = NULL;
    size_t n_a, n_b;
    (void)st;
    if (type != FTW_F) return 0;
    snprintf(twin, sizeof twin, "%s%s", other, path + root_length);
    cr_assert(lyne_file_exists(twin), "%s has no twin %s", path, twin);
    if (!is_product(path + place->base)) return 0;
    cr_assert_eq(lyne_file_read(path, 1 << 24, &a, &n_a, NULL), LYNE_OK);
    cr_assert_eq(lyne_file_read(twin, 1 << 24, &b, &n_b, NULL), LYNE_OK);
    cr_expect(n_a == n_b && memcmp(a, b, n_a) == 0, "%s and %s differ", path, twin);
    lyne_free(a);
    lyne_free(b);
    return 0;
}

static void expect_within(const char *run, const char *in) {
    other = in;
    root_length = strlen(run);
    cr_assert_eq(nftw(run, same_file, 16, FTW_PHYS), 0);
}

/* Neither has a file that the other has not: nothing is missing, nothing is left behind. */
static void expect_same(const char *a, const char *b) {
    expect_within(a, b);
    expect_within(b, a);
}

/* ---- broken off ---- */

static small_run count(void) {
    small_run s = {0};
    cr_assert(small_run_into(&s, "count"), "killed");
    cr_assert_eq(s.status, LYNE_OK, "%s", s.text);
    return s;
}

static void go_on(const char *what, uint64_t n) {
    small_run s = {0};
    lyne_error err = {0};
    cr_assert(small_run_into(&s, "run"), "killed");
    cr_assert_eq(s.status, LYNE_OK, "after %s at call %d: %s", what, (int)n, s.text);
    expect_same(at("run"), at("whole"));
    cr_assert_eq(lyne_directory_remove(at("run"), &err), LYNE_OK, "%s", err.text);
}

/* Work is on disk as a result or as a checkpoint: a model alone would be trained from the start again. */
static void expect_no_model_alone(const char *stage, uint64_t n) {
    char path[3][64];
    static const char *const file[] = {"model.safetensors", "result.json", "checkpoint-*.safetensors"};
    glob_t found;
    for (int i = 0; i < 3; i++) snprintf(path[i], sizeof path[i], "run/%s/%s", stage, file[i]);
    if (!lyne_file_exists(at(path[0]))) return;
    const bool saved = glob(at(path[2]), 0, NULL, &found) == 0;
    globfree(&found);
    cr_expect(saved || lyne_file_exists(at(path[1])), "%s after call %d", stage, (int)n);
}

Test(broken_off, killed_at_each_system_call) {
    const uint64_t n = count().calls;
    cr_assert_gt(n, 200);
    for (uint64_t i = 1; i <= n; i += stride()) {
        small_run s = {.fail_at = i, .error = LYNE_FILE_DIE};
        cr_assert_not(small_run_into(&s, "run"), "call %d of %d does not kill", (int)i, (int)n);
        expect_no_model_alone("teacher", i);
        expect_no_model_alone("student/seed-2", i);
        go_on("a kill", i);
    }
}

/* What a call fails with, what must come of it, and how many times further apart the calls are that are tried. */
static const struct failing {
    const char *what;
    int error;
    lyne_status due;
    uint64_t times;
} failing[] = {{"a full disk", ENOSPC, LYNE_ENOSPACE, 1},
               {"a bad disk", EIO, LYNE_EDATA, 5},
               {"an interruption", EINTR, LYNE_EDATA, 5},
               {"a short read or write", LYNE_FILE_SHORT, LYNE_OK, 5}};

Test(broken_off, failing_at_each_system_call) {
    const uint64_t n = count().calls;
    for (size_t k = 0; k < COUNT(failing); k++)
        for (uint64_t i = 3; i <= n; i += stride() == 1 ? 1 : failing[k].times * stride()) {
            small_run s = {.fail_at = i, .error = failing[k].error};
            cr_assert(small_run_into(&s, "run"), "killed");
            const bool looked = strstr(s.text, "File exists") || strstr(s.text, "no such file"); /* it was a stat */
            cr_expect(s.status == LYNE_OK || s.status == failing[k].due || looked, "%s at call %d of %d: status %d: %s",
                      failing[k].what, (int)i, (int)n, (int)s.status, s.text);
            cr_expect(s.status == LYNE_OK || looked || (s.text[0] == '/' && strstr(s.text, strerror(failing[k].error))),
                      "%s at call %d: no path or cause: %s", failing[k].what, (int)i, s.text);
            go_on(failing[k].what, i);
        }
}

Test(broken_off, no_memory_at_each_allocation) {
    const uint64_t n = count().allocations;
    cr_assert_gt(n, 200);
    for (uint64_t i = 1; i <= n; i += stride() == 1 ? 1 : 23) {
        small_run s = {.starve = i};
        cr_assert(small_run_into(&s, "run"), "killed");
        cr_expect_eq(s.status, LYNE_ENOSPACE, "allocation %d of %d: status %d: %s", (int)i, (int)n, (int)s.status,
                     s.text);
        cr_expect(s.text[0], "allocation %d: nothing is said", (int)i);
        go_on("an allocation that failed", i);
    }
}

Test(broken_off, killed_twice) {
    const uint64_t n = count().calls;
    for (uint64_t i = 7; i <= n; i += 4 * stride()) {
        small_run first = {.fail_at = i, .error = LYNE_FILE_DIE},
                  second = {.fail_at = i / 2 + 1, .error = LYNE_FILE_DIE};
        cr_assert_not(small_run_into(&first, "run"));
        small_run_into(&second, "run");
        go_on("two kills", i);
    }
}
