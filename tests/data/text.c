/* tests/data/text.c -- a text in windows: tokens, labels, splits, and what the loader makes of them. */
#include "../scratch.h"
#include "base/file.h"
#include "data/loader.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

static char root[64];
static lyne_data_paths paths;
static const char *directory[1];

static void make_root(void) {
    scratch_folder(root, sizeof root, "text");
    directory[0] = root;
    paths = (lyne_data_paths){.dataset = "tiny", .directory = directory, .n = 1};
}
static void remove_root(void) {
    lyne_directory_remove(root, NULL);
}
TestSuite(text, .init = make_root, .fini = remove_root);

static lyne_status opened(lyne_dataset *d, const char *text, const char *yaml, lyne_split split, lyne_error *err) {
    char path[128];
    filled f = filled_with(&lyne_dataset_text.component, yaml);
    snprintf(path, sizeof path, "%s/a.txt", root);
    cr_assert_eq(lyne_file_commit(path, text, strlen(text), NULL), LYNE_OK);
    *err = (lyne_error){0};
    lyne_status status = lyne_dataset_open(d, &lyne_dataset_text, f.instance.config, split, &paths, err);
    unfill(&f);
    if (status != LYNE_OK) cr_expect(!d->tokens && !d->owned[0] && !d->owned[1], "nothing is left behind");
    return status;
}

/* 20 characters, of which 14 train: 4 windows of 3 and one behind them; the test split is "lmnopb": one window of 3. */
static const char twenty[] = "cabdefghijkaabclmnopb";
#define THREES "{text: {file: a.txt, length: 3, test: 0.3}}"

Test(text, windows) {
    lyne_dataset d, test;
    lyne_error err;
    cr_assert_eq(opened(&d, twenty, THREES, LYNE_TRAIN, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(d.n, 4);
    cr_expect_eq(d.n_classes, 16);
    cr_expect(d.sequence.length == 3 && d.sequence.vocabulary == 16 && d.sequence.labelled);
    for (int i = 0; i < 12; i++) {
        cr_expect_eq(d.tokens[i], twenty[i] - 'a', "token %d", i);
        cr_expect_eq(d.labels[i], twenty[i + 1] - 'a', "label %d", i);
    }
    cr_assert_eq(opened(&test, twenty, THREES, LYNE_TEST, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(test.n, 2);
    for (int i = 0; i < 6; i++) cr_expect_eq(test.tokens[i], twenty[14 + i] - 'a', "test token %d", i);
    cr_expect_eq(test.n_classes, 16, "numbers are those of the whole file");
    cr_expect_not(lyne_digest_equal(d.digest, test.digest));
    lyne_dataset_close(&test);
    lyne_dataset_close(&d);
}

Test(text, length_is_part_of_the_digest) {
    lyne_dataset d, other;
    lyne_error err;
    cr_assert_eq(opened(&d, twenty, "{text: {file: a.txt, length: 3, test: 0.3}}", LYNE_TRAIN, &err), LYNE_OK);
    cr_assert_eq(opened(&other, twenty, "{text: {file: a.txt, length: 4, test: 0.3}}", LYNE_TRAIN, &err), LYNE_OK);
    cr_expect_eq(other.n, 3, "12 characters in both");
    cr_expect_not(lyne_digest_equal(d.digest, other.digest));
    lyne_dataset_close(&other);
    lyne_dataset_close(&d);
}

Test(text, too_short) {
    lyne_dataset d;
    lyne_error err;
    cr_expect_eq(opened(&d, "abc", "{text: {file: a.txt, length: 3, test: 0.3}}", LYNE_TRAIN, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "a.txt: the train split has 2 characters, and a window takes 3"), "%s", err.text);
    cr_expect_eq(opened(&d, "", "{text: {file: a.txt}}", LYNE_TEST, &err), LYNE_EDATA);
    cr_expect_eq(opened(&d, twenty, "{text: {file: b.txt}}", LYNE_TEST, &err), LYNE_EDATA);
}

/* A sample is a window, its rows are its places, and a row's id says both. */
Test(text, loader) {
    enum { BATCH = 3, L = 3 };
    lyne_dataset d;
    lyne_loader l;
    lyne_error err;
    uint64_t id[BATCH * L];
    uint32_t view[BATCH * L];
    int32_t token[BATCH * L], label[BATCH * L];
    const lyne_batch b = {.n = BATCH, .sample = id, .view = view, .picture = token, .label = label};
    cr_assert_eq(opened(&d, twenty, THREES, LYNE_TRAIN, &err), LYNE_OK);
    cr_assert_eq(lyne_loader_init(&l, &d, 1, 2, 0, (lyne_instances){0}, &err), LYNE_OK);
    bool seen[4] = {false};
    for (uint64_t position = 0; position < 4; position += BATCH) {
        lyne_batch batch = b;
        lyne_loader_training(&l, position, &batch);
        for (int i = 0; i < BATCH * L; i++) {
            const uint64_t sample = id[i] / L;
            cr_assert(sample < 4 && id[i] % L == (uint64_t)i % L && sample == id[i / L * L] / L);
            cr_expect_eq(token[i], twenty[id[i]] - 'a');
            cr_expect_eq(label[i], twenty[id[i] + 1] - 'a');
            seen[sample] = true;
        }
    }
    for (int i = 0; i < 4; i++) cr_expect(seen[i]);
    lyne_batch batch = b;
    lyne_loader_records(&l, 1, &batch);
    for (int i = 0; i < BATCH * L; i++) cr_expect(id[i] == (uint64_t)(L + i) && token[i] == twenty[L + i] - 'a');
    lyne_loader_deinit(&l);

    filled shift = filled_with(&lyne_augmentation_shift.component, "{shift: {pixels: 1}}");
    cr_expect_eq(lyne_loader_init(&l, &d, 1, 2, 0, (lyne_instances){1, &shift.instance}, &err), LYNE_ERECIPE);
    cr_expect(strstr(err.text, "augment: shift is for pictures, and 'tiny' has none"), "%s", err.text);
    unfill(&shift);
    lyne_dataset_close(&d);
}
