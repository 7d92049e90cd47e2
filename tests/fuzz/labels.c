/* tests/fuzz/labels.c -- a soft-label cache, and logits that another program wrote. */
#include "base/file.h"
#include "base/memory.h"
#include "fuzz.h"
#include "labels/given.h"
#include "labels/head.h"
#include "labels/parts.h"
#include "labels/writer.h"
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 3, VIEWS = 2, CLASSES = 12 };

/* Each input chooses an encoding by its first byte. */
static const char *const encodings[] = {"f32",
                                        "f16",
                                        "bf16",
                                        "int8",
                                        "{topk: {k: 3, tail: uniform}}",
                                        "{sampled: {draws: 8, temperature: 1}}",
                                        "{topk: {k: 3, tail: class}}"};
enum { ENCODINGS = sizeof encodings / sizeof *encodings };

static lyne_labels_plan plan_of(unsigned encoding, lyne_arena *arena) {
    lyne_labels_plan plan = {.directory = fuzz_folder,
                             .samples = SAMPLES,
                             .views = VIEWS,
                             .classes = CLASSES,
                             .records_per_shard = SAMPLES * VIEWS};
    lyne_error err = {0};
    if (lyne_encoding_read(encodings[encoding % ENCODINGS], arena, &plan.encoding, &err) != LYNE_OK) abort();
    return plan;
}

static void write_cache(unsigned encoding) {
    lyne_arena arena = {0};
    lyne_labels_writer *w = NULL;
    float logits[SAMPLES * VIEWS * CLASSES];
    for (size_t i = 0; i < sizeof logits / sizeof *logits; i++) logits[i] = (float)(i * 7 % 41) / 8;
    const lyne_labels_plan plan = plan_of(encoding, &arena);
    if (lyne_labels_begin(&plan, &w, NULL) != LYNE_OK ||
        lyne_labels_append(w, logits, SAMPLES * VIEWS, NULL) != LYNE_OK || lyne_labels_finish(w, NULL) != LYNE_OK)
        abort();
    lyne_labels_writer_free(w);
    lyne_arena_free(&arena);
}

static void read_all(lyne_labels *labels) {
    const uint64_t samples = lyne_labels_samples(labels);
    const int64_t classes = lyne_labels_classes(labels);
    float *logits = classes <= 100000 ? malloc((size_t)classes * sizeof *logits) : NULL;
    for (uint64_t s = 0; logits && s < samples && s < 8; s++)
        if (lyne_labels_read(labels, &s, &(uint32_t){0}, 1, logits, NULL) == LYNE_OK)
            fuzz_touch(logits, (size_t)classes * sizeof *logits);
    free(logits);
}

static void run_manifest(const uint8_t *data, size_t size) {
    static bool written;
    if (!written) write_cache(0);
    written = true;
    fuzz_put("manifest.json", data, size);
    lyne_labels *labels = NULL;
    if (lyne_labels_open(fuzz_folder, &labels, NULL) == LYNE_OK) read_all(labels);
    lyne_labels_close(labels);
}

static void seed_manifest(void) {
    write_cache(0);
    lyne_file_remove(fuzz_path("labels-00000-of-00001.safetensors"), NULL);
}

/* The shard of a layout that is known, without the manifest that would refuse it by its digest. */
static void run_shard(const uint8_t *data, size_t size) {
    if (size < 1) return;
    lyne_arena arena = {0};
    lyne_layout layout;
    lyne_shard shard;
    lyne_tally tally;
    float logits[CLASSES];
    const lyne_labels_plan plan = plan_of(data[0], &arena);
    fuzz_put("labels-00000-of-00001.safetensors", data + 1, size - 1);
    if (lyne_layout_init(&layout, &plan, NULL) != LYNE_OK) abort();
    if (lyne_shard_open(&shard, &layout, 0, NULL) == LYNE_OK) {
        lyne_shard_tally(&shard, &tally, NULL);
        for (uint64_t i = 0; i < shard.n; i++) {
            /* whatever the checksum says: it is a damage that happened to keep it */
            lyne_shard_check(&shard, &layout, i, NULL);
            const void *part[1][LYNE_ENCODING_PARTS];
            lyne_shard_parts(&shard, &layout, i, part[0]);
            if (lyne_record_logits(&layout.record, 1, (const void *const(*)[LYNE_ENCODING_PARTS])part, logits) == 1)
                fuzz_touch(logits, sizeof logits);
        }
        lyne_shard_close(&shard);
    }
    lyne_arena_free(&arena);
}

/* The shard of a cache of each encoding, with the byte that chooses it before it. */
static void seed_shard(void) {
    static const char name[] = "labels-00000-of-00001.safetensors";
    for (unsigned i = 0; i < ENCODINGS; i++) {
        char *bytes, with[1 << 14];
        size_t n;
        lyne_file_remove(fuzz_path("manifest.json"), NULL);
        write_cache(i);
        if (lyne_file_read(fuzz_path(name), sizeof with - 1, &bytes, &n, NULL) != LYNE_OK) abort();
        with[0] = (char)i;
        memcpy(with + 1, bytes, n);
        fuzz_seed((const char[]){(char)('0' + i), 0}, with, n + 1);
        lyne_free(bytes);
    }
    lyne_file_remove(fuzz_path(name), NULL);
    lyne_file_remove(fuzz_path("manifest.json"), NULL);
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
    {"manifest", "labels/manifest.c", run_manifest, seed_manifest},
    {"shard", "labels/shard.c", run_shard, seed_shard},
    {"head", "labels/head.c", run_head, seed_head},
    {"given", "labels/given.c", run_given, NULL},
    {NULL, NULL, NULL, NULL},
};
