/* tests/formats/scratch.h -- a directory for one test, and damaged copies of a file. */
#ifndef TESTS_FORMATS_SCRATCH_H
#define TESTS_FORMATS_SCRATCH_H

#include "../scratch.h"
#include "base/file.h"
#include "base/memory.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static char scratch_root[64];

static void scratch_enter(void) {
    scratch_folder(scratch_root, sizeof scratch_root, "formats");
}

static void scratch_leave(void) {
    lyne_error err = {0};
    lyne_file_fail_at(0, 0);
    lyne_memory_fail_at(0);
    cr_assert_eq(lyne_directory_remove(scratch_root, &err), LYNE_OK, "%s", err.text);
}

static inline const char *at(const char *name) {
    static char joined[4][160];
    static int turn;
    char *out = joined[turn++ % 4];
    snprintf(out, sizeof joined[0], "%s/%s", scratch_root, name);
    return out;
}

static inline void put(const char *path, const void *bytes, size_t n) {
    lyne_error err = {0};
    cr_assert_eq(lyne_file_commit(path, bytes, n, &err), LYNE_OK, "%s", err.text);
}

static inline char *get(const char *path, size_t *n) {
    lyne_error err = {0};
    char *data = NULL;
    cr_assert_eq(lyne_file_read(path, 1 << 24, &data, n, &err), LYNE_OK, "%s", err.text);
    return data;
}

/* Call `open_and_use` on PATH cut at each length and with each byte changed in three ways.  It returns the status with
 * which the copy was opened and may find anything out but must not crash; a cut copy must be refused. */
static inline void damage(const char *path, lyne_status (*open_and_use)(const char *path, lyne_error *err)) {
    static const unsigned char changes[] = {0x01, 0x80, 0xFF};
    size_t n;
    char *whole = get(path, &n);
    const char *copy = at("damaged");
    for (size_t cut = 0; cut < n; cut++) {
        lyne_error err = {0};
        put(copy, whole, cut);
        cr_assert_eq(open_and_use(copy, &err), LYNE_EDATA, "cut at %zu of %zu", cut, n);
        cr_assert(strstr(err.text, copy), "cut at %zu: %s", cut, err.text);
    }
    for (size_t i = 0; i < n * COUNT(changes); i++) {
        lyne_error err = {0};
        whole[i / 3] = (char)(whole[i / 3] ^ changes[i % 3]);
        put(copy, whole, n);
        lyne_status status = open_and_use(copy, &err);
        cr_assert(status == LYNE_OK || (status == LYNE_EDATA && strstr(err.text, copy)), "byte %zu: %s", i / 3,
                  err.text);
        whole[i / 3] = (char)(whole[i / 3] ^ changes[i % 3]);
    }
    lyne_free(whole);
}

#endif
