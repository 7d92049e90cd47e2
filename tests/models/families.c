/* Model families against PyTorch (tests/reference/families.py): parameters, their names and shapes in order, and what
 * the same weights say of the same picture; nothing is written beside a buffer on the way. */
#include "reference/apart.h"
#include "reference/bench.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

extern const lyne_model lyne_model_resnet_cifar, lyne_model_mobilenet_v2;

enum { B = 4, N_LOGITS = 10 };
static const struct {
    const lyne_model *model;
    const char *config;
    int64_t classes, params;
    uint32_t names;
    double inference[N_LOGITS], training[N_LOGITS];
} rows[] = {
#include "families.inc"
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static uint32_t fnv(uint32_t h, const char *text) {
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 16777619u;
    return h;
}

/* numbers() of the script */
static double number(uint32_t seed, int64_t i) {
    uint32_t bits = (uint32_t)i * 2654435761u + seed;
    bits = (bits ^ bits >> 15) * 739u;
    return (bits >> 16) / 65536.0 - 0.5;
}

static lyne_node *build(lyne_graph *g, const void *context, lyne_node *const *src) {
    const int row = *(const int *)context;
    lyne_arena arena = {0};
    const void *config = bench_config(&rows[row].model->component, rows[row].config, &arena);
    cr_assert(config);
    lyne_node *logits = rows[row].model->build(g, config, src[0], rows[row].classes);
    lyne_arena_free(&arena);
    return logits;
}

static void fill(bench *b) {
    lyne_weights *w = b->weights;
    for (int k = 0; k < w->n; k++) {
        const lyne_param *p = &w->param[k];
        const uint32_t seed = fnv(2166136261u, p->name);
        const int64_t n = lyne_shape_size(&p->shape), fan = n / p->shape.dim[0];
        for (int64_t i = 0; i < n; i++) {
            const double x = number(seed, i);
            w->value[w->offset[k] + (size_t)i] = (float)(p->shape.rank > 1                ? x * sqrt(24.0 / (double)fan)
                                                         : strstr(p->name, "running_var") ? 1 + 0.5 * x
                                                         : p->role == LYNE_SCALE          ? 0.5 + 0.5 * x
                                                                                          : 0.25 * x);
        }
    }
    float *picture = lyne_program_input(b->program, b->src[0]);
    const uint32_t seed = fnv(2166136261u, "picture");
    for (int64_t i = 0; i < lyne_shape_size(&b->src[0]->shape); i++)
        picture[memory_index(&b->src[0]->shape, i)] = (float)(2 * number(seed, i));
    bench_changed(b);
}

static void expect_logits(int row, bool training) {
    if (rows[row].params > 1500000) return; /* what depth 56 and width 4 do, these do too, in many seconds */
    const bench_subject s = {
        .n_src = 1, .src = {{.shape = {4, {B, 3, 32, 32}}, .constant = true}}, .build = build, .context = &row};
    const double *wanted = training ? rows[row].training : rows[row].inference;
    static double value[B * 100];
    bench b;
    lyne_error err = {0};
    apart_from_now_on(true);
    cr_assert(bench_open(&b, &s, training, &err) == LYNE_OK, "row %d: %s", row, err.text);
    fill(&b);
    apart_fill(&b);
    cr_assert(bench_run(&b, &err) == LYNE_OK, "row %d: %s", row, err.text);
    const char *by = apart_written_beside(&b);
    cr_expect(!by, "row %d: something is written beside a buffer of %s", row, by);
    bench_value(&b, value);
    double largest = 0, worst = 0;
    for (int i = 0; i < N_LOGITS; i++) largest = fmax(largest, fabs(wanted[i]));
    for (int i = 0; i < N_LOGITS; i++) {
        const double error = fabs(value[i] - wanted[i]) / largest;
        if (!(error <= worst)) worst = error;
    }
    /* batch statistics over four pictures of 4 x 4 and fewer multiply what rounding leaves, layer by layer */
    cr_expect(worst < (training ? 1e-3 : 2e-5), "row %d, %s: error %g of the largest logit", row,
              training ? "training" : "inference", worst);
    bench_close(&b);
}

Test(families, inference, .timeout = 120) {
    for (int i = 0; i < N_ROWS; i++) expect_logits(i, false);
}

Test(families, training, .timeout = 120) {
    for (int i = 0; i < N_ROWS; i++) expect_logits(i, true);
}

Test(families, parameters) {
    for (int i = 0; i < N_ROWS; i++) {
        lyne_graph *g;
        lyne_error err = {0};
        cr_assert(lyne_graph_new(B, &g, NULL) == LYNE_OK);
        lyne_node *x = lyne_graph_input(g, "picture", LYNE_SHAPE(B, 3, 32, 32), LYNE_F32);
        lyne_node *logits = build(g, &i, &x);
        cr_assert(lyne_graph_status(g, &err) == LYNE_OK, "row %d: %s", i, err.text);
        cr_expect(lyne_shape_equal(&logits->shape, &LYNE_SHAPE(B, rows[i].classes)), "row %d", i);
        cr_expect(lyne_graph_count_params(g) == rows[i].params, "row %d: %d", i, (int)lyne_graph_count_params(g));
        uint32_t names = 2166136261u;
        for (int k = 0; k < lyne_graph_n_params(g); k++) {
            char shape[LYNE_SHAPE_TEXT];
            const lyne_param *p = lyne_graph_param(g, k);
            names = fnv(fnv(fnv(names, p->name), lyne_shape_print(&p->shape, shape)), "\n");
        }
        cr_expect(names == rows[i].names, "row %d: names or shapes are not PyTorch's", i);
        lyne_graph_free(g);
    }
}

static void expect_param(int row, const char *name) {
    lyne_graph *g;
    bool found = false;
    cr_assert(lyne_graph_new(B, &g, NULL) == LYNE_OK);
    lyne_node *x = lyne_graph_input(g, "picture", LYNE_SHAPE(B, 3, 32, 32), LYNE_F32);
    build(g, &row, &x);
    for (int k = 0; k < lyne_graph_n_params(g); k++) found = found || !strcmp(lyne_graph_param(g, k)->name, name);
    cr_expect(found, "row %d: no %s", row, name);
    lyne_graph_free(g);
}

Test(families, some_names) {
    static const char *const resnet[] = {"conv1.weight",          "bn1.running_var",
                                         "layer1.0.conv1.weight", "layer2.0.downsample.0.weight",
                                         "layer3.2.bn2.bias",     "fc.bias"};
    static const char *const mobilenet[] = {"conv1.0.weight", "blocks.0.0.conv.3.weight", "blocks.6.0.conv.7.bias",
                                            "conv2.1.running_mean", "classifier.0.weight"};
    for (size_t i = 0; i < sizeof resnet / sizeof *resnet; i++) expect_param(0, resnet[i]);
    for (size_t i = 0; i < sizeof mobilenet / sizeof *mobilenet; i++) expect_param(8, mobilenet[i]);
}

Test(families, depth_is_6n_plus_2) {
    lyne_arena arena = {0};
    cr_expect(bench_config(&lyne_model_resnet_cifar.component, "{depth: 14}", &arena) != NULL);
    const lyne_component *c = &lyne_model_resnet_cifar.component;
    void *config = bench_config(c, "{depth: 20}", &arena);
    cr_assert(config && c->check(config) == NULL);
    *(int64_t *)config = 18; /* depth comes first */
    cr_expect(c->check(config) && strstr(c->check(config), "6 n + 2"));
    lyne_arena_free(&arena);
}
