/* tests/data/pictures.c -- small tars and folders, each with one thing wrong, and CIFAR-10 (JPEG) where it is at hand.
 */
#include "../formats/encode.h"
#include "../formats/tar.h"
#include "../scratch.h"
#include "base/file.h"
#include "rows.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { H = 8, W = 12, ROOM = 1 << 13 };
static char root[64];
static lyne_data_paths paths;
static const char *directory[1];
static uint8_t rgb[4 * H * W], jpeg[ROOM], png[ROOM], wide[ROOM], tar[1 << 16];
static size_t n_jpeg, n_png, n_wide;

static void make_root(void) {
    scratch_folder(root, sizeof root, "pictures");
    directory[0] = root;
    paths = (lyne_data_paths){.dataset = "tiny", .directory = directory, .n = 1};
    slope(H, W, 30, rgb);
    n_jpeg = encode_jpeg(rgb, H, W, jpeg, ROOM);
    n_png = encode_png(rgb, H, W, PNG_FORMAT_RGB, png, ROOM);
    n_wide = encode_png(rgb, H - 1, W + 1, PNG_FORMAT_RGB, wide, ROOM);
}
static void remove_root(void) {
    lyne_directory_remove(root, NULL);
}
TestSuite(pictures, .init = make_root, .fini = remove_root);

static void put(const char *name, const void *data, size_t n) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", root, name);
    cr_assert_eq(lyne_file_commit(path, data, n, NULL), LYNE_OK);
}

#define TINY "{pictures: {train: t, test: u, height: 8, width: 12, folders: [Zebra, ape, bee]%s}}"

static lyne_status opened(lyne_dataset *d, const char *more, lyne_error *err) {
    char yaml[512];
    snprintf(yaml, sizeof yaml, TINY, more);
    filled f = filled_with(&lyne_dataset_pictures.component, yaml);
    *err = (lyne_error){0};
    lyne_status status = lyne_dataset_open(d, &lyne_dataset_pictures, f.instance.config, LYNE_TRAIN, &paths, err);
    unfill(&f);
    if (status != LYNE_OK) cr_expect(!d->pictures && !d->owned[0] && !d->owned[1], "nothing is left behind");
    return status;
}

Test(pictures, tar_and_folder) {
    const tar_entry entries[] = {{"bee/1.PNG", '0', png, n_png, NULL},
                                 {"Zebra/", '5', NULL, 0, NULL},
                                 {"Zebra/2.jpeg", '0', jpeg, n_jpeg, NULL},
                                 {"bee/0.png", '0', png, n_png, NULL}};
    lyne_dataset d;
    lyne_error err;
    put("t", tar, tar_of(tar, entries, 4));
    cr_assert_eq(opened(&d, ", n_train: 3", &err), LYNE_OK, "%s", err.text);
    cr_expect(d.n == 3 && d.channels == 3 && d.height == H && d.width == W && d.n_classes == 3);
    cr_expect(d.labels[0] == 2 && d.labels[1] == 0 && d.labels[2] == 2, "ape has number 1, here or not");
    cr_expect_arr_eq(d.pictures, rgb, 3 * H * W);
    for (int i = 0; i < 3 * H * W; i++) cr_assert(abs(d.pictures[3 * H * W + i] - rgb[i]) < 8);
    cr_expect_arr_eq(d.pictures + 6 * H * W, rgb, 3 * H * W);
    lyne_dataset_close(&d);
    cr_assert_eq(opened(&d, ", channels: 1", &err), LYNE_OK, "%s", err.text);
    cr_expect(d.n == 3 && d.channels == 1);
    lyne_dataset_close(&d);

    char path[160];
    snprintf(path, sizeof path, "%s/t", root);
    cr_assert_eq(lyne_file_remove(path, NULL), LYNE_OK);
    static const char *const folders[] = {"t/bee", "t/Zebra"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        cr_assert_eq(lyne_directory_make(path, NULL), LYNE_OK);
    }
    put("t/bee/1.png", png, n_png);
    put("t/Zebra/2.jpg", jpeg, n_jpeg);
    cr_assert_eq(opened(&d, "", &err), LYNE_OK, "%s", err.text);
    cr_expect(d.n == 2 && d.labels[0] == 0 && d.labels[1] == 2);
    cr_expect_arr_eq(d.pictures + 3 * H * W, rgb, 3 * H * W);
    lyne_dataset_close(&d);
}

Test(pictures, refused) {
    const struct {
        tar_entry entry;
        const char *more, *message;
    } table[] = {
        {{"cat/1.png", '0', png, n_png, NULL}, "", "/t: cat/1.png: there is no class \"cat\" among the 3 described"},
        {{"zebra/1.png", '0', png, n_png, NULL}, "", "there is no class \"zebra\""},
        {{"ape/1.gif", '0', png, n_png, NULL}, "", "/t: ape/1.gif: its name ends neither in"},
        {{"ape/.png", '0', png, n_png, NULL}, "", "its name ends neither in"},
        {{"ape/png", '0', png, n_png, NULL}, "", "its name ends neither in"},
        {{"../ape/1.png", '0', png, n_png, NULL}, "", "leads out of its folder"},
        {{"ape/1.png", '2', NULL, 0, "bee/1.png"}, "", "is a link"},
        {{"ape/1.png", '0', wide, n_wide, NULL}, "", "/t: ape/1.png: is 7 x 13 pixels (height x width) where 8 x 12"},
        {{"ape/1.jpg", '0', jpeg, n_jpeg - 20, NULL}, "", "/t: ape/1.jpg: is damaged or cut short"},
        {{"ape/1.png", '0', png, n_png - 20, NULL}, "", "/t: ape/1.png: is damaged or cut short"},
        {{"ape/1.jpg", '0', "GIF89a", 6, NULL}, "", "/t: ape/1.jpg: begins neither as a JPEG nor as a PNG"},
        {{"ape/1.png", '0', png, n_png, NULL}, ", n_train: 3", "/t: holds 2 pictures where 3 are described"},
        {{"ape/1.png", '0', png, n_png, NULL}, ", max_bytes: 300", "more than 1 files or 300 bytes"},
        {{"ape/1.png", '0', png, n_png, NULL}, ", max_bytes: 100", "more than 0 files or 100 bytes"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const tar_entry entries[] = {{"bee/1.png", '0', png, n_png, NULL}, table[i].entry};
        lyne_dataset d;
        lyne_error err;
        put("t", tar, tar_of(tar, entries, 2));
        cr_expect_eq(opened(&d, table[i].more, &err), LYNE_EDATA, "case %zu", i);
        cr_expect(strstr(err.text, table[i].message), "case %zu: %s", i, err.text);
    }
    lyne_dataset d;
    lyne_error err;
    const tar_entry folder = {"bee/", '5', NULL, 0, NULL};
    put("t", tar, tar_of(tar, &folder, 1));
    cr_expect_eq(opened(&d, "", &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "/t: holds no picture"), "%s", err.text);
}

/* Of several bad pictures the first is named, with one thread and with many. */
Test(pictures, first_bad_one) {
    static tar_entry entries[100];
    static char name[100][16];
    for (int i = 0; i < 100; i++) {
        snprintf(name[i], sizeof name[i], "ape/%03d.png", i);
        entries[i] = (tar_entry){name[i], '0', png, i == 37 || i == 99 ? n_png - 20 : n_png, NULL};
    }
    uint8_t *big = malloc(1 << 20);
    put("t", big, tar_of(big, entries, 100));
    free(big);
    for (int threads = 1; threads <= 4; threads++) {
        lyne_dataset d;
        lyne_error err;
        omp_set_num_threads(threads);
        cr_expect_eq(opened(&d, "", &err), LYNE_EDATA);
        cr_expect(strstr(err.text, "ape/037.png"), "%s", err.text);
    }
}

Test(pictures, fields) {
    static const char *const refused[] = {
        "{pictures: {train: t, test: u, height: 8, width: 12, folders: []}}",
        "{pictures: {train: t, test: u, height: 8, width: 12, folders: [b, a]}}",
        "{pictures: {train: t, test: u, height: 8, width: 12, folders: [a, B]}}",
        "{pictures: {train: t, test: u, height: 8, width: 12, folders: [a, a]}}",
        "{pictures: {train: t, test: u, height: 8, width: 12, folders: [a], channels: 2}}",
        "{pictures: {train: t, test: u, height: 0, width: 12, folders: [a]}}",
        "{pictures: {train: t, test: u, folders: [a]}}",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        filled f = fill(&lyne_dataset_pictures.component, refused[i]);
        cr_expect_null(f.instance.row, "%s", refused[i]);
        unfill(&f);
    }
}

Test(pictures, no_memory) {
    const tar_entry entry = {"bee/1.png", '0', png, n_png, NULL};
    put("t", tar, tar_of(tar, &entry, 1));
    char yaml[512];
    snprintf(yaml, sizeof yaml, TINY, "");
    filled f = filled_with(&lyne_dataset_pictures.component, yaml);
    uint64_t n = 0;
    for (lyne_status status = LYNE_ENOSPACE; status != LYNE_OK;) {
        lyne_dataset d;
        lyne_error err = {0};
        lyne_memory_fail_at(++n);
        status = lyne_dataset_open(&d, &lyne_dataset_pictures, f.instance.config, LYNE_TRAIN, &paths, &err);
        lyne_memory_fail_at(0);
        cr_assert(status == LYNE_OK || status == LYNE_ENOSPACE, "allocation %d: %s", (int)n, err.text);
        lyne_dataset_close(&d);
    }
    cr_expect_gt(n, 5);
    unfill(&f);
}

/* Counts, classes, a picture, and the digest that says it is all as it was. */
Test(pictures, cifar10_jpeg, .timeout = 120) {
    char neighbour[] = LYNE_SOURCE_DIR "/../shared/data";
    const char *const places[] = {getenv("LYNE_DATA") ? getenv("LYNE_DATA") : neighbour};
    lyne_data_paths real = {.dataset = "cifar10-jpeg", .directory = places, .n = 1};
    lyne_arena arena = {0};
    const char *path;
    lyne_status there = lyne_find_data(&real, "train.tar", &arena, &path, NULL);
    lyne_arena_free(&arena);
    if (there != LYNE_OK) cr_skip_test("no CIFAR-10 (JPEG) in %s/cifar10-jpeg; set LYNE_DATA", places[0]);

    lyne_diagnostics out = {0};
    lyne_yaml *tree = lyne_yaml_read(LYNE_SOURCE_DIR "/datasets/cifar10-jpeg.yaml", &arena, &out);
    cr_assert(tree);
    const lyne_component *row = &lyne_dataset_pictures.component;
    lyne_registry *registry;
    cr_assert_eq(lyne_registry_new(&row, 1, &registry, NULL), LYNE_OK);
    lyne_filler filler = {.registry = registry, .arena = &arena, .out = &out};
    lyne_description described = {0};
    cr_assert(lyne_config_fill(&filler, lyne_description_fields, "cifar10-jpeg", tree->mark, tree, &described));
    for (int split = LYNE_TRAIN; split < LYNE_N_SPLITS; split++) {
        lyne_dataset d;
        lyne_error err = {0};
        cr_assert_eq(
            lyne_dataset_open(&d, &lyne_dataset_pictures, described.format.config, (lyne_split)split, &real, &err),
            LYNE_OK, "%s", err.text);
        const int64_t n = split == LYNE_TRAIN ? 50000 : 10000;
        cr_expect(d.n == n && d.channels == 3 && d.height == 32 && d.width == 32 && d.n_classes == 10);
        int64_t count[10] = {0};
        double sum[3] = {0}, square[3] = {0};
        for (int64_t i = 0; i < d.n; i++) count[d.labels[i]]++;
        for (int i = 0; i < 10; i++) cr_expect_eq(count[i], n / 10);
        cr_expect(split == LYNE_TEST || (d.labels[0] == 2 && d.labels[1] == 6 && d.labels[2] == 8), "bird, frog, ship");
        for (int64_t i = 0; i < n * 1024; i++)
            for (int c = 0; c < 3; c++) {
                const double x = d.pictures[i * 3 + c] / 255.0;
                sum[c] += x;
                square[c] += x * x;
            }
        for (int c = 0; c < 3; c++) {
            const double pixels = (double)n * 1024, mean = sum[c] / pixels;
            const double sd = sqrt(square[c] / pixels - mean * mean);
            const double slack = split == LYNE_TRAIN ? 1e-4 : 0.01;
            cr_expect(fabs(mean - described.mean.item[c]) < slack, "channel %d: mean %g", c, mean);
            cr_expect(fabs(sd - described.sd.item[c]) < slack, "channel %d: sd %g", c, sd);
        }
        lyne_dataset_close(&d);
    }
    lyne_registry_free(registry);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
}
