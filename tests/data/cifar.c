/* tests/data/cifar.c -- two records of each kind, and files with one thing wrong each. */
#include "../scratch.h"
#include "base/file.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORD = 3073 };
static char root[64];
static lyne_data_paths paths;
static const char *directory[1];
static uint8_t bytes[4 * RECORD];

static void make_root(void) {
    scratch_folder(root, sizeof root, "cifar");
    directory[0] = root;
    paths = (lyne_data_paths){.dataset = "tiny", .directory = directory, .n = 1};
}
static void remove_root(void) {
    lyne_directory_remove(root, NULL);
}
TestSuite(cifar, .init = make_root, .fini = remove_root);

static void put(const char *name, const void *data, size_t n) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    cr_assert_eq(lyne_file_commit(path, data, n, NULL), LYNE_OK);
}

/* Byte i of plane c of picture k. */
static uint8_t pixel(int k, int c, int i) {
    return (uint8_t)(k * 50 + c * 80 + i % 31);
}

/* One record; returns its size. */
static size_t record(uint8_t *at, int k, int coarse, int label) {
    uint8_t *p = at;
    if (coarse >= 0) *p++ = (uint8_t)coarse;
    *p++ = (uint8_t)label;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 1024; i++) *p++ = pixel(k, c, i);
    return (size_t)(p - at);
}

static lyne_status opened(lyne_dataset *d, const char *yaml, lyne_error *err) {
    filled f = filled_with(&lyne_dataset_cifar.component, yaml);
    *err = (lyne_error){0};
    lyne_status status = lyne_dataset_open(d, &lyne_dataset_cifar, f.instance.config, LYNE_TRAIN, &paths, err);
    unfill(&f);
    if (status != LYNE_OK) cr_expect(!d->pictures && !d->owned[0] && !d->owned[1], "nothing is left behind");
    return status;
}

#define TEN     "{cifar: {train: [a, b], test: [c]}}"
#define HUNDRED "{cifar: {train: [a], test: [c], n_classes: 100}}"

Test(cifar, both_kinds) {
    lyne_dataset d;
    lyne_error err;
    put("a", bytes, record(bytes, 0, -1, 9));
    size_t n = record(bytes, 1, -1, 0);
    put("b", bytes, n + record(bytes + n, 2, -1, 3));
    cr_assert_eq(opened(&d, TEN, &err), LYNE_OK, "%s", err.text);
    cr_expect(d.n == 3 && d.channels == 3 && d.height == 32 && d.width == 32 && d.n_classes == 10);
    cr_expect(d.labels[0] == 9 && d.labels[1] == 0 && d.labels[2] == 3);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 1024; i++)
            for (int c = 0; c < 3; c++) cr_assert_eq(d.pictures[(k * 1024 + i) * 3 + c], pixel(k, c, i));
    lyne_dataset_close(&d);
    n = record(bytes, 0, 19, 99);
    put("a", bytes, n + record(bytes + n, 1, 0, 20));
    cr_assert_eq(opened(&d, HUNDRED, &err), LYNE_OK, "%s", err.text);
    cr_expect(d.n == 2 && d.n_classes == 100 && d.labels[0] == 99 && d.labels[1] == 20);
    cr_expect(d.pictures[0] == pixel(0, 0, 0) && d.pictures[1] == pixel(0, 1, 0));
    lyne_dataset_close(&d);
}

Test(cifar, malformed) {
    static const struct {
        bool hundred;
        int coarse, label;
        size_t cut, more;
        const char *message;
    } table[] = {
        {false, -1, 10, 0, 0, "/a: record 0 has the label 10, which is none of 10"},
        {false, -1, 255, 0, 0, "label 255"},
        {false, -1, 1, 1, 0, "/a: 3072 bytes are not a whole number of records of 3073 bytes"},
        {false, -1, 1, 0, 1, "3074 bytes are not"},
        {false, -1, 1, 3073, 0, "/a: 0 bytes"},
        {false, 3, 1, 0, 0, "3074 bytes are not"}, /* the other kind */
        {true, -1, 1, 0, 0, "/a: 3073 bytes are not a whole number of records of 3074 bytes"},
        {true, 19, 100, 0, 0, "label 100, which is none of 100"},
        {true, 20, 99, 0, 0, "label 20, which is none of 20 coarse ones"},
    };
    put("b", bytes, record(bytes, 1, -1, 0));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_dataset d;
        lyne_error err;
        const size_t n = record(bytes, 0, table[i].coarse, table[i].label);
        put("a", bytes, n - table[i].cut + table[i].more);
        cr_expect_eq(opened(&d, table[i].hundred ? HUNDRED : TEN, &err), LYNE_EDATA, "case %zu", i);
        cr_expect(strstr(err.text, table[i].message), "case %zu: %s", i, err.text);
    }
    lyne_dataset d;
    lyne_error err;
    cr_expect_eq(opened(&d, "{cifar: {train: [nothing], test: [c]}}", &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "nothing: neither it nor nothing.gz"), "%s", err.text);
}

Test(cifar, fields) {
    static const char *const refused[] = {"{cifar: {train: [a], test: [b], n_classes: 20}}",
                                          "{cifar: {train: [], test: [b]}}", "{cifar: {train: [a], test: []}}",
                                          "{cifar: {train: [a]}}", "{cifar: {train: [a], test: [b], n_classes: 1}}"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        filled f = fill(&lyne_dataset_cifar.component, refused[i]);
        cr_expect_null(f.instance.row, "%s", refused[i]);
        unfill(&f);
    }
}

Test(cifar, no_memory) {
    put("a", bytes, record(bytes, 0, -1, 9));
    put("b", bytes, record(bytes, 0, -1, 9));
    filled f = filled_with(&lyne_dataset_cifar.component, TEN);
    uint64_t n = 0;
    for (lyne_status status = LYNE_ENOSPACE; status != LYNE_OK;) {
        lyne_dataset d;
        lyne_error err = {0};
        lyne_memory_fail_at(++n);
        status = lyne_dataset_open(&d, &lyne_dataset_cifar, f.instance.config, LYNE_TRAIN, &paths, &err);
        lyne_memory_fail_at(0);
        cr_assert(status == LYNE_OK || status == LYNE_ENOSPACE, "allocation %d: %s", (int)n, err.text);
        lyne_dataset_close(&d);
    }
    cr_expect_gt(n, 4);
    unfill(&f);
}
