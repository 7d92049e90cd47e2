/* Model families: names, shapes and numbers of parameters (tests/reference/models.py), a step that trains, and pictures
 * that are too small. */
#include "reference/bench.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const lyne_model lyne_model_mlp, lyne_model_lenet, lyne_model_resnet_cifar, lyne_model_mobilenet_v2;

static const struct {
    const lyne_model *model;
    const char *config;
    int64_t channels, size, classes, params;
} rows[] = {{&lyne_model_mlp, NULL, 1, 28, 10, 1276810},
            {&lyne_model_mlp, "{hidden: [1200, 1200], dropout: {input: 0.2, hidden: 0.5}}", 1, 28, 10, 2395210},
            {&lyne_model_mlp, "{hidden: []}", 1, 28, 10, 7850},
            {&lyne_model_mlp, "{hidden: [64]}", 3, 32, 10, 197322},
            {&lyne_model_lenet, NULL, 1, 28, 10, 61706},
            {&lyne_model_lenet, NULL, 3, 32, 100, 90776},
            {&lyne_model_lenet, "{width: 2.5, norm: true}", 1, 28, 10, 146619},
            {&lyne_model_lenet, "{width: 0.5}", 3, 32, 10, 46530},
            {&lyne_model_resnet_cifar, "{depth: 8, stem: 4, width: 0.25}", 3, 8, 10, 5214},
            {&lyne_model_resnet_cifar, "{depth: 8, width: 0.25, bias: true, shortcut_norm: false}", 1, 9, 10, 5822},
            {&lyne_model_mobilenet_v2, "{width: 0.25, expansion: 2, stem_stride: 1}", 3, 16, 10, 162370}};
enum { N_ROWS = sizeof rows / sizeof *rows };

static lyne_graph *graph_of(int row, int64_t size, lyne_node **logits) {
    lyne_arena arena = {0};
    lyne_graph *g;
    const void *config = bench_config(&rows[row].model->component, rows[row].config, &arena);
    cr_assert(config && lyne_graph_new(2, &g, NULL) == LYNE_OK);
    lyne_node *x = lyne_graph_input(g, "picture", LYNE_SHAPE(2, rows[row].channels, size, size), LYNE_F32);
    *logits = rows[row].model->build(g, config, x, rows[row].classes);
    lyne_arena_free(&arena);
    return g;
}

Test(models, parameters_and_shape) {
    for (int i = 0; i < N_ROWS; i++) {
        lyne_node *logits;
        lyne_error err = {0};
        lyne_graph *g = graph_of(i, rows[i].size, &logits);
        cr_assert(lyne_graph_status(g, &err) == LYNE_OK, "row %d: %s", i, err.text);
        cr_expect(lyne_graph_count_params(g) == rows[i].params, "row %d: %d", i, (int)lyne_graph_count_params(g));
        cr_expect(lyne_shape_equal(&logits->shape, &LYNE_SHAPE(2, rows[i].classes)), "row %d", i);
        lyne_graph_free(g);
    }
}

static void expect_names(int row, const char *names) {
    lyne_node *logits;
    lyne_graph *g = graph_of(row, rows[row].size, &logits);
    char all[512] = "";
    for (int i = 0; i < lyne_graph_n_nodes(g); i++) {
        if (i) strcat(all, " ");
        strcat(all, lyne_graph_node(g, i)->path);
    }
    cr_expect(strcmp(all, names) == 0, "row %d: %s", row, all);
    lyne_graph_free(g);
}

Test(models, names) {
    expect_names(0, "picture flatten fc1 relu1 fc2 relu2 fc3");
    expect_names(1, "picture flatten drop0 fc1 relu1 drop1 fc2 relu2 drop2 fc3");
    expect_names(2, "picture flatten fc1");
    expect_names(4, "picture conv1 relu1 pool1 conv2 relu2 pool2 flatten fc1 relu3 fc2 relu4 fc3");
    expect_names(6, "picture conv1 norm1 relu1 pool1 conv2 norm2 relu2 pool2 flatten fc1 relu3 fc2 relu4 fc3");
}

Test(models, multiply_accumulates) {
    lyne_node *logits;
    lyne_graph *g = graph_of(4, 28, &logits);
    /* conv1 28 28 6 25, conv2 10 10 16 150, fc 400 120, 120 84, 84 10 */
    cr_expect(lyne_graph_count_macs(g) == 117600 + 240000 + 48000 + 10080 + 840, "%d", (int)lyne_graph_count_macs(g));
    lyne_graph_free(g);
}

Test(models, too_small) {
    lyne_node *logits;
    lyne_error err = {0};
    lyne_graph *g = graph_of(4, 8, &logits);
    cr_expect(logits == NULL && lyne_graph_status(g, &err) == LYNE_ERECIPE);
    cr_expect(strstr(err.text, "conv2: kernel 5 (dilation 1) does not fit a picture of 4 x 4"), "%s", err.text);
    lyne_graph_free(g);
}

static lyne_node *build(lyne_graph *g, const void *context, lyne_node *const *src) {
    const int row = *(const int *)context;
    lyne_arena arena = {0};
    const void *config = bench_config(&rows[row].model->component, rows[row].config, &arena);
    lyne_node *logits = rows[row].model->build(g, config, src[0], rows[row].classes);
    lyne_arena_free(&arena);
    return logits;
}

/* A step of that length along the gradient. */
static void move(bench *b, const float *grad, double length) {
    lyne_weights *w = b->weights;
    for (size_t k = 0; k < w->n_trained; k++) w->value[k] += (float)(length * (double)grad[k]);
    bench_changed(b);
}

/* Small steps with the gradient and against it change the objective by about its squared length. */
Test(models, gradient_points_uphill) {
    for (int i = 0; i < N_ROWS; i++) {
        const bench_subject s = {
            .n_src = 1,
            .src = {{.shape = {4, {4, rows[i].channels, rows[i].size, rows[i].size}}, .constant = true}},
            .build = build,
            .context = &i};
        bench b;
        lyne_error err = {0};
        cr_assert(bench_open(&b, &s, true, &err) == LYNE_OK, "row %d: %s", i, err.text);
        lyne_weights *w = b.weights;
        for (int k = 0; k < w->n; k++) /* the size of a network's that begins to learn */
            for (int64_t j = 0; j < lyne_shape_size(&w->param[k].shape); j++) {
                float *x = &w->value[w->offset[k] + (size_t)j];
                if (w->param[k].role != LYNE_STATE) *x = w->param[k].role == LYNE_SCALE ? 1 + 0.1f * *x : 0.05f * *x;
            }
        bench_changed(&b);
        cr_assert(bench_run(&b, &err) == LYNE_OK);
        float *grad = malloc(w->n_trained * sizeof *grad);
        double square = 0, at[2];
        for (size_t k = 0; k < w->n_trained; k++) {
            grad[k] = isfinite(w->grad[k]) ? w->grad[k] : 0; /* padding is nobody's */
            square += pow((double)grad[k], 2);
        }
        const double step = 1e-5 / sqrt(square);
        for (int k = 0; k < 2; k++) {
            move(&b, grad, k ? 2 * step : -step);
            cr_assert(bench_run(&b, &err) == LYNE_OK);
            at[k] = b.objective;
        }
        const double rose = (at[1] - at[0]) / (2 * step * square);
        cr_expect(rose > 0.95 && rose < 1.05, "row %d: rose by %g of what was due", i, rose);
        free(grad);
        bench_close(&b);
    }
}
