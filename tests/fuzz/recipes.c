/* tests/fuzz/recipes.c -- what a person writes: recipes, descriptions of data sets, assignments; and what Lyne notes of a
 * finished job. */
#include "base/file.h"
#include "component/config.h"
#include "fuzz.h"
#include "recipe/begun.h"
#include "recipe/builtin.h"
#include "recipe/environment.h"
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
    if (tree && assignment) lyne_yaml_set(tree, NULL, assignment, &arena, &out);
    print(&out);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
}

static void seed_yaml(void) {
    static const char text[] = "\3\0a=1a: &x {b: [1, 'two', \"th\\u0072ee\"]}\nc: *x\nd: |\n  text\n";
    fuzz_seed("small", text, sizeof text - 1);
}

/* FOLDER/datasets has the descriptions that are shipped. */
static const char *const described[] = {"strokes", "mnist", "cifar10", "cifar100", "tinyshakespeare"};

static char *shipped(const char *file, size_t *n) {
    char path[512], *text;
    snprintf(path, sizeof path, LYNE_SOURCE_DIR "/%s", file);
    if (lyne_file_read(path, 1 << 20, &text, n, NULL) != LYNE_OK) exit(2);
    return text;
}

static void put_datasets(void) {
    if (lyne_directory_make(fuzz_path("datasets"), NULL) != LYNE_OK) exit(2);
    for (size_t i = 0; i < sizeof described / sizeof *described; i++) {
        char path[64];
        size_t n;
        snprintf(path, sizeof path, "datasets/%s.yaml", described[i]);
        char *text = shipped(path, &n);
        fuzz_put(path, text, n);
        lyne_free(text);
    }
}

static void read_recipe(const char *path) {
    lyne_recipe recipe;
    lyne_diagnostics out = {0};
    lyne_text text = {0};
    if (lyne_recipe_read(&recipe, path, NULL, 0, rows(), &out) == LYNE_OK) {
        lyne_recipe_advise(&recipe, &out);
        lyne_recipe_print(&recipe, &text);
    }
    lyne_text_free(&text);
    print(&out);
    lyne_recipe_free(&recipe);
    lyne_diagnostics_free(&out);
}

/* Another recipe stands beside, which it may extend. */
static void run_recipe(const uint8_t *data, size_t size) {
    static bool prepared;
    if (!prepared) put_datasets();
    prepared = true;
    fuzz_bytes rest = {data, size};
    const fuzz_bytes base = fuzz_take(&rest);
    fuzz_put("base.yaml", base.data, base.size);
    fuzz_put("recipe.yaml", rest.data, rest.size);
    read_recipe(fuzz_path("recipe.yaml"));
}

static void seed_recipe(void) {
    static const char *const names[] = {"quickstart",
                                        "student",
                                        "mnist/hinton2015",
                                        "mnist/hinton-temperature",
                                        "mnist/hint",
                                        "mnist/lenet",
                                        "cifar10/resnet20",
                                        "cifar10/consistency",
                                        "shakespeare/transformer",
                                        "cifar100/resnet32x4-resnet8x4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64], with[1 << 14] = {0};
        size_t n;
        snprintf(path, sizeof path, "recipes/%s.yaml", names[i]);
        char *text = shipped(path, &n);
        if (n + 2 > sizeof with) exit(2);
        memcpy(with + 2, text, n);
        fuzz_seed((const char[]){(char)('a' + i), 0}, with, n + 2);
        lyne_free(text);
    }
}

/* A data set that a good recipe names. */
static void run_description(const uint8_t *data, size_t size) {
    static const char recipe[] =
        "lyne: 1\nname: r\ndata: hostile\nstages: {s: {train: {model: {mlp: {hidden: [2]}}, epochs: 1}}}\n";
    fuzz_put("recipe.yaml", recipe, sizeof recipe - 1);
    if (lyne_directory_make(fuzz_path("datasets"), NULL) != LYNE_OK) exit(2);
    fuzz_put("datasets/hostile.yaml", data, size);
    read_recipe(fuzz_path("recipe.yaml"));
}

/* What a finished job left; and the same as what an unfinished one did, and as what says that a folder is a run's. */
static void run_result(const uint8_t *data, size_t size) {
    lyne_result r = {0};
    lyne_digest made;
    bool stands;
    const char *all;
    fuzz_put("model.safetensors", "model", 5);
    fuzz_put("result.json", data, size);
    lyne_arena arena = {0};
    lyne_inputs inputs = {.arena = &arena};
    lyne_inputs_number(&inputs, "seed", 1);
    const lyne_digest fingerprint = lyne_inputs_fingerprint(&inputs);
    lyne_result_file_load(fuzz_folder, fingerprint, &stands, &r, &made, NULL);
    lyne_result_file_why(fuzz_folder, &inputs);
    lyne_result_file_provenance(fuzz_folder, &arena, &(lyne_provenance){0}, NULL);
    fuzz_put("environment.json", data, size);
    lyne_environment_stands(fuzz_folder);
    fuzz_put("begun.json", data, size);
    const lyne_begun begun = {
        .directory = fuzz_folder, .fingerprint = fingerprint, .environment = "here", .asks = true};
    if (lyne_begun_enter(&begun, NULL) == LYNE_OK) lyne_begun_all(&begun, &arena, &all, NULL);
    lyne_arena_free(&arena);
}

static void seed_result(void) {
    const lyne_result r = {.test_samples = 5, .test_errors = 1, .test_accuracy = 0.8, .seconds = 1};
    lyne_digest made;
    lyne_arena arena = {0};
    lyne_inputs inputs = {.arena = &arena};
    lyne_inputs_number(&inputs, "seed", 1);
    fuzz_put("model.safetensors", "model", 5);
    lyne_result_file_save(fuzz_folder, &inputs, &r, "here", &made, NULL);
    const lyne_begun begun = {
        .directory = fuzz_folder, .fingerprint = lyne_inputs_fingerprint(&inputs), .environment = "here"};
    lyne_begun_enter(&begun, NULL);
    lyne_environment_save(fuzz_folder, NULL);
    lyne_file_remove(fuzz_path("model.safetensors"), NULL);
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

/* Two runs with the same results.json: the metrics of a job, and what its result depends on in one and in the other. */
static void run_runs(const uint8_t *data, size_t size) {
    static FILE *nowhere;
    lyne_text text = {0};
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    fuzz_bytes rest = {data, size};
    const fuzz_bytes metrics = fuzz_take(&rest), first = fuzz_take(&rest), second = fuzz_take(&rest);
    const fuzz_bytes *const result[] = {&first, &second};
    for (int k = 0; k < 2; k++) {
        char path[64];
        snprintf(path, sizeof path, "runs/%c/student/seed-1", "ab"[k]);
        if (!nowhere || lyne_directory_make(fuzz_path(path), NULL) != LYNE_OK) exit(2);
        snprintf(path, sizeof path, "runs/%c/results.json", "ab"[k]);
        fuzz_put(path, rest.data, rest.size);
        snprintf(path, sizeof path, "runs/%c/student/seed-1/result.json", "ab"[k]);
        fuzz_put(path, result[k]->data, result[k]->size);
        snprintf(path, sizeof path, "runs/%c/student/seed-1/metrics.jsonl", "ab"[k]);
        fuzz_put(path, metrics.data, metrics.size);
    }
    lyne_runs_print(fuzz_path("runs"), nowhere, NULL);
    lyne_runs_warn(fuzz_path("runs/a"), "quickstart");
    lyne_compare_print(fuzz_path("runs/a"), fuzz_path("runs/b"), nowhere, NULL);
    lyne_compare_svg(fuzz_path("runs/a"), fuzz_path("runs/b"), &text, NULL);
    lyne_text_free(&text);
}

static void seed_runs(void) {
    static const char *const part[] = {
        "{\"epoch\":1,\"train_accuracy\":0.58}\n{\"epoch\":2,\"train_accuracy\":0.88}\n",
        "{\"inputs\":{\"optimizer\":\"sgd\",\"optimizer.momentum\":\"0.9\",\"seed\":\"1\",\"stage teacher\":\"a\"}}",
        "{\"inputs\":{\"optimizer\":\"adamw\",\"optimizer.beta\":\"0.9\",\"seed\":\"2\",\"epochs\":\"3\"}}",
        "{\"lyne\":1,\"recipe\":\"quickstart\",\"environment\":\"here\",\"stages\":[{\"stage\":\"student\",\"seed\":1,"
        "\"directory\":\"student/seed-1\",\"seconds\":4.5,\"parameters\":2000,\"metrics\":{\"test_errors\":30}}],"
        "\"expect\":[{\"stage\":\"student\",\"metric\":\"ratio\",\"mean\":1.75,\"n\":3,\"met\":true,\"at_least\":1.3,"
        "\"better_than\":\"alone\"}]}"};
    char with[2048];
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        const size_t n = strlen(part[i]);
        if (i < 3) with[at++] = (char)n, with[at++] = (char)(n >> 8);
        memcpy(with + at, part[i], n);
        at += n;
    }
    fuzz_seed("two", with, at);
}

/* What lyne bench keeps of a run, and the page that it makes of all. */
static void run_log(const uint8_t *data, size_t size) {
    json_t *logs;
    lyne_text says = {0};
    if (lyne_directory_make(fuzz_path("logs"), NULL) != LYNE_OK) exit(2);
    fuzz_put("logs/log.jsonl", data, size);
    if (lyne_bench_log_all(fuzz_path("logs"), &logs, NULL) == LYNE_OK) {
        const json_t *log = json_array_get(logs, 0);
        lyne_bench_log_compare(log, log, &says);
        lyne_bench_plot(log, &says);
        lyne_bench_row("recipes/log.yaml", "data", log, &says);
        lyne_bench_page(logs, "plots", &says);
        json_decref(logs);
    }
    lyne_text_free(&says);
}

static void seed_log(void) {
    static const char text[] =
        "{\"data\":\"d\",\"date\":\"2026-11-22\",\"environment\":\"e\",\"lyne_bench\":1,\"minutes\":1.5,\"notes\":["
        "\"n\"],"
        "\"order\":0,\"path\":\"log.yaml\",\"processor\":\"p\",\"recipe\":\"log\",\"reduced\":false,\"settings\":["
        "\"s\"],"
        "\"suite\":\"s\",\"suite_title\":\"t\",\"version\":\"0.1.0\",\"paper\":{\"title\":\"t\",\"arxiv\":\"1\"}}\n"
        "{\"fingerprint\":\"a\",\"kind\":\"train\",\"made\":\"b\",\"metrics\":{\"test_errors\":30,\"test_samples\":"
        "2000},"
        "\"seconds\":4.5,\"seed\":1,\"stage\":\"teacher\"}\n"
        "{\"fingerprint\":\"c\",\"kind\":\"label\",\"made\":\"d\",\"metrics\":{},\"records\":7,\"seconds\":1,"
        "\"seed\":1,\"stage\":\"labels\"}\n"
        "{\"stage\":\"teacher\",\"metric\":\"test_errors\",\"mean\":30,\"n\":1,\"met\":true,\"published\":28,"
        "\"within\":5}\n";
    fuzz_seed("log", text, sizeof text - 1);
}

const fuzz_target fuzz_recipes[] = {
    {"yaml", "component/yaml.c", run_yaml, seed_yaml, false},
    {"recipe", "recipe/extends.c", run_recipe, seed_recipe, false},
    {"description", "recipe/data.c", run_description, NULL, false},
    {"suite", "recipe/suite.c", run_suite, seed_suite, false},
    {"runs", "report/results.c report/compare.c", run_runs, seed_runs, false},
    {"log", "report/bench_log.c", run_log, seed_log, false},
    {"result", "recipe/result_file.c recipe/begun.c recipe/environment.c", run_result, seed_result, true},
    {.name = NULL},
};
