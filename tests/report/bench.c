/* tests/report/bench.c -- pages and plots of benchmark logs: those of this repository, and hostile ones. */
#include "../scratch.h"
#include "base/file.h"
#include "report/bench_log.h"
#include "report/bench_page.h"
#include <string.h>
#include <time.h>

#define RESULTS LYNE_SOURCE_DIR "/bench/results"

static void expect_file(const char *path, const lyne_text *text) {
    char *kept;
    size_t size;
    cr_assert_eq(lyne_file_read(path, 1 << 24, &kept, &size, NULL), LYNE_OK, "%s", path);
    cr_expect(size == text->length && memcmp(kept, text->data, size) == 0, "%s is not what its logs say", path);
    lyne_free(kept);
}

Test(bench, what_is_kept_is_what_the_logs_say) {
    lyne_error err = {0};
    json_t *logs, *log;
    size_t i;
    lyne_text page = {0};
    cr_assert_eq(lyne_bench_log_all(RESULTS, &logs, &err), LYNE_OK, "%s", err.text);
    lyne_bench_page(logs, "results", &page);
    expect_file(LYNE_SOURCE_DIR "/bench/RESULTS.md", &page);
    lyne_text_free(&page);
    json_array_foreach(logs, i, log) {
        char path[512];
        snprintf(path, sizeof path, RESULTS "/%s.svg", json_string_value(json_object_get(log, "recipe")));
        lyne_text plot = {0};
        lyne_bench_plot(log, &plot);
        expect_file(path, &plot);
        lyne_text_free(&plot);
    }
    json_decref(logs);
}

/* ---- made here ---- */

#define EVIL "\\u001b[2J<b>&|`[x](y)\\n# z"

static void add_head(lyne_text *t, const char *words) {
    lyne_text_add(t,
                  "{\"lyne_bench\":1,\"recipe\":\"log\",\"suite\":\"s\",\"suite_title\":\"%s\",\"path\":\"%s\","
                  "\"date\":\"%s\",\"processor\":\"%s\",\"data\":\"%s\",\"environment\":\"%s\",\"version\":\"%s\","
                  "\"order\":0,\"minutes\":1e99,\"settings\":[\"%s\",3],\"notes\":[\"%s\",null],"
                  "\"paper\":{\"title\":\"%s\",\"arxiv\":\"%s\",\"section\":\"%s\"}}\n",
                  words, words, words, words, words, words, words, words, words, words, words, words);
}

/* The log that a text is, and whether it is one. */
static lyne_status load(lyne_text *text, json_t **log, lyne_error *err) {
    char folder[64], path[128];
    cr_assert_not(text->failed);
    scratch_folder(folder, sizeof folder, "bench");
    snprintf(path, sizeof path, "%s/log.jsonl", folder);
    cr_assert_eq(lyne_file_commit(path, text->data, text->length, NULL), LYNE_OK);
    const lyne_status status = lyne_bench_log_load(folder, "log", log, err);
    lyne_directory_remove(folder, NULL);
    lyne_text_free(text);
    return status;
}

static json_t *loaded(lyne_text *text) {
    json_t *log;
    lyne_error err = {0};
    cr_assert_eq(load(text, &log, &err), LYNE_OK, "%s", err.text);
    return log;
}

/* Seconds of this process for the page, a row and the plot of a log; their texts. */
static double draw(const json_t *log, lyne_text *page, lyne_text *plot) {
    json_t *logs = json_pack("[O]", log);
    const clock_t begin = clock();
    lyne_bench_page(logs, "results", page);
    lyne_bench_row("r.yaml", "d", log, page);
    lyne_bench_plot(log, plot);
    cr_assert(!page->failed && !plot->failed);
    json_decref(logs);
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

Test(bench, words_of_a_log_are_words) {
    lyne_text text = {0}, page = {0}, plot = {0};
    add_head(&text, EVIL);
    lyne_text_add(&text, "{\"stage\":\"a\",\"metrics\":{\"test_errors\":1},\"seed\":1}\n");
    json_t *log = loaded(&text);
    draw(log, &page, &plot);
    cr_expect_null(strchr(page.data, '\x1b'));
    cr_expect_null(strstr(page.data, "\n# z"), "a heading");
    cr_expect(strstr(page.data, "Recipe ` [2J<b>&|'[x](y) # z`"), "%s", page.data);
    cr_expect(strstr(page.data, "; Lyne  \\[2J&lt;b&gt;&amp;\\|\\`\\[x\\](y) # z; "), "%s", page.data);
    cr_expect_null(strchr(plot.data, '\x1b'));
    lyne_text_free(&page);
    lyne_text_free(&plot);
    json_decref(log);
}

/* Axes, ticks and intervals of numbers such as no run has: drawn, and soon. */
Test(bench, any_number_can_be_drawn) {
    static const char *const rows[] = {"0,0",    "-1,1e99",     "1,1e99",     "1e99,1e99",  "-1e99,1e99",
                                       "5,5",    "0.5,1e18",    "1e-300,1",   "1e18,1e18",  "-1e-300,-1e-300",
                                       "20,401", "1e99,1.1e99", "3,\"text\"", "1e-99,1e-98"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < 2; k++) {
            char of[2][16];
            lyne_text text = {0}, page = {0}, plot = {0};
            sscanf(rows[i], "%15[^,],%15s", of[0], of[1]);
            const char *key = k ? "agreement" : "test_errors";
            add_head(&text, "x");
            for (int seed = 0; seed < 2; seed++)
                lyne_text_add(&text, "{\"stage\":\"a\",\"metrics\":{\"%s\":%s},\"seed\":%d}\n", key, of[seed], seed);
            lyne_text_add(&text, "{\"stage\":\"a\",\"metric\":\"%s\",\"published\":%s,\"within\":%s,\"mean\":%s}\n",
                          key, of[1], of[0], of[0]);
            json_t *log = loaded(&text);
            cr_expect_lt(draw(log, &page, &plot), 1, "%s", rows[i]);
            cr_expect_null(strstr(plot.data, "nan"), "%s: %s", rows[i], plot.data);
            cr_expect_null(strstr(plot.data, "inf"), "%s: %s", rows[i], plot.data);
            lyne_text_free(&page);
            lyne_text_free(&plot);
            json_decref(log);
        }
    }
}

/* A second for a megabyte; and a line is not all that counts towards the memory that a log may take. */
Test(bench, many_stages) {
    lyne_text text = {0}, page = {0}, plot = {0};
    lyne_error err = {0};
    json_t *log;
    add_head(&text, "x");
    for (int i = 0; i < 10000; i++) lyne_text_add(&text, "{\"stage\":\"s%d\",\"metrics\":{\"test_errors\":1}}\n", i);
    for (int i = 0; i < 6000; i++)
        lyne_text_add(&text, "{\"stage\":\"s%d\",\"metric\":\"test_errors\",\"published\":1}\n", i);
    log = loaded(&text);
    const double seconds = draw(log, &page, &plot);
#ifndef __SANITIZE_ADDRESS__
    cr_expect_lt(seconds, 1, "%g s", seconds);
#else
    (void)seconds;
#endif
    cr_expect(strstr(page.data, "| s9999 | 1 | 1 |"));
    lyne_text_free(&page);
    lyne_text_free(&plot);
    json_decref(log);
    add_head(&text, "x");
    for (int i = 0; i < 4000; i++)
        lyne_text_add(&text,
                      "{\"stage\":\"s\",\"metrics\":{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}}\n");
    cr_assert_eq(load(&text, &log, &err), LYNE_OK, "%s", err.text);
    json_decref(log);
    add_head(&text, "x");
    for (int i = 0; i < 9000; i++)
        lyne_text_add(&text,
                      "{\"stage\":\"s\",\"metrics\":{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}}\n");
    cr_assert_eq(load(&text, &log, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "holds more values than its "), "%s", err.text);
}
