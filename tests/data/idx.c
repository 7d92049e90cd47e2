/* tests/data/idx.c -- small files with one thing wrong each, and the real MNIST where it is at hand. */
#include "../scratch.h"
#include "base/file.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

enum { PICTURES, LABELS };
static const uint8_t good_pictures[] = {0, 0, 8,  3,  0,  0,  0,  2,  0,  0,  0,  2,  0,  0,
                                        0, 3, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 24, 25};
static const uint8_t coloured_pictures[] = {0, 0, 8, 4, 0,  0,  0,  2,  0,  0,  0,  1,  0,  0,  0,  2,
                                            0, 0, 0, 3, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 24, 25};
static const uint8_t good_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 2};

static char root[64];
static lyne_data_paths paths;
static const char *directory[1];

static void make_root(void) {
    scratch_folder(root, sizeof root, "idx");
    directory[0] = root;
    paths = (lyne_data_paths){.dataset = "tiny", .directory = directory, .n = 1};
}
static void remove_root(void) {
    lyne_directory_remove(root, NULL);
}
TestSuite(idx, .init = make_root, .fini = remove_root);

static void put(const char *name, const void *bytes, size_t n) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    cr_assert_eq(lyne_file_commit(path, bytes, n, NULL), LYNE_OK);
}

#define TINY "{idx: {train_pictures: p, train_labels: l, test_pictures: tp, test_labels: tl, n_classes: 3%s}}"

static lyne_status opened(lyne_dataset *d, const char *more, lyne_error *err) {
    char yaml[512];
    snprintf(yaml, sizeof yaml, TINY, more);
    filled f = filled_with(&lyne_dataset_idx.component, yaml);
    *err = (lyne_error){0};
    memset(d, 0xEE, sizeof *d);
    lyne_status status = lyne_dataset_open(d, &lyne_dataset_idx, f.instance.config, LYNE_TRAIN, &paths, err);
    unfill(&f);
    if (status != LYNE_OK) cr_expect(!d->pictures && !d->owned[0] && !d->owned[1], "nothing is left behind");
    return status;
}

Test(idx, grey_and_coloured) {
    lyne_dataset d;
    lyne_error err;
    put("l", good_labels, sizeof good_labels);
    put("p", good_pictures, sizeof good_pictures);
    cr_assert_eq(opened(&d, "", &err), LYNE_OK, "%s", err.text);
    cr_expect(d.n == 2 && d.channels == 1 && d.height == 2 && d.width == 3 && d.n_classes == 3);
    cr_expect_arr_eq(d.pictures, good_pictures + 16, 12);
    cr_expect_arr_eq(d.labels, good_labels + 8, 2);
    cr_expect_str_eq(d.name, "tiny");
    lyne_digest grey = d.digest;
    lyne_dataset_close(&d);
    put("p", coloured_pictures, sizeof coloured_pictures);
    cr_assert_eq(opened(&d, "", &err), LYNE_OK, "%s", err.text);
    cr_expect(d.n == 2 && d.channels == 3 && d.height == 1 && d.width == 2);
    cr_expect_not(lyne_digest_equal(grey, d.digest), "the shape counts");
    lyne_dataset_close(&d);
}

/* One byte changed, or bytes added. */
Test(idx, malformed) {
    static const struct {
        int file;
        size_t at;
        uint8_t byte;
        const char *message;
    } table[] = {
        {PICTURES, 0, 1, "/p: does not begin with 00 00 08 03 or 00 00 08 04"},
        {PICTURES, 1, 1, "does not begin with"},
        {PICTURES, 2, 13, "does not begin with"}, /* floats */
        {PICTURES, 3, 1, "does not begin with"},  /* labels where pictures should be */
        {PICTURES, 3, 2, "does not begin with"},
        {PICTURES, 3, 5, "does not begin with"},
        {PICTURES, 3, 4, "/p: 28 bytes long, but its header speaks of"},
        {PICTURES, 7, 1, "speaks of 22"},
        {PICTURES, 7, 3, "speaks of 34"},
        {PICTURES, 4, 255, "speaks of 25669140508"},
        {PICTURES, 8, 255, "speaks of"},
        {PICTURES, 15, 0, "speaks of 16"},
        {PICTURES, 28, 0, "29 bytes long, but its header speaks of 28"},
        {LABELS, 3, 3, "/l: does not begin with 00 00 08 01"},
        {LABELS, 7, 1, "10 bytes long, but its header speaks of 9"},
        {LABELS, 10, 1, "11 bytes long"},
        {LABELS, 8, 3, "/l: label 0 is 3, but with n_classes = 3 it must be below that"},
        {LABELS, 9, 255, "/l: label 1 is 255"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t p[64] = {0}, l[64] = {0};
        memcpy(p, good_pictures, sizeof good_pictures);
        memcpy(l, good_labels, sizeof good_labels);
        size_t sizes[] = {sizeof good_pictures, sizeof good_labels};
        (table[i].file == PICTURES ? p : l)[table[i].at] = table[i].byte;
        if (table[i].at >= sizes[table[i].file]) sizes[table[i].file] = table[i].at + 1;
        put("p", p, sizes[PICTURES]);
        put("l", l, sizes[LABELS]);
        lyne_dataset d;
        lyne_error err;
        cr_expect_eq(opened(&d, "", &err), LYNE_EDATA, "case %zu", i);
        cr_expect(strstr(err.text, table[i].message), "case %zu: %s", i, err.text);
    }
}

Test(idx, whole_headers_that_lie) {
    static const struct {
        uint8_t pictures[32];
        size_t size;
        const char *message;
    } table[] = {
        {{0, 0, 8, 4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, 20, "speaks of"},
        /* 2^16 * 2^16 * 2^16 * 2^16 = 2^64, which is 0 in 64 bits */
        {{0, 0, 8, 4, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0}, 20, "speaks of"},
        {{0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3}, 16, "holds no picture"},
        {{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3}, 16, "pictures of 0 x 3 x 1"},
        {{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9}, 17, "1 pictures, but"},
        {{0, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255}, 20, "holds no picture"},
    };
    put("l", good_labels, sizeof good_labels);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        put("p", table[i].pictures, table[i].size);
        lyne_dataset d;
        lyne_error err;
        cr_expect_eq(opened(&d, "", &err), LYNE_EDATA, "case %zu", i);
        cr_expect(strstr(err.text, table[i].message), "case %zu: %s", i, err.text);
    }
}

Test(idx, every_truncation) {
    lyne_dataset d;
    lyne_error err;
    put("l", good_labels, sizeof good_labels);
    for (size_t n = 0; n < sizeof good_pictures; n++) {
        put("p", good_pictures, n);
        cr_expect_eq(opened(&d, "", &err), LYNE_EDATA, "%zu bytes of pictures", n);
        cr_expect(strstr(err.text, "/p: "), "%s", err.text);
    }
    put("p", good_pictures, sizeof good_pictures);
    for (size_t n = 0; n < sizeof good_labels; n++) {
        put("l", good_labels, n);
        cr_expect_eq(opened(&d, "", &err), LYNE_EDATA, "%zu bytes of labels", n);
        cr_expect(strstr(err.text, "/l: "), "%s", err.text);
    }
}

Test(idx, missing) {
    lyne_dataset d;
    lyne_error err;
    put("p", good_pictures, sizeof good_pictures);
    cr_expect_eq(opened(&d, "", &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "l: neither it nor l.gz is in ") && strstr(err.text, root), "%s", err.text);
    cr_expect(strstr(err.text, "--data"), "%s", err.text);
}

Test(idx, digests) {
    char found[LYNE_DIGEST_TEXT], more[128];
    lyne_dataset d;
    lyne_error err;
    put("p", good_pictures, sizeof good_pictures);
    put("l", good_labels, sizeof good_labels);
    lyne_digest_print(lyne_digest_of(good_labels, sizeof good_labels), found);
    snprintf(more, sizeof more, ", train_labels_xxh128: \"%s\"", found);
    cr_expect_eq(opened(&d, more, &err), LYNE_OK, "%s", err.text);
    lyne_dataset_close(&d);
    snprintf(more, sizeof more, ", train_pictures_xxh128: \"%s\"", found);
    cr_expect_eq(opened(&d, more, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "/p: is not the file that the data set tiny describes"), "%s", err.text);
    filled f = fill(&lyne_dataset_idx.component, "{idx: {train_pictures: p, train_labels: l, test_pictures: tp, "
                                                 "test_labels: tl, test_labels_xxh128: abc}}");
    cr_expect_null(f.instance.row, "a digest that is none");
    unfill(&f);
}

/* good_pictures and good_labels by `gzip -n`. */
static const uint8_t packed_labels[] = {31, 139, 8,  0,  0,   0, 0, 0,   0,   3,   99, 96, 224, 96, 100,
                                        96, 96,  96, 98, 100, 2, 0, 116, 252, 137, 98, 10, 0,   0,  0};
static const uint8_t packed_pictures[] = {31,  139, 8,   0,  0,   0,  0,   0,   0,   3,  99, 96, 224, 96,
                                          102, 96,  96,  96, 130, 98, 102, 46,  110, 30, 94, 62, 126, 17,
                                          81,  49,  113, 9,  73,  0,  5,   206, 13,  22, 28, 0,  0,   0};

Test(idx, gzip) {
    lyne_dataset d;
    lyne_error err;
    put("l.gz", packed_labels, sizeof packed_labels);
    put("p.gz", packed_pictures, sizeof packed_pictures);
    cr_assert_eq(opened(&d, "", &err), LYNE_OK, "%s", err.text);
    cr_expect_arr_eq(d.pictures, good_pictures + 16, 12);
    cr_expect_arr_eq(d.labels, good_labels + 8, 2);
    lyne_dataset_close(&d);
    for (size_t n = 0; n < sizeof packed_pictures; n++) {
        put("p.gz", packed_pictures, n);
        cr_expect_eq(opened(&d, "", &err), LYNE_EDATA, "%zu bytes of a gzip", n);
        cr_expect(strstr(err.text, "/p.gz: "), "%s", err.text);
    }
}

Test(idx, no_memory) {
    put("p", good_pictures, sizeof good_pictures);
    put("l", good_labels, sizeof good_labels);
    char yaml[256];
    snprintf(yaml, sizeof yaml, TINY, "");
    filled f = filled_with(&lyne_dataset_idx.component, yaml);
    uint64_t n = 0;
    for (lyne_status status = LYNE_ENOSPACE; status != LYNE_OK;) {
        lyne_dataset d;
        lyne_error err = {0};
        lyne_memory_fail_at(++n);
        status = lyne_dataset_open(&d, &lyne_dataset_idx, f.instance.config, LYNE_TRAIN, &paths, &err);
        lyne_memory_fail_at(0);
        cr_assert(status == LYNE_OK || status == LYNE_ENOSPACE, "allocation %d: %s", (int)n, err.text);
        lyne_dataset_close(&d);
    }
    cr_expect_gt(n, 2);
    unfill(&f);
}

/* The published data: counts, histogram of the labels, digests. */
Test(idx, mnist) {
    char neighbour[] = LYNE_SOURCE_DIR "/../shared/data";
    const char *const places[] = {getenv("LYNE_DATA") ? getenv("LYNE_DATA") : neighbour};
    lyne_data_paths real = {.dataset = "mnist", .directory = places, .n = 1};
    lyne_arena arena = {0};
    const char *path;
    lyne_status there = lyne_find_data(&real, "train-images-idx3-ubyte", &arena, &path, NULL);
    lyne_arena_free(&arena);
    if (there != LYNE_OK) cr_skip_test("no MNIST in %s/mnist; set LYNE_DATA", places[0]);

    lyne_arena described = {0};
    lyne_diagnostics out = {0};
    lyne_yaml *tree = lyne_yaml_read(LYNE_SOURCE_DIR "/datasets/mnist.yaml", &described, &out);
    cr_assert(tree);
    const lyne_component *row = &lyne_dataset_idx.component;
    lyne_registry *registry;
    cr_assert_eq(lyne_registry_new(&row, 1, &registry, NULL), LYNE_OK);
    lyne_filler filler = {.registry = registry, .arena = &described, .out = &out};
    lyne_description mnist = {0};
    cr_assert(lyne_config_fill(&filler, lyne_description_fields, "mnist", tree->mark, tree, &mnist));

    static const struct {
        lyne_split split;
        int64_t n, count[10];
    } table[] = {{LYNE_TRAIN, 60000, {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}},
                 {LYNE_TEST, 10000, {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}}};
    for (int i = 0; i < 2; i++) {
        lyne_dataset d;
        lyne_error err = {0};
        cr_assert_eq(lyne_dataset_open(&d, &lyne_dataset_idx, mnist.format.config, table[i].split, &real, &err),
                     LYNE_OK, "%s", err.text);
        cr_expect(d.n == table[i].n && d.channels == 1 && d.height == 28 && d.width == 28 && d.n_classes == 10);
        int64_t count[10] = {0};
        for (int64_t k = 0; k < d.n; k++) count[d.labels[k]]++;
        cr_expect_arr_eq(count, table[i].count, sizeof count);
        lyne_dataset_close(&d);
    }
    lyne_registry_free(registry);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&described);
}
