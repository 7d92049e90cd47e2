/* tests/fuzz/training.c -- data sets, weights and checkpoints. */
#include "base/memory.h"
#include "component/config.h"
#include "data/dataset.h"
#include "fuzz.h"
#include "graph/weights.h"
#include "lyne/ops.h"
#include "recipe/builtin.h"
#include "train/checkpoint.h"
#include <stdlib.h>
#include <string.h>

/* ---- data sets: `yaml` says which format and which of the files f0, f1, ... ---- */

static void open_dataset(const char *yaml, const uint8_t *data, size_t size, int n_files) {
    static const char *const names[] = {"f0", "f1"};
    fuzz_bytes rest = {data, size};
    for (int i = 0; i < n_files; i++) {
        const fuzz_bytes part = i + 1 < n_files ? fuzz_take(&rest) : rest;
        fuzz_put(names[i], part.data, part.size);
    }
    static lyne_registry *registry;
    if (!registry && lyne_registry_new(lyne_builtin_rows, lyne_n_builtin_rows, &registry, NULL) != LYNE_OK) abort();
    lyne_arena arena = {0};
    lyne_diagnostics out = {0};
    lyne_instance format;
    const lyne_filler f = {.registry = registry, .arena = &arena, .out = &out};
    lyne_yaml *tree = lyne_yaml_parse("format", yaml, strlen(yaml), &arena, &out);
    if (!tree || !lyne_config_instance(&f, LYNE_DATASET, "format", tree, &format)) abort();
    const char *folder = fuzz_folder;
    const lyne_data_paths paths = {.dataset = "fuzz", .directory = &folder, .n = 1};
    lyne_dataset d = {0};
    if (lyne_dataset_open(&d, (const lyne_format *)format.row, format.config, LYNE_TRAIN, &paths, NULL) == LYNE_OK) {
        if (d.sequence.length)
            fuzz_touch(d.tokens, (size_t)(d.n * d.sequence.length) * sizeof *d.tokens);
        else
            fuzz_touch(d.pictures, (size_t)(d.n * d.channels * d.height * d.width));
        fuzz_touch(d.labels, (size_t)(d.n * lyne_sequence_rows(&d.sequence)));
        lyne_dataset_close(&d);
    }
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
}

static void run_idx(const uint8_t *data, size_t size) {
    open_dataset("{idx: {train_pictures: f0, train_labels: f1, test_pictures: f0, test_labels: f1, n_classes: 3}}",
                 data, size, 2);
}

static void seed_idx(void) {
    static const uint8_t two[] = {22, 0, 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0,
                                  3,  9, 8, 7, 6, 5, 4, 0, 0, 8, 1, 0, 0, 0, 2, 1, 2};
    fuzz_seed("two", two, sizeof two);
}

static void run_cifar(const uint8_t *data, size_t size) {
    open_dataset("{cifar: {train: [f0], test: [f0]}}", data, size, 1);
    open_dataset("{cifar: {train: [f0], test: [f0], n_classes: 100}}", data, size, 1);
}

static void run_pictures(const uint8_t *data, size_t size) {
    open_dataset("{pictures: {train: f0, test: f0, height: 4, width: 4, max_bytes: 1000000, folders: [cat, dog]}}",
                 data, size, 1);
}

static void run_text(const uint8_t *data, size_t size) {
    open_dataset("{text: {file: f0, length: 4, test: 0.3}}", data, size, 1);
}

static void seed_text(void) {
    fuzz_seed("words", "to be or not to be", 18);
}

/* ---- weights ---- */

static lyne_weights *weights(void) {
    static lyne_weights *w;
    static lyne_graph *g;
    if (w) return w;
    const lyne_shape shape = {.rank = 2, .dim = {1, 3}};
    if (lyne_graph_new(1, &g, NULL) != LYNE_OK) abort();
    lyne_linear(g, "fc", lyne_graph_input(g, "x", shape, LYNE_F32),
                (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 2});
    if (lyne_graph_status(g, NULL) != LYNE_OK || lyne_weights_new(g, 1, &w, NULL) != LYNE_OK) abort();
    return w;
}

static void run_model(const uint8_t *data, size_t size) {
    lyne_digest digest;
    fuzz_put("model.safetensors", data, size);
    if (lyne_weights_load(weights(), fuzz_path("model.safetensors"), NULL) == LYNE_OK)
        fuzz_touch(weights()->value, weights()->n_values * sizeof(float));
    lyne_weights_file_digest(fuzz_path("model.safetensors"), &digest, NULL);
}

static void seed_model(void) {
    lyne_weights_save(weights(), fuzz_path("model"), "about", NULL);
}

/* ---- checkpoints ---- */

static lyne_checkpoint checkpoint(void) {
    static float slot[64];
    return (lyne_checkpoint){.directory = fuzz_folder,
                             .fingerprint = {1, 2},
                             .environment = "here",
                             .weights = weights(),
                             .slot = {slot},
                             .slot_name = {"momentum"},
                             .n_slots = 1};
}

static void run_checkpoint(const uint8_t *data, size_t size) {
    const lyne_checkpoint c = checkpoint();
    lyne_standing at;
    fuzz_put("checkpoint-000000000003.safetensors", data, size);
    if (lyne_checkpoint_load(&c, true, &at, NULL) == LYNE_OK) fuzz_touch(&at, sizeof at);
}

static void seed_checkpoint(void) {
    const lyne_checkpoint c = checkpoint();
    const lyne_standing at = {.step = 3, .seen = 4, .correct = 2, .sum = {1}};
    lyne_checkpoint_save(&c, &at, NULL);
}

const fuzz_target fuzz_training[] = {
    {"idx", "data/idx.c", run_idx, seed_idx, false},
    {"cifar", "data/cifar.c", run_cifar, NULL, false},
    {"pictures", "data/pictures.c", run_pictures, NULL, false},
    {"text", "data/text.c", run_text, seed_text, false},
    {"model", "graph/weights_file.c", run_model, seed_model, true},
    {"checkpoint", "train/checkpoint.c", run_checkpoint, seed_checkpoint, true},
    {.name = NULL},
};
