/* tests/fuzz/labels.c -- a soft-label cache, and logits that another program wrote. */
#include "base/file.h"
#include "base/memory.h"
#include "formats/safetensors.h"
#include "fuzz.h"
#include "labels/given.h"
#include "labels/head.h"
#include "labels/parts.h"
#include "labels/writer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 3, VIEWS = 2, RECORDS = SAMPLES * VIEWS, CLASSES = 12, FEATURES = 3 };
static const char shard_name[] = "labels-00000-of-00001.safetensors";

/* Each input chooses an encoding by its first byte. */
static const char *const encodings[] = {"f32",
                                        "f16",
                                        "bf16",
                                        "int8",
                                        "{topk: {k: 3, tail: uniform}}",
                                        "{sampled: {draws: 8, temperature: 1}}",
                                        "{topk: {k: 3, tail: class}}",
                                        "{feature: {type: f32}}"};
enum { ENCODINGS = sizeof encodings / sizeof *encodings };

static const lyne_head *last_layer(void) {
    static const float weight[CLASSES * FEATURES] = {0.5f, -1};
    static lyne_head head;
    if (!head.packed && lyne_head_init(&head, CLASSES, FEATURES, weight, weight, NULL) != LYNE_OK) abort();
    return &head;
}

static lyne_labels_plan plan_of(unsigned encoding, const char *directory, lyne_arena *arena) {
    lyne_labels_plan plan = {
        .directory = directory, .samples = SAMPLES, .views = VIEWS, .classes = CLASSES, .records_per_shard = RECORDS};
    lyne_error err = {0};
    if (lyne_encoding_read(encodings[encoding % ENCODINGS], arena, &plan.encoding, &err) != LYNE_OK) abort();
    if (((const lyne_encoding *)plan.encoding.row)->of_features) plan.features = FEATURES, plan.head = last_layer();
    return plan;
}

static void write_cache(unsigned encoding, const char *directory) {
    lyne_arena arena = {0};
    lyne_labels_writer *w = NULL;
    float logits[RECORDS * CLASSES];
    for (size_t i = 0; i < sizeof logits / sizeof *logits; i++) logits[i] = (float)(i * 7 % 41) / 8;
    const lyne_labels_plan plan = plan_of(encoding, directory, &arena);
    if (lyne_directory_make(directory, NULL) != LYNE_OK || lyne_labels_begin(&plan, &w, NULL) != LYNE_OK ||
        (plan.features ? lyne_labels_append_features(w, logits, logits, RECORDS, NULL)
                       : lyne_labels_append(w, logits, RECORDS, NULL)) != LYNE_OK ||
        lyne_labels_finish(w, NULL) != LYNE_OK)
        abort();
    lyne_labels_writer_free(w);
    lyne_arena_free(&arena);
}

/* The folder of a cache of this encoding; as it is left behind, only what a target overwrites is not as written. */
static const char *cache_of(unsigned encoding) {
    static bool written[ENCODINGS];
    const unsigned i = encoding % ENCODINGS;
    const char *directory = fuzz_path((const char[]){(char)('0' + i), 0});
    if (!written[i]) write_cache(i, directory);
    written[i] = true;
    return directory;
}

/* A file of the cache of each encoding, with the byte that chooses it before it. */
static void seed_each(const char *name) {
    for (unsigned i = 0; i < ENCODINGS; i++) {
        const char *directory = fuzz_path("cache");
        char path[1024], *bytes, with[1 << 14];
        size_t n;
        write_cache(i, directory);
        snprintf(path, sizeof path, "%s/%s", directory, name);
        if (lyne_file_read(path, sizeof with - 1, &bytes, &n, NULL) != LYNE_OK) abort();
        with[0] = (char)i;
        memcpy(with + 1, bytes, n);
        fuzz_seed((const char[]){(char)('0' + i), 0}, with, n + 1);
        lyne_free(bytes);
        lyne_directory_remove(directory, NULL);
    }
}

static void put_in(const char *directory, const char *name, const uint8_t *data, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", strrchr(directory, '/') + 1, name);
    fuzz_put(path, data, size);
}

/* The first records, if they are not so large that it is the harness that runs out of memory. */
static void read_some(lyne_labels *labels) {
    const uint64_t samples = lyne_labels_samples(labels);
    const int64_t width[] = {lyne_labels_classes(labels), lyne_labels_features(labels)};
    for (int k = 0; k < 2; k++) {
        float *numbers = width[k] && width[k] <= 100000 ? malloc((size_t)width[k] * sizeof *numbers) : NULL;
        for (uint64_t s = 0; numbers && s < samples && s < 8; s++)
            if ((k ? lyne_labels_read_features : lyne_labels_read)(labels, &s, &(uint32_t){0}, 1, numbers, NULL) ==
                LYNE_OK)
                fuzz_touch(numbers, (size_t)width[k] * sizeof *numbers);
        free(numbers);
    }
}

static void run_manifest(const uint8_t *data, size_t size) {
    if (size < 1) return;
    const char *directory = cache_of(data[0]);
    put_in(directory, "manifest.json", data + 1, size - 1);
    lyne_labels *labels = NULL;
    if (lyne_labels_open(directory, &labels, NULL) == LYNE_OK) {
        const lyne_labels_error error = lyne_labels_error_of(labels);
        fuzz_touch(&error, sizeof error);
        read_some(labels);
        lyne_labels_verify(labels, NULL);
    }
    lyne_labels_close(labels);
}

static void seed_manifest(void) {
    seed_each("manifest.json");
}

/* The shard of a layout that is known, without the manifest that would refuse it by its size. */
static void run_shard(const uint8_t *data, size_t size) {
    if (size < 1) return;
    lyne_arena arena = {0};
    lyne_layout layout;
    lyne_shard shard;
    lyne_tally tally;
    float logits[LYNE_HEAD_ROWS * CLASSES];
    const lyne_labels_plan plan = plan_of(data[0], cache_of(data[0]), &arena);
    put_in(plan.directory, shard_name, data + 1, size - 1);
    if (lyne_layout_init(&layout, &plan, NULL) != LYNE_OK) abort();
    layout.record.head = plan.head;
    if (lyne_shard_open(&shard, &layout, 0, NULL) == LYNE_OK) {
        lyne_shard_tally(&shard, &tally, NULL);
        lyne_shard_check_all(&shard, &layout, logits, NULL);
        for (uint64_t i = 0; i < shard.n; i++) { /* also behind one that is refused */
            const void *part[1][LYNE_ENCODING_PARTS];
            lyne_shard_check(&shard, &layout, i, NULL);
            lyne_shard_parts(&shard, &layout, i, part[0]);
            if (lyne_record_logits(&layout.record, 1, (const void *const(*)[LYNE_ENCODING_PARTS])part, logits) == 1)
                fuzz_touch(logits, CLASSES * sizeof *logits);
        }
        lyne_shard_close(&shard);
    }
    lyne_arena_free(&arena);
}

static void seed_shard(void) {
    seed_each(shard_name);
}

static void run_given(const uint8_t *data, size_t size) {
    fuzz_bytes rest = {data, size};
    const fuzz_bytes logits = fuzz_take(&rest);
    const char *name = logits.size > 6 && memcmp(logits.data, "\x93NUMPY", 6) == 0 ? "z.npy" : "z.safetensors";
    const char *ids = rest.size > 6 && memcmp(rest.data, "\x93NUMPY", 6) == 0 ? "i.npy" : "i.safetensors";
    fuzz_put(name, logits.data, logits.size);
    fuzz_put(ids, rest.data, rest.size);
    lyne_given g;
    if (lyne_given_open(&g, fuzz_path(name), fuzz_path(ids), SAMPLES, 4, NULL) == LYNE_OK) {
        float values[SAMPLES * 4];
        lyne_given_read(&g, 0, SAMPLES, values);
        fuzz_touch(values, sizeof values);
    }
    lyne_given_close(&g);
}

/* Logits of each type that is read, ids of several. */
static void seed_given(void) {
    static const lyne_dtype logits[] = {LYNE_DTYPE_F32, LYNE_DTYPE_F16, LYNE_DTYPE_BF16, LYNE_DTYPE_F64},
                            ids[] = {LYNE_DTYPE_I64, LYNE_DTYPE_I8, LYNE_DTYPE_U16, LYNE_DTYPE_I32};
    static const int64_t order[SAMPLES] = {0, 1, 2};
    static const double numbers[SAMPLES * 4];
    for (unsigned i = 0; i < 4; i++) {
        uint8_t of[SAMPLES * sizeof(int64_t)] = {0}, with[2 + (1 << 12)];
        const size_t width = lyne_dtype_size(ids[i]);
        for (int k = 0; k < SAMPLES; k++) memcpy(of + (size_t)k * width, &order[k], width); /* little-endian */
        const lyne_array file[] = {
            {.name = "logits", .dtype = logits[i], .rank = 2, .dims = {SAMPLES, 4}, .data = numbers},
            {.name = "ids", .dtype = ids[i], .rank = 1, .dims = {SAMPLES}, .data = of}};
        size_t at = 2;
        for (int k = 0; k < 2; k++) {
            char *bytes;
            size_t n;
            if (lyne_safetensors_write(fuzz_path("part"), &file[k], 1, NULL, 0, NULL) != LYNE_OK ||
                lyne_file_read(fuzz_path("part"), sizeof with - at, &bytes, &n, NULL) != LYNE_OK)
                abort();
            memcpy(with + at, bytes, n);
            lyne_free(bytes);
            at += n;
            if (k == 0) with[0] = (uint8_t)n, with[1] = (uint8_t)(n >> 8);
        }
        fuzz_seed((const char[]){(char)('0' + i), 0}, with, at);
    }
    lyne_file_remove(fuzz_path("part"), NULL);
}

static void run_head(const uint8_t *data, size_t size) {
    lyne_head head = {0};
    const float row[] = {1, 2, 3}, *const features[] = {row};
    float logits[4];
    fuzz_put("head.safetensors", data, size);
    if (lyne_head_load(&head, 4, 3, fuzz_path("head.safetensors"), NULL) == LYNE_OK) {
        lyne_head_product(&head, 1, features, logits);
        fuzz_touch(logits, sizeof logits);
    }
    lyne_head_deinit(&head);
}

static void seed_head(void) {
    static const float numbers[12] = {0.5f, -1};
    lyne_head head = {0};
    if (lyne_head_init(&head, 4, 3, numbers, numbers, NULL) != LYNE_OK) abort();
    lyne_head_save(&head, fuzz_path("head"), NULL);
    lyne_head_deinit(&head);
}

const fuzz_target fuzz_labels[] = {
    {"manifest", "labels/manifest.c", run_manifest, seed_manifest, true},
    {"shard", "labels/shard.c", run_shard, seed_shard, true},
    {"head", "labels/head.c", run_head, seed_head, true},
    {"given", "labels/given.c", run_given, seed_given, false},
    {.name = NULL},
};
