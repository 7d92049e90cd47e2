/* tests/train/precision.c -- a small network trained in bf16 loses what the same network loses in f32, nearly. */
#include "../fill.h"

#include "base/random.h"
#include "dnn/dnn.h"
#include "lyne/ops.h"
#include "optim/optimizer.h"
#include "train/network.h"
#include <math.h>

extern const lyne_optimizer lyne_optimizer_sgd;
extern const lyne_loss lyne_loss_cross_entropy, lyne_loss_kd;

enum { BATCH = 32, SIDE = 8, CHANNELS = 3, CLASSES = 4, STEPS = 60, BATCHES = 8, SEEDS = 8 };

static lyne_node *norm(lyne_graph *g, const char *name, lyne_node *x) {
    return lyne_batch_norm(g, name, x, (lyne_batch_norm_config){LYNE_BATCH_NORM_DEFAULTS});
}

static lyne_node *build(lyne_graph *g, const void *config, lyne_node *x, int64_t n_classes) {
    (void)config;
    const lyne_conv2d_config conv = {LYNE_CONV2D_DEFAULTS, .filters = 16, .padding = 1, .bias = false};
    x = lyne_relu(g, "relu1", norm(g, "bn1", lyne_conv2d(g, "conv1", x, conv)));
    lyne_node *y = norm(g, "bn2", lyne_conv2d(g, "conv2", x, conv));
    x = lyne_max_pool(g, "pool1", lyne_relu(g, "relu2", lyne_add(g, "add", x, y)),
                      (lyne_pool_config){LYNE_POOL_DEFAULTS});
    lyne_node *mean = lyne_global_avg_pool(g, "gap", x);
    x = lyne_linear(g, "fc1", lyne_flatten(g, "flatten", x), (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = 16});
    x = lyne_relu(g, "relu3", lyne_add(g, "add2", x, mean));
    return lyne_linear(g, "fc2", x, (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

/* Pictures of a bright square in one of four corners, in noise. */
static void draw(int step, uint8_t *picture, int32_t *label, float *teacher) {
    lyne_stream s = lyne_stream_at(5, LYNE_FOR_CHECK, 0, (uint64_t)(step % BATCHES));
    for (int b = 0; b < BATCH; b++) {
        label[b] = (int32_t)lyne_stream_between(&s, 0, CLASSES - 1);
        for (int c = 0; c < CLASSES; c++)
            teacher[b * CLASSES + c] = (float)(3 * (c == label[b])) + lyne_stream_uniform(&s);
        for (int i = 0; i < SIDE * SIDE * CHANNELS; i++) {
            const int x = i / CHANNELS % SIDE, y = i / CHANNELS / SIDE;
            const bool bright = (x < SIDE / 2) == (label[b] % 2) && (y < SIDE / 2) == (label[b] / 2);
            picture[b * SIDE * SIDE * CHANNELS + i] = (uint8_t)(lyne_stream_between(&s, 0, 200) + (bright ? 50 : 0));
        }
    }
}

static void train(lyne_type precision, uint64_t seed, double loss[STEPS]) {
    static const double half = 0.5, quarter = 0.25;
    const lyne_model model = {{.kind = LYNE_MODEL, .name = "small"}, build};
    const lyne_task task = {.picture = {CHANNELS, SIDE, SIDE},
                            .n_classes = CLASSES,
                            .mean = {1, &half},
                            .sd = {1, &quarter},
                            .precision = precision};
    filled term[] = {filled_with(&lyne_loss_kd.component, "{kd: {temperature: 4, weight: 0.9}}"),
                     filled_with(&lyne_loss_cross_entropy.component, "{cross_entropy: {weight: 0.1}}")};
    filled sgd = filled_with(&lyne_optimizer_sgd.component, "{sgd: {lr: 0.05, momentum: 0.9}}");
    lyne_instance losses[] = {term[0].instance, term[1].instance};
    const lyne_network_options o = {
        .model = {.row = &model.component}, .task = &task, .batch = BATCH, .losses = {2, losses}, .seed = seed};
    lyne_network n;
    lyne_error err = {0};
    cr_assert_eq(lyne_network_init(&n, &o, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(lyne_graph_find(n.graph, "bn1")->type, precision);
    cr_expect_eq(n.logits->type, LYNE_F32);
    lyne_update u = {.weights = n.weights, .lr = 0.05, .slot = {lyne_alloc(n.weights->n_trained, sizeof(float))}};
    for (int step = 0; step < STEPS; step++) {
        draw(step, lyne_program_input(n.program, n.picture), lyne_program_input(n.program, n.label),
             lyne_program_input(n.program, n.teacher));
        cr_assert_eq(lyne_program_run(n.program, &(lyne_clock){0}, &err), LYNE_OK, "%s", err.text);
        loss[step] = 0;
        for (int i = 0; i < n.n_terms; i++)
            loss[step] += n.term[i].weight * (double)*(const float *)lyne_program_output(n.program, n.term[i].node);
        u.step = (uint64_t)step + 1;
        lyne_optimizer_sgd.step(sgd.instance.config, &u);
    }
    lyne_free(u.slot[0]);
    lyne_network_deinit(&n);
    for (int i = 0; i < 2; i++) unfill(&term[i]);
    unfill(&sgd);
}

/* What rounding does to a step is small; over many steps it grows to another path to the same place.  So the first steps
 * are held to one another, of the rest only the mean over some seeds. */
Test(precision, losses_stay_close) {
    if (!dnn_has_bf16()) cr_skip_test("this CPU has no bf16");
    double apart = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        double f32[STEPS], bf16[STEPS];
        train(LYNE_F32, seed, f32);
        train(LYNE_BF16, seed, bf16);
        cr_expect(f32[STEPS - 1] < 0.5 * f32[0], "it learns: %g, then %g", f32[0], f32[STEPS - 1]);
        cr_expect(bf16[0] != f32[0] && fabs(bf16[0] - f32[0]) < 0.01 * f32[0], "%g, %g", bf16[0], f32[0]);
        for (int i = 0; i < STEPS; i++) {
            const double d = (bf16[i] - f32[i]) / f32[0];
            cr_expect(i >= 5 || fabs(d) < 0.01, "seed %d, step %d: they part by %g of the first", (int)seed, i, d);
            apart += d / STEPS / SEEDS;
        }
    }
    cr_expect(fabs(apart) < 0.01, "over %d seeds they part by %g of the first", SEEDS, apart);
}
