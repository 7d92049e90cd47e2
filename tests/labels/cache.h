/* tests/labels/cache.h -- small caches in a temporary folder, and their files as bytes. */
#ifndef TESTS_LABELS_CACHE_H
#define TESTS_LABELS_CACHE_H

#include "../flip.h"
#include "../scratch.h"
#include "base/file.h"
#include "base/memory.h"
#include "labels/writer.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FEATURES = 2, SAMPLES = 5, VIEWS = 2, CLASSES = 3, RECORDS = SAMPLES * VIEWS, PER_SHARD = 4, SHARDS = 3 };

static char root[64]; /* each test runs in a process of its own */

static void make_root(void) {
    scratch_folder(root, sizeof root, "labels");
}
static void remove_root(void) {
    lyne_directory_remove(root, NULL);
}

/* An encoding by its text; lives as long as the test. */
static inline lyne_instance encoding_of(const char *text) {
    static lyne_arena arena;
    lyne_instance encoding;
    lyne_error err = {0};
    cr_assert_eq(lyne_encoding_read(text, &arena, &encoding, &err), LYNE_OK, "%s", err.text);
    return encoding;
}

/* The last layer of a teacher of FEATURES features: sums of two numbers that every encoding holds exactly. */
static inline const lyne_head *small_head(void) {
    static const float weight[CLASSES * FEATURES] = {1, 0, 0, 1, -1, 0.5f}, bias[CLASSES] = {0, 0.25f, -1};
    static lyne_head head;
    if (!head.packed) cr_assert_eq(lyne_head_init(&head, CLASSES, FEATURES, weight, bias, NULL), LYNE_OK);
    return &head;
}
static inline float feature(uint64_t record, int64_t f) {
    return (float)((int)(record * 5 + (uint64_t)f * 3) % 17 - 8) / 4;
}

static inline lyne_labels_plan small_plan(const char *encoding) {
    const bool features = strstr(encoding, "feature");
    return (lyne_labels_plan){.features = features ? FEATURES : 0,
                              .head = features ? small_head() : NULL,
                              .directory = root,
                              .samples = SAMPLES,
                              .views = VIEWS,
                              .classes = CLASSES,
                              .encoding = encoding_of(encoding),
                              .records_per_shard = PER_SHARD,
                              .identity = {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}};
}

/* Multiples of 1/8, which f32, f16, bf16 and a topk of all classes hold exactly. */
static inline float logit(uint64_t record, int64_t c) {
    return (float)((int)(record * 7 + (uint64_t)c * 5) % 41 - 20) / 8;
}

/* Append records from the one that is due to before `end`, `step` at a time. */
static inline void append_until(lyne_labels_writer *w, uint64_t end, uint64_t step) {
    while (lyne_labels_next(w) < end) {
        uint64_t first = lyne_labels_next(w), n = end - first < step ? end - first : step;
        const uint64_t due = lyne_labels_due(w); /* what stands behind it may be whole */
        n = due < n ? due : n;
        float logits[RECORDS * CLASSES], features[RECORDS * FEATURES];
        lyne_error err = {0};
        if (lyne_labels_stores_features(w)) {
            for (uint64_t i = 0; i < n * FEATURES; i++)
                features[i] = feature(first + i / FEATURES, (int64_t)(i % FEATURES));
            for (uint64_t i = 0; i < n; i++)
                lyne_head_product(small_head(), 1, (const float *[]){features + i * FEATURES}, logits + i * CLASSES);
            cr_assert_eq(lyne_labels_append_features(w, features, logits, (int64_t)n, &err), LYNE_OK, "%s", err.text);
        } else {
            for (uint64_t i = 0; i < n * CLASSES; i++) logits[i] = logit(first + i / CLASSES, (int64_t)(i % CLASSES));
            cr_assert_eq(lyne_labels_append(w, logits, (int64_t)n, &err), LYNE_OK, "%s", err.text);
        }
        cr_assert(lyne_labels_next(w) == first + n || (n == due && lyne_labels_next(w) > first + n));
    }
}

static inline lyne_labels_writer *begun(const lyne_labels_plan *plan) {
    lyne_labels_writer *w;
    lyne_error err = {0};
    cr_assert_eq(lyne_labels_begin(plan, &w, &err), LYNE_OK, "%s", err.text);
    return w;
}

static inline void write_cache(const lyne_labels_plan *plan) {
    lyne_labels_writer *w = begun(plan);
    append_until(w, plan->samples * plan->views, 3);
    lyne_error err = {0};
    cr_assert_eq(lyne_labels_finish(w, &err), LYNE_OK, "%s", err.text);
    lyne_labels_writer_free(w);
}

static inline lyne_labels *opened(void) {
    lyne_labels *labels;
    lyne_error err = {0};
    cr_assert_eq(lyne_labels_open(root, &labels, &err), LYNE_OK, "%s", err.text);
    return labels;
}

/* ---- the files of a cache ---- */

static const char *const file_names[] = {"labels-00000-of-00003.safetensors", "labels-00001-of-00003.safetensors",
                                         "labels-00002-of-00003.safetensors", "manifest.json"};
enum { FILES = sizeof file_names / sizeof *file_names, MANIFEST = 3 };

typedef struct bytes {
    char *data;
    size_t size;
} bytes;

static inline bytes get_file(const char *name) {
    char path[160];
    bytes b;
    lyne_error err = {0};
    snprintf(path, sizeof path, "%s/%s", root, name);
    cr_assert_eq(lyne_file_read(path, 1 << 20, &b.data, &b.size, &err), LYNE_OK, "%s", err.text);
    return b;
}

static inline void put_file(const char *name, const char *data, size_t size) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", root, name);
    cr_assert_eq(lyne_file_commit(path, data, size, NULL), LYNE_OK);
}

static inline void flip_bit_of(const char *name, uint64_t bit) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", root, name);
    const int fd = open(path, O_RDWR);
    flip_bit(fd, bit);
    close(fd);
}

/* What opening, then verifying, then reading every record says first; `wrong` is set when all said that it is fine and
 * still a number was another than the one written. */
static inline lyne_status examine(lyne_error *err, bool *wrong) {
    lyne_labels *labels = NULL;
    *err = (lyne_error){0};
    *wrong = false;
    lyne_status status = lyne_labels_open(root, &labels, err);
    if (status == LYNE_OK) status = lyne_labels_verify(labels, err);
    for (uint64_t r = 0; status == LYNE_OK && r < RECORDS; r++) {
        float logits[CLASSES];
        status = lyne_labels_read(labels, &(uint64_t){r / VIEWS}, &(uint32_t){(uint32_t)(r % VIEWS)}, 1, logits, err);
        for (int c = 0; status == LYNE_OK && c < CLASSES; c++) *wrong |= logits[c] != logit(r, c);
    }
    lyne_labels_close(labels);
    return status;
}

#endif
