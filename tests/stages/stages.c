/* tests/stages/stages.c -- what the stage kinds do besides training and labelling: find each other's files, score by
 * hand-made models, compare two of them.  Whole runs are in tests/recipe and tests/cli. */
#include "../scratch.h"
#include "base/file.h"
#include "component/config.h"
#include "stages/stage.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

extern const lyne_stage lyne_stage_train, lyne_stage_distill, lyne_stage_label, lyne_stage_evaluate, lyne_stage_bias;
extern const lyne_model lyne_model_mlp;
extern const lyne_loss lyne_loss_cross_entropy, lyne_loss_kd;
extern const lyne_component lyne_optimizer_sgd[], lyne_schedule_cosine[], lyne_encoding_f16[];

static const lyne_component *const rows[] = {&lyne_stage_train.component, &lyne_stage_distill.component,
                                             &lyne_stage_label.component, &lyne_stage_evaluate.component,
                                             &lyne_model_mlp.component,   &lyne_loss_kd.component,
                                             lyne_optimizer_sgd,          &lyne_loss_cross_entropy.component,
                                             lyne_schedule_cosine,        lyne_encoding_f16,
                                             &lyne_stage_bias.component};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* 450 pictures of 2 x 2 in 3 classes: label i mod 3; the first pixel is on in every fifth. */
enum { N = 450, CLASSES = 3 };

static char folder[64];
static lyne_registry *registry;
static lyne_arena arena;
static uint8_t pictures[N * 4], labels[N];
static const lyne_dataset split = {
    .n = N, .channels = 1, .height = 2, .width = 2, .n_classes = CLASSES, .pictures = pictures, .labels = labels};
static const lyne_task task = {.picture = {.channels = 1, .height = 2, .width = 2}, .n_classes = CLASSES};
static const char *const class_words[] = {"red", "green", "blue"};
static const lyne_texts class_names = {CLASSES, class_words};
/* One picture of class 1, first pixel on: for what must be told from the other splits. */
static const lyne_dataset one = {.n = 1,
                                 .channels = 1,
                                 .height = 2,
                                 .width = 2,
                                 .n_classes = CLASSES,
                                 .pictures = (const uint8_t[4]){255},
                                 .labels = (const uint8_t[1]){1}};
static lyne_stage_instance stage[3]; /* a and b, whose models are written by hand, and one that reads them */
static lyne_source_stage earlier[2];

static void fill_stage(lyne_stage_instance *s, const char *name, const char *yaml) {
    lyne_diagnostics out = {0};
    const lyne_filler f = {.registry = registry, .arena = &arena, .out = &out};
    const lyne_yaml *node = lyne_yaml_parse(name, yaml, strlen(yaml), &arena, &out);
    s->name = name;
    cr_assert(node && lyne_config_instance(&f, LYNE_STAGE, name, node, &s->kind), "%s", out.item[0].text);
    lyne_diagnostics_free(&out);
}

static void enter(void) {
    static const char *const names[] = {"a", "b"};
    lyne_error err = {0};
    scratch_folder(folder, sizeof folder, "stages");
    cr_assert_eq(lyne_registry_new(rows, COUNT(rows), &registry, &err), LYNE_OK, "%s", err.text);
    for (int i = 0; i < N; i++) {
        labels[i] = (uint8_t)(i % CLASSES);
        pictures[4 * i] = i % 5 == 0 ? 255 : 0;
    }
    for (int i = 0; i < 2; i++) {
        fill_stage(&stage[i], names[i], "train: {model: {mlp: {hidden: []}}}");
        earlier[i] = (lyne_source_stage){&stage[i], lyne_arena_printf(&arena, "%s/%s", folder, names[i])};
        cr_assert_eq(lyne_directory_make(earlier[i].directory, &err), LYNE_OK, "%s", err.text);
    }
}

static void leave(void) {
    lyne_error err = {0};
    lyne_arena_free(&arena);
    lyne_registry_free(registry);
    cr_assert_eq(lyne_directory_remove(folder, &err), LYNE_OK, "%s", err.text);
}

TestSuite(stages, .init = enter, .fini = leave);

/* Write the model of stage i: class c gets bias[c], and class 1 the first pixel on top. */
static void write_model(int i, const float bias[CLASSES], float pixel) {
    char path[LYNE_PATH_MAX];
    lyne_error err = {0};
    lyne_network net;
    const lyne_stage *row = (const lyne_stage *)stage[i].kind.row;
    const lyne_network_options o = {.model = row->model(stage[i].kind.config), .task = &task, .batch = 1};
    cr_assert_eq(lyne_network_init(&net, &o, &err), LYNE_OK, "%s", err.text);
    lyne_weights *w = net.weights;
    memset(w->value, 0, w->n_values * sizeof *w->value);
    for (int p = 0; p < w->n; p++) {
        if (w->param[p].role == LYNE_BIAS) memcpy(w->value + w->offset[p], bias, CLASSES * sizeof *bias);
        if (w->param[p].role == LYNE_WEIGHT) w->value[w->offset[p] + 4] = pixel; /* (out 1, in 0) */
    }
    cr_assert_eq(lyne_path(path, earlier[i].directory, "model.safetensors", &err), LYNE_OK);
    cr_assert_eq(lyne_weights_save(w, path, "by hand", &err), LYNE_OK, "%s", err.text);
    lyne_network_deinit(&net);
}

static lyne_status run(const char *yaml, lyne_result *r, lyne_error *err) {
    fill_stage(&stage[2], "c", yaml);
    const lyne_job job = {.stage = &stage[2],
                          .label = "c",
                          .directory = folder,
                          .task = &task,
                          .train = &split,
                          .test = &split,
                          .validation = &one,
                          .class_names = &class_names,
                          .earlier = earlier,
                          .n_earlier = 2};
    *r = lyne_result_empty();
    return ((const lyne_stage *)stage[2].kind.row)->run(&job, r, err);
}

/* ---- evaluate ---- */

static const struct pair {
    float a[CLASSES], pixel_a, b[CLASSES], pixel_b;
    int64_t errors; /* of a */
    double agreement;
} pairs[] = {
    {{1, 0, 0}, 0, {1, 0, 0}, 0, 300, 1},
    {{1, 0, 0}, 0, {0, 1, 0}, 0, 300, 0},
    {{0, 0, 9}, 0, {-2, -2, -1}, 0, 300, 1},
    {{0.5F, 0, 0}, 1, {1, 0, 0}, 0, 300, 0.8}, /* a says 1 of every fifth: of 15 it has 10, 3, 6, 9 and 12 right */
    {{0.5F, 0, 0}, 1, {0, 1, 0}, 0, 300, 0.2},
    {{1, 1, 1}, 0, {1, 0, 0}, 0, 300, 1}, /* of equal ones the first */
};

Test(stages, evaluate_scores_a_model_and_how_often_another_agrees) {
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const struct pair *p = &pairs[i];
        lyne_result r;
        lyne_error err = {0};
        write_model(0, p->a, p->pixel_a);
        write_model(1, p->b, p->pixel_b);
        cr_assert_eq(run("evaluate: {model: a, against: b}", &r, &err), LYNE_OK, "%s", err.text);
        cr_expect(r.test_samples == N && r.test_errors == p->errors, "pair %zu: %lld errors", i,
                  (long long)r.test_errors);
        cr_expect_float_eq(r.test_accuracy, 1 - (double)p->errors / N, 1e-12);
        cr_expect_float_eq(r.agreement, p->agreement, 1e-12, "pair %zu: %g", i, r.agreement);
        cr_expect(r.parameters == 15 && r.macs == 12);
        cr_assert_eq(run("evaluate: {model: a}", &r, &err), LYNE_OK, "%s", err.text);
        cr_expect(r.test_errors == p->errors && r.agreement < 0);
    }
}

Test(stages, evaluate_reports_each_split_as_what_it_is) {
    static const float a[CLASSES] = {0.5F, 0, 0}, b[CLASSES] = {1, 0, 0};
    lyne_result r;
    lyne_error err = {0};
    write_model(0, a, 1);
    write_model(1, b, 0);
    cr_assert_eq(run("evaluate: {model: a, against: b, split: validation}", &r, &err), LYNE_OK, "%s", err.text);
    cr_expect(r.validation_errors == 0 && r.agreement == 0 && r.test_errors < 0 && r.test_accuracy < 0);
    cr_assert_eq(run("evaluate: {model: a, against: b, split: train}", &r, &err), LYNE_OK, "%s", err.text);
    cr_expect(r.validation_errors < 0 && r.test_errors < 0);
    cr_expect_float_eq(r.agreement, 0.8, 1e-12);
}

/* ---- bias ---- */

/* All pictures get `red` for red, and the 90 with the pixel, 30 of each class, 1 for green. */
static const struct correction {
    const char *yaml;
    float red;
    double bias;
    int64_t errors, class_samples, class_errors;
} corrections[] = {
    {"{model: a, classes: [blue], tune: test}", 0.5F, 0, 300, 150, 150},          /* nothing gained: left alone */
    {"{model: a, classes: [blue], tune: frequencies}", 0.5F, 0.5, 300, 150, 150}, /* a tie of 360 about place 150 */
    {"{model: a, classes: [green], tune: validation}", 0.5F, 0, 300, 150, 120},
    {"{model: a, classes: [green], tune: validation}", 5, 5, 300, 150, 120}, /* a picture that takes more than 4 */
    {"{model: a, classes: [green], tune: frequencies}", 5, 5, 300, 150, 120},
    {"{model: a, classes: [red, green], tune: frequencies}", 0.5F, -0.5, 300, 300, 270},
    {"{model: a, classes: [green], tune: none}", 5, 0, 300, 150, 150},
    {"{model: a, classes: [red], tune: test}", -4, 0, 300, 150, 150}, /* green and blue get as many right */
};

Test(stages, bias_moves_the_answers_to_some_classes) {
    for (size_t i = 0; i < COUNT(corrections); i++) {
        const struct correction *c = &corrections[i];
        const float a[CLASSES] = {c->red, 0, 0};
        char yaml[128];
        lyne_result r;
        lyne_error err = {0};
        write_model(0, a, 1);
        snprintf(yaml, sizeof yaml, "bias: %s", c->yaml);
        cr_assert_eq(run(yaml, &r, &err), LYNE_OK, "%s", err.text);
        cr_expect_float_eq(r.bias, c->bias, 1e-6, "row %zu: %g", i, r.bias);
        cr_expect(r.test_samples == N && r.class_samples == c->class_samples, "row %zu", i);
        cr_expect(r.test_errors == c->errors && r.class_errors == c->class_errors, "row %zu: %lld, %lld", i,
                  (long long)r.test_errors, (long long)r.class_errors);
    }
}

/* ---- a model file that does not do ---- */

static void expect_refused(const char *words) {
    lyne_result r;
    lyne_error err = {0};
    cr_expect_eq(run("evaluate: {model: a}", &r, &err), LYNE_EDATA, "%s", words);
    cr_expect(strstr(err.text, words) && strstr(err.text, earlier[0].directory), "'%s' lacks '%s'", err.text, words);
}

Test(stages, a_model_file_that_is_not_this_models_is_refused) {
    static const float bias[CLASSES] = {1, 0, 0};
    char path[LYNE_PATH_MAX], *data;
    size_t size;
    expect_refused("model.safetensors");
    write_model(0, bias, 0);
    fill_stage(&stage[0], "a", "train: {model: {mlp: {hidden: [5]}}}");
    expect_refused("fc1");
    fill_stage(&stage[0], "a", "train: {model: {mlp: {hidden: []}}}");
    cr_assert_eq(lyne_path(path, earlier[0].directory, "model.safetensors", NULL), LYNE_OK);
    cr_assert_eq(lyne_file_read(path, 1 << 20, &data, &size, NULL), LYNE_OK);
    data[size - 3] ^= 1;
    cr_assert_eq(lyne_file_commit(path, data, size, NULL), LYNE_OK);
    expect_refused("damaged");
    cr_assert_eq(lyne_file_commit(path, data, size - 1, NULL), LYNE_OK);
    expect_refused("model.safetensors");
    lyne_free(data);
}

/* ---- small things ---- */

Test(stages, nothing_is_known_of_an_empty_result) {
    const lyne_result r = lyne_result_empty();
    cr_expect(r.test_samples < 0 && r.test_errors < 0 && r.test_accuracy < 0 && r.test_loss < 0 && r.agreement < 0);
    cr_expect(r.parameters < 0 && r.macs < 0 && r.steps < 0 && r.records < 0 && r.bytes < 0);
    cr_expect(r.seconds < 0 && r.samples_per_second < 0);
}

Test(stages, a_path_is_joined_or_too_long) {
    char out[LYNE_PATH_MAX], name[LYNE_PATH_MAX] = {0};
    lyne_error err = {0};
    cr_expect_eq(lyne_path(out, "runs/a", "model.safetensors", &err), LYNE_OK);
    cr_expect_str_eq(out, "runs/a/model.safetensors");
    memset(name, 'x', LYNE_PATH_MAX - 3);
    cr_expect_eq(lyne_path(out, "d", name, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(lyne_path(out, "dd", name, &err), LYNE_EOTHER);
}
