/* Lean memory: the same bits after some steps, running statistics included, in less memory. */
#include "../fill.h"

#include "base/random.h"
#include "dnn/dnn.h"
#include "lyne/ops.h"
#include "optim/optimizer.h"
#include "train/network.h"
#include <omp.h>
#include <string.h>

extern const lyne_optimizer lyne_optimizer_sgd;
extern const lyne_loss lyne_loss_cross_entropy, lyne_loss_kd;

enum { BATCH = 8, SIDE = 8, CLASSES = 4, STEPS = 4, BLOCKS = 8 };

/* An op that reads the running statistic which it moves, as none that is built in does:  dst = a src, a = doubled / 2 +
 * seen / 8 with what a kernel makes of its scale;  seen += 1. */
static lyne_status drift_shape(lyne_node *n, lyne_error *err) {
    n->shape = n->src[0]->shape;
    lyne_status status = lyne_node_param(n, "scale", LYNE_SHAPE(1), LYNE_SCALE, LYNE_INIT_ONE, 0, err);
    return status ? status : lyne_node_param(n, "seen", LYNE_SHAPE(1), LYNE_STATE, LYNE_INIT_ZERO, 0, err);
}

static void drift_double(const lyne_call *call) { /* scale, doubled */
    *(float *)call->buffer[1] = 2 * *(const float *)call->buffer[0];
}

static void drift_forward(const lyne_call *call) { /* src, dst, doubled, seen, a */
    float *seen = call->buffer[3], *a = call->buffer[4];
    *a = *(const float *)call->buffer[2] / 2 + *seen / 8;
    *seen += 1;
    for (int64_t i = 0; i < lyne_shape_size(&call->node->shape); i++)
        ((float *)call->buffer[1])[i] = *a * ((const float *)call->buffer[0])[i];
}

static void drift_backward(const lyne_call *call) { /* src, diff_dst, a, diff_scale, diff_src */
    const float *src = call->buffer[0], *diff_dst = call->buffer[1], *a = call->buffer[2];
    double sum = 0;
    for (int64_t i = 0; i < lyne_shape_size(&call->node->shape); i++) {
        sum += (double)diff_dst[i] * (double)src[i];
        ((float *)call->buffer[4])[i] = *a * diff_dst[i];
    }
    *(float *)call->buffer[3] = (float)sum;
}

static lyne_status drift_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n),
                             lyne_weight_made(p, n, 0, sizeof(float), "doubled", drift_double, NULL, 0, err),
                             lyne_weight(p, n, 1, NULL, err), lyne_kept(p, n, 0, sizeof(float))};
    return lyne_emit_kernel(p, n, "drift", drift_forward, NULL, 0, b, 5, err);
}

static lyne_status drift_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_diff_dst(p, n), lyne_kept(p, n, 0, sizeof(float)),
                             lyne_diff_weight(p, n, 0, NULL, err), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "drift", drift_backward, NULL, 0, b, 5, err);
}

static const lyne_op drift = {.component = {.kind = LYNE_OP, .name = "drift"},
                              .n_src = 1,
                              .shape = drift_shape,
                              .emit = drift_emit,
                              .emit_backward = drift_emit_backward};

/* Residual blocks with dropout and a pooling between: what is kept for backward, and what draws. */
static lyne_node *build(lyne_graph *g, const void *config, lyne_node *x, int64_t n_classes) {
    (void)config;
    const lyne_conv2d_config conv = {LYNE_CONV2D_DEFAULTS, .filters = 8, .padding = 1, .bias = false};
    const lyne_batch_norm_config norm = {LYNE_BATCH_NORM_DEFAULTS};
    static const char *const name[BLOCKS] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    x = lyne_relu(g, "relu", lyne_batch_norm(g, "bn", lyne_conv2d(g, "conv", x, conv), norm));
    for (int i = 0; i < BLOCKS; i++) {
        lyne_graph_enter(g, name[i]);
        lyne_node *y = lyne_relu(g, "relu1", lyne_batch_norm(g, "bn1", lyne_conv2d(g, "conv1", x, conv), norm));
        y = lyne_batch_norm(g, "bn2", lyne_conv2d(g, "conv2", y, conv), norm);
        x = lyne_relu(g, "relu2", lyne_add(g, "add", y, x));
        x = lyne_graph_add(g, &drift, "drift", NULL, &x, 1);
        if (i % 3 == 1) x = lyne_dropout(g, "drop", x, (lyne_dropout_config){.rate = 0.2});
        if (i == 4) x = lyne_max_pool(g, "pool", x, (lyne_pool_config){LYNE_POOL_DEFAULTS});
        lyne_graph_leave(g);
    }
    return lyne_linear(g, "fc", lyne_flatten(g, "flatten", x),
                       (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
}

static lyne_digest train(bool lean, lyne_type precision, size_t *bytes) {
    static const double half = 0.5, quarter = 0.25;
    const lyne_model model = {{.kind = LYNE_MODEL, .name = "small"}, build};
    const lyne_task task = {.picture = {3, SIDE, SIDE},
                            .n_classes = CLASSES,
                            .mean = {1, &half},
                            .sd = {1, &quarter},
                            .precision = precision};
    filled term[] = {filled_with(&lyne_loss_kd.component, "kd"),
                     filled_with(&lyne_loss_cross_entropy.component, "cross_entropy")};
    filled sgd = filled_with(&lyne_optimizer_sgd.component, "{sgd: {lr: 0.05, momentum: 0.9}}");
    lyne_instance losses[] = {term[0].instance, term[1].instance};
    const lyne_network_options o = {.model = {.row = &model.component},
                                    .task = &task,
                                    .batch = BATCH,
                                    .losses = {2, losses},
                                    .lean = lean,
                                    .seed = 1};
    lyne_network n;
    lyne_error err = {0};
    cr_assert_eq(lyne_network_init(&n, &o, &err), LYNE_OK, "%s", err.text);
    lyne_update u = {.weights = n.weights, .lr = 0.05, .slot = {lyne_alloc(n.weights->n_trained, sizeof(float))}};
    for (uint64_t step = 0; step < STEPS; step++) {
        lyne_stream s = lyne_stream_at(5, LYNE_FOR_CHECK, 0, step);
        uint8_t *picture = lyne_program_input(n.program, n.picture);
        for (int i = 0; i < BATCH * 3 * SIDE * SIDE; i++) picture[i] = (uint8_t)lyne_stream_bits(&s);
        int32_t *label = lyne_program_input(n.program, n.label);
        for (int i = 0; i < BATCH; i++) label[i] = (int32_t)lyne_stream_between(&s, 0, CLASSES - 1);
        float *teacher = lyne_program_input(n.program, n.teacher);
        for (int i = 0; i < BATCH * CLASSES; i++) teacher[i] = lyne_stream_uniform(&s);
        const lyne_clock clock = {.seed = 3, .position = step * BATCH};
        cr_assert_eq(lyne_program_run(n.program, &clock, &err), LYNE_OK, "%s", err.text);
        u.step = step + 1;
        lyne_optimizer_sgd.step(sgd.instance.config, &u);
    }
    int doubled = 0;
    for (int i = 0; i < lyne_program_n_steps(n.program); i++)
        doubled += strcmp(lyne_program_step(n.program, i).what, "doubled") == 0;
    cr_expect_eq(doubled, BLOCKS, "made %d times", doubled);
    const lyne_digest digest = lyne_weights_digest(n.weights);
    *bytes = lyne_program_bytes(n.program);
    lyne_free(u.slot[0]);
    lyne_network_deinit(&n);
    for (int i = 0; i < 2; i++) unfill(&term[i]);
    unfill(&sgd);
    return digest;
}

/* With one thread, since kernels have room for each thread that is the same lean or not. */
static void check(lyne_type precision, int threads) {
    size_t normal_bytes, lean_bytes;
    omp_set_num_threads(threads);
    const lyne_digest normal = train(false, precision, &normal_bytes), lean = train(true, precision, &lean_bytes);
    cr_expect(normal.low == lean.low && normal.high == lean.high);
    if (threads == 1) cr_expect(lean_bytes < normal_bytes * 3 / 4, "%zu bytes, %zu lean", normal_bytes, lean_bytes);
}

Test(lean, same_bits_in_less_memory) {
    for (int threads = 1; threads <= 2; threads++) {
        check(LYNE_F32, threads);
        if (dnn_has_bf16()) check(LYNE_BF16, threads);
    }
}
