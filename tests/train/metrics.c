/* tests/train/metrics.c -- lines of metrics.jsonl, and what a resumed run keeps of them. */
#include "train/metrics.h"
#include "../scratch.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char directory[64], path[96];

static void enter(void) {
    scratch_folder(directory, sizeof directory, "train");
    snprintf(path, sizeof path, "%s/metrics.jsonl", directory);
}
static void leave(void) {
    cr_assert_eq(lyne_directory_remove(directory, NULL), LYNE_OK);
}

TestSuite(metrics, .init = enter, .fini = leave);

static const lyne_epoch epoch = {.epoch = 3,
                                 .step = 1407,
                                 .learning_rate = 0.0497,
                                 .n_terms = 2,
                                 .term_name = {"kd", "cross_entropy"},
                                 .term = {0.8125, 0.125},
                                 .accuracy = 0.9713,
                                 .validation_errors = -1,
                                 .seconds = 7.5};
static const char line[] = "{\"epoch\": 3.0, \"step\": 1407, \"lr\": 0.0497, \"loss\": {\"kd\": 0.8125, "
                           "\"cross_entropy\": 0.125}, \"train_accuracy\": 0.9713, \"seconds\": 7.5}\n";

static lyne_metrics opened(uint64_t keep) {
    lyne_metrics m;
    lyne_error err = {0};
    cr_assert_eq(lyne_metrics_open(&m, directory, keep, &err), LYNE_OK, "%s", err.text);
    return m;
}

static uint64_t write_line(lyne_metrics *m) {
    uint64_t bytes;
    lyne_error err = {0};
    cr_assert_eq(lyne_metrics_write(m, &epoch, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_metrics_sync(m, &bytes, &err), LYNE_OK, "%s", err.text);
    return bytes;
}

static void expect_text(const char *due) {
    char *text;
    size_t n;
    cr_assert_eq(lyne_file_read(path, 1 << 16, &text, &n, NULL), LYNE_OK);
    cr_expect_str_eq(text, due);
    lyne_free(text);
}

Test(metrics, one_line_an_epoch) {
    lyne_metrics m = opened(0);
    cr_expect_eq(write_line(&m), sizeof line - 1);
    lyne_metrics_close(&m);
    expect_text(line);
}

Test(metrics, what_was_not_synced_is_cut) {
    char two[2 * sizeof line];
    lyne_metrics m = opened(0);
    const uint64_t synced = write_line(&m);
    write_line(&m);
    cr_assert_eq(lyne_append_write(&m.file.file, "{\"epo", 5, NULL), LYNE_OK);
    lyne_metrics_close(&m);
    m = opened(synced);
    expect_text(line);
    cr_expect_eq(write_line(&m), 2 * synced);
    lyne_metrics_close(&m);
    snprintf(two, sizeof two, "%s%s", line, line);
    expect_text(two);
    m = opened(0);
    lyne_metrics_close(&m);
    expect_text("");
}

Test(metrics, a_path_that_is_too_long) {
    char folder[4096];
    lyne_metrics m;
    lyne_error err = {0};
    memset(folder, 'x', sizeof folder - 1);
    folder[sizeof folder - 1] = '\0';
    cr_expect_eq(lyne_metrics_open(&m, folder, 0, &err), LYNE_EOTHER);
    cr_expect(strstr(err.text, "the path is too long"), "%s", err.text);
}

Test(metrics, no_such_folder) {
    lyne_metrics m;
    lyne_error err = {0};
    strcat(directory, "/nowhere");
    cr_expect_eq(lyne_metrics_open(&m, directory, 0, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, directory), "%s", err.text);
    lyne_metrics_close(&m);
    *strrchr(directory, '/') = '\0';
}
