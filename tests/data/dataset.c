/* tests/data/dataset.c -- looking for files, the digest, and the shipped descriptions. */
#include "../scratch.h"
#include "base/file.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

Test(dataset, find) {
    char root[48], path[256];
    scratch_folder(root, sizeof root, "find");
    static const char *const folders[] = {"a/mnist", "b/mnist"}, *const files[] = {"a/x", "b/mnist/x", "b/mnist/y.gz",
                                                                                   "a/mnist/z.gz", "a/mnist/z"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", root, folders[i]);
        cr_assert_eq(lyne_directory_make(path, NULL), LYNE_OK);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", root, files[i]);
        cr_assert_eq(lyne_file_commit(path, "", 0, NULL), LYNE_OK);
    }
    char a[64], b[64];
    snprintf(a, sizeof a, "%s/a", root);
    snprintf(b, sizeof b, "%s/b", root);
    const char *directory[] = {a, b};
    lyne_data_paths paths = {.dataset = "mnist", .directory = directory, .n = 2};
    static const struct {
        const char *file, *found, *message; /* one of the two */
    } table[] = {
        {"x", "a/x", NULL}, /* an earlier folder before a better place in a later one */
        {"y", "b/mnist/y.gz", NULL},
        {"z", "a/mnist/z", NULL}, /* unpacked before packed */
        {"y.gz", "b/mnist/y.gz", NULL},
        {"w", NULL, "/a/mnist, "},
        {"w", NULL, "/b: name the folder that holds it with --data DIR"},
        {"/etc/passwd", NULL, "relative"},
        {"../b/mnist/x", NULL, "without \"..\""},
        {"sub/../x", NULL, "without \"..\""},
        {"..", NULL, "without \"..\""},
        {"", NULL, "relative"},
    };
    lyne_arena arena = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_error err = {0};
        const char *found = NULL;
        lyne_status status = lyne_find_data(&paths, table[i].file, &arena, &found, &err);
        if (table[i].found) {
            snprintf(path, sizeof path, "%s/%s", root, table[i].found);
            cr_expect_eq(status, LYNE_OK, "%s: %s", table[i].file, err.text);
            cr_expect_str_eq(found, path);
        } else {
            cr_expect_eq(status, LYNE_EDATA);
            cr_expect(strstr(err.text, table[i].message), "%s: %s", table[i].file, err.text);
        }
    }
    lyne_error err = {0};
    const char *found;
    cr_expect_eq(lyne_find_data(&(lyne_data_paths){.dataset = "mnist"}, "x", &arena, &found, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "no folder to look in"), "%s", err.text);
    lyne_arena_free(&arena);
    lyne_directory_remove(root, NULL);
}

Test(dataset, digest_notices_everything_but_names) {
    uint8_t pictures[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, labels[2] = {0, 1};
    lyne_dataset d = {.name = "a",
                      .n = 2,
                      .channels = 1,
                      .height = 2,
                      .width = 3,
                      .n_classes = 2,
                      .pictures = pictures,
                      .labels = labels};
    lyne_digest first = lyne_dataset_digest(&d), again;
    d.name = "b";
    d.split = LYNE_TEST;
    again = lyne_dataset_digest(&d);
    cr_expect(lyne_digest_equal(first, again));
    d.height = 3, d.width = 2;
    again = lyne_dataset_digest(&d);
    cr_expect_not(lyne_digest_equal(first, again), "shape");
    d.height = 2, d.width = 3, d.n_classes = 3;
    again = lyne_dataset_digest(&d);
    cr_expect_not(lyne_digest_equal(first, again), "classes");
    d.n_classes = 2, labels[1] = 0;
    again = lyne_dataset_digest(&d);
    cr_expect_not(lyne_digest_equal(first, again), "labels");
    labels[1] = 1, pictures[11]++;
    again = lyne_dataset_digest(&d);
    cr_expect_not(lyne_digest_equal(first, again), "pictures");
}

Test(dataset, close_takes_nothing) {
    lyne_dataset zeroed = {0};
    lyne_dataset_close(NULL);
    lyne_dataset_close(&zeroed);
}

/* datasets/ *.yaml are accepted, and say what the code says. */
Test(dataset, shipped_descriptions) {
    const lyne_component *rows[] = {&lyne_dataset_idx.component, &lyne_dataset_strokes.component,
                                    &lyne_dataset_cifar.component, &lyne_dataset_pictures.component};
    lyne_registry *registry;
    cr_assert_eq(lyne_registry_new(rows, 4, &registry, NULL), LYNE_OK);
    static const struct {
        const char *name, *format;
        size_t channels;
    } table[] = {
        {"mnist", "idx", 1}, {"strokes", "strokes", 1}, {"cifar10", "cifar", 3}, {"cifar10-jpeg", "pictures", 3}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char path[512];
        snprintf(path, sizeof path, LYNE_SOURCE_DIR "/datasets/%s.yaml", table[i].name);
        lyne_arena arena = {0};
        lyne_diagnostics out = {0};
        lyne_filler filler = {.registry = registry, .arena = &arena, .out = &out};
        lyne_description d = {0};
        lyne_error err = {0};
        lyne_yaml *tree = lyne_yaml_read(path, &arena, &out);
        bool fine = tree && lyne_config_fill(&filler, lyne_description_fields, table[i].name, tree->mark, tree, &d);
        lyne_diagnostics_error(&out, &err);
        cr_assert(fine, "%s", err.text);
        cr_expect_str_eq(d.name, table[i].name);
        cr_expect_str_eq(d.format.row->name, table[i].format);
        cr_expect_eq(d.classes.n, 10);
        cr_expect_eq(d.mean.n, table[i].channels);
        cr_expect_eq(d.sd.n, table[i].channels);
        lyne_diagnostics_free(&out);
        lyne_arena_free(&arena);
    }
    lyne_registry_free(registry);
}
