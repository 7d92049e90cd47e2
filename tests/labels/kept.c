/* tests/labels/kept.c -- a cache that an earlier version wrote is read to the same numbers: tests/golden/soft_labels.
 * Whoever changes the format on purpose raises its version and makes the files anew: LYNE_MAKE_GOLDEN=1 test_labels. */
#include "cache.h"

#define GOLDEN LYNE_SOURCE_DIR "/tests/golden/soft_labels"

/* Folder and encoding. */
static const char *const encodings[][2] = {{"f32", "f32"},
                                           {"f16", "f16"},
                                           {"int8", "int8"},
                                           {"topk", "{topk: {k: 2, tail: uniform}}"},
                                           {"sampled", "{sampled: {draws: 4, temperature: 2}}"}};

/* Of all numbers that are read, in order. */
static lyne_digest read_all(const char *directory) {
    lyne_labels *labels = NULL;
    lyne_error err = {0};
    lyne_hash h;
    lyne_hash_init(&h);
    cr_assert_eq(lyne_labels_open(directory, &labels, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(lyne_labels_verify(labels, &err), LYNE_OK, "%s", err.text);
    for (uint64_t r = 0; r < RECORDS; r++) {
        float logits[CLASSES];
        cr_assert_eq(lyne_labels_read(labels, &(uint64_t){r / VIEWS}, &(uint32_t){(uint32_t)(r % VIEWS)}, 1, logits, &err),
                     LYNE_OK, "%s", err.text);
        lyne_hash_bytes(&h, logits, sizeof logits);
    }
    lyne_labels_close(labels);
    return lyne_hash_finish(&h);
}

Test(kept, caches_of_an_earlier_version) {
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        char directory[256], text[LYNE_DIGEST_TEXT], path[300], *due;
        size_t n;
        lyne_error err = {0};
        snprintf(directory, sizeof directory, GOLDEN "/%s", encodings[i][0]);
        snprintf(path, sizeof path, GOLDEN "/%s.xxh128", encodings[i][0]);
        if (getenv("LYNE_MAKE_GOLDEN")) {
            lyne_labels_plan plan = small_plan(encodings[i][1]);
            plan.directory = directory;
            plan.records_per_shard = RECORDS;
            cr_assert_eq(lyne_directory_remove(directory, NULL), LYNE_OK);
            write_cache(&plan);
            lyne_digest_print(read_all(directory), text);
            cr_assert_eq(lyne_file_commit(path, text, strlen(text), &err), LYNE_OK, "%s", err.text);
        }
        lyne_digest_print(read_all(directory), text);
        cr_assert_eq(lyne_file_read(path, 100, &due, &n, &err), LYNE_OK, "%s", err.text);
        cr_expect_str_eq(text, due, "%s", encodings[i][0]);
        lyne_free(due);
    }
}

/* A version that is not known yet is refused by its number. */
Test(kept, a_newer_version_is_refused_by_name) {
    char *text;
    size_t n;
    lyne_error err = {0};
    lyne_labels *labels = NULL;
    make_root();
    cr_assert_eq(lyne_file_read(GOLDEN "/f16/manifest.json", 1 << 20, &text, &n, &err), LYNE_OK, "%s", err.text);
    char *at = strstr(text, "\"lyne_labels\": 2");
    cr_assert(at, "%s", text);
    at[strlen("\"lyne_labels\": 2") - 1] = '9';
    put_file("manifest.json", text, n);
    cr_expect_eq(lyne_labels_open(root, &labels, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "9"), "%s", err.text);
    lyne_free(text);
    remove_root();
}
