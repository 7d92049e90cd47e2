/* tests/fuzz/recipes.c -- what a person writes: recipes, descriptions of data sets, assignments; and what Lyne notes of a
 * finished job. */
#include "base/file.h"
#include "component/config.h"
#include "fuzz.h"
#include "recipe/builtin.h"
#include "recipe/recipe.h"
#include "recipe/result_file.h"
#include "recipe/suite.h"
#include "report/bench_log.h"
#include "report/bench_page.h"
#include "report/runs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const lyne_registry *rows(void) {
    static lyne_registry *registry;
    lyne_error err = {0};
    if (!registry && lyne_registry_new(lyne_builtin_rows, lyne_n_builtin_rows, &registry, &err) != LYNE_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    return registry;
}

static void print(const lyne_diagnostics *d) {
    static FILE *nowhere;
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    if (nowhere) lyne_diagnostics_print(d, nowhere, true);
}

static void run_yaml(const uint8_t *data, size_t size) {
    lyne_arena arena = {0};
    lyne_diagnostics out = {0};
    fuzz_bytes rest = {data, size};
    const fuzz_bytes set = fuzz_take(&rest);
    lyne_yaml *tree = lyne_yaml_parse("f", (const char *)rest.data, rest.size, &arena, &out);
    const char *assignment = lyne_arena_strndup(&arena, (const char *)set.data, set.size);
    if (tree && assignment) lyne_yaml_set(tree, assignment, &arena, &out);
    print(&out);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
}

static void seed_yaml(void) {
    static const char text[] = "\3\0a=1a: &x {b: [1, 'two', \"th\\u0072ee\"]}\nc: *x\nd: |\n  text\n";
    fuzz_seed("small", text, sizeof text - 1);
}

/* A data set with the name that seeds use stands beside. */
static void run_recipe(const uint8_t *data, size_t size) {
    static bool prepared;
    if (!prepared) {
        char *text;
        size_t n;
        if (lyne_directory_make(fuzz_path("datasets"), NULL) != LYNE_OK ||
            lyne_file_read(LYNE_SOURCE_DIR "/datasets/strokes.yaml", 1 << 20, &text, &n, NULL) != LYNE_OK)
            exit(2);
        fuzz_put("datasets/strokes.yaml", text, n);
        lyne_free(text);
        prepared = true;
    }
    fuzz_bytes rest = {data, size};
    const fuzz_bytes base = fuzz_take(&rest);
    fuzz_put("base.yaml", base.data, base.size);
    fuzz_put("recipe.yaml", rest.data, rest.size);
    lyne_recipe recipe;
    lyne_diagnostics out = {0};
    lyne_text text = {0};
    if (lyne_recipe_read(&recipe, fuzz_path("recipe.yaml"), NULL, 0, rows(), &out) == LYNE_OK)
        lyne_recipe_print(&recipe, &text);
    lyne_text_free(&text);
    print(&out);
    lyne_recipe_free(&recipe);
    lyne_diagnostics_free(&out);
}

static void seed_recipe(void) {
    static const char *const names[] = {"quickstart.yaml", "student.yaml"};
    for (int i = 0; i < 2; i++) {
        char path[512], *text, *with;
        size_t n;
        snprintf(path, sizeof path, LYNE_SOURCE_DIR "/recipes/%s", names[i]);
        if (lyne_file_read(path, 1 << 20, &text, &n, NULL) != LYNE_OK) exit(2);
        with = calloc(1, n + 2);
        if (with) memcpy(with + 2, text, n), fuzz_seed(names[i], with, n + 2);
        free(with);
        lyne_free(text);
    }
}

static void run_description(const uint8_t *data, size_t size) {
    lyne_arena arena = {0};
    lyne_diagnostics out = {0};
    lyne_description description = {0};
    fuzz_put("f.yaml", data, size);
    lyne_yaml *tree = lyne_yaml_read(fuzz_path("f.yaml"), &arena, &out);
    const lyne_filler f = {.registry = rows(), .arena = &arena, .out = &out};
    if (tree) lyne_config_fill(&f, lyne_description_fields, "data set", tree->mark, tree, &description);
    print(&out);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
}

static void run_result(const uint8_t *data, size_t size) {
    lyne_result r = {0};
    lyne_digest made;
    bool stands;
    fuzz_put("result.json", data, size);
    lyne_arena arena = {0};
    lyne_inputs inputs = {.arena = &arena};
    lyne_inputs_number(&inputs, "seed", 1);
    lyne_result_file_load(fuzz_folder, lyne_inputs_fingerprint(&inputs), &stands, &r, &made, NULL);
    lyne_result_file_why(fuzz_folder, &inputs);
    lyne_arena_free(&arena);
}

static void seed_result(void) {
    const lyne_result r = {.test_samples = 5, .test_errors = 1, .test_accuracy = 0.8, .seconds = 1};
    lyne_digest made;
    lyne_arena arena = {0};
    lyne_inputs inputs = {.arena = &arena};
    lyne_inputs_number(&inputs, "seed", 1);
    lyne_result_file_save(fuzz_folder, &inputs, &r, &made, NULL);
    lyne_arena_free(&arena);
}

/* A suite that names the recipe beside it. */
static void run_suite(const uint8_t *data, size_t size) {
    lyne_suite suite;
    lyne_diagnostics out = {0};
    fuzz_put("recipe.yaml", "lyne: 1\nname: r\n", 16);
    fuzz_put("suite.yaml", data, size);
    lyne_suite_read(&suite, fuzz_path("suite.yaml"), NULL, 0, rows(), &out);
    print(&out);
    lyne_suite_free(&suite);
    lyne_diagnostics_free(&out);
}

static void seed_suite(void) {
    static const char text[] =
        "lyne_bench: 1\nname: s\ntitle: t\nruns:\n  - {recipe: recipe.yaml, set: [a=1], notes: [n]}\n";
    fuzz_seed("suite", text, sizeof text - 1);
}

/* Two runs with the same results. */
static void run_runs(const uint8_t *data, size_t size) {
    static FILE *nowhere;
    lyne_text text = {0};
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    if (!nowhere || lyne_directory_make(fuzz_path("runs/a/student/seed-1"), NULL) != LYNE_OK) exit(2);
    fuzz_bytes rest = {data, size};
    const fuzz_bytes metrics = fuzz_take(&rest);
    fuzz_put("runs/a/results.json", rest.data, rest.size);
    fuzz_put("runs/a/student/seed-1/result.json", rest.data, rest.size);
    fuzz_put("runs/a/student/seed-1/metrics.jsonl", metrics.data, metrics.size);
    lyne_runs_print(fuzz_path("runs"), nowhere, NULL);
    lyne_compare_print(fuzz_path("runs/a"), fuzz_path("runs/a"), nowhere, NULL);
    lyne_compare_svg(fuzz_path("runs/a"), fuzz_path("runs/a"), &text, NULL);
    lyne_text_free(&text);
}

/* What lyne bench keeps of a run. */
static void run_log(const uint8_t *data, size_t size) {
    json_t *log, *again;
    lyne_text says = {0};
    fuzz_put("log.jsonl", data, size);
    if (lyne_bench_log_load(fuzz_folder, "log", &log, NULL) == LYNE_OK &&
        lyne_bench_log_load(fuzz_folder, "log", &again, NULL) == LYNE_OK) {
        lyne_bench_log_compare(log, again, &says);
        lyne_bench_plot(log, &says);
        json_decref(again);
    }
    lyne_text_free(&says);
    json_decref(log);
}
static void seed_log(void) {
    static const char text[] =
        "{\"data\":\"d\",\"date\":\"2026-11-22\",\"environment\":\"e\",\"lyne_bench\":1,\"minutes\":1.5,\"notes\":["
        "\"n\"],"
        "\"order\":0,\"path\":\"log.yaml\",\"processor\":\"p\",\"recipe\":\"log\",\"reduced\":false,\"settings\":[],"
        "\"suite\":\"s\",\"suite_title\":\"t\",\"version\":\"0.1.0\"}\n"
        "{\"fingerprint\":\"a\",\"kind\":\"train\",\"made\":\"b\",\"metrics\":{\"test_errors\":30,\"test_samples\":"
        "2000},"
        "\"seconds\":4.5,\"seed\":1,\"stage\":\"teacher\"}\n";
    fuzz_seed("log", text, sizeof text - 1);
}

const fuzz_target fuzz_recipes[] = {
    {"yaml", "component/yaml.c", run_yaml, seed_yaml},
    {"recipe", "recipe/extends.c", run_recipe, seed_recipe},
    {"description", "recipe/data.c", run_description, NULL},
    {"suite", "recipe/suite.c", run_suite, seed_suite},
    {"runs", "report/results.c report/compare.c", run_runs, NULL},
    {"log", "report/bench_log.c", run_log, seed_log},
    {"result", "recipe/result_file.c", run_result, seed_result},
    {NULL, NULL, NULL, NULL},
};
