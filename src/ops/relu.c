/* ops/relu.c -- dst = max(0, src).  src, dst: the same shape, any rank.
 *   diff_src = diff_dst where dst > 0, else 0
 * Backward reads dst, not src, so the memory of src may be used again once forward has run.
 * Own kernels, as fast as oneDNN's, because there max(0, NaN) = 0: a network that has diverged would go on with a loss
 * that looks fine.  Here NaN stays NaN. */
#include "base/bf16.h"
#include "lyne/ops.h"
#include "ops/common.h"

static lyne_status relu_shape(lyne_node *n, lyne_error *err) {
    n->shape = n->src[0]->shape;
    return lyne_check_source(n, err);
}

typedef struct relu_config {
    int64_t n;
} relu_config;

static relu_config config_of(const lyne_node *n) {
    return (relu_config){.n = lyne_shape_size(&n->shape)};
}

static void forward(const lyne_call *call) {
    const int64_t n = ((const relu_config *)call->config)->n;
    const float *restrict src = call->buffer[0];
    float *restrict dst = call->buffer[1];
#pragma omp parallel for simd schedule(static) if (parallel : n > 16384)
    for (int64_t i = 0; i < n; i++) dst[i] = src[i] < 0 ? 0 : src[i];
}

static void backward(const lyne_call *call) {
    const int64_t n = ((const relu_config *)call->config)->n;
    const float *restrict dst = call->buffer[0], *restrict diff_dst = call->buffer[1];
    float *restrict diff_src = call->buffer[2];
#pragma omp parallel for simd schedule(static) if (parallel : n > 16384)
    for (int64_t i = 0; i < n; i++) {
        const float diff = diff_dst[i];
        diff_src[i] = dst[i] > 0 ? diff : 0;
    }
}

/* In bf16 nothing is rounded: a number is kept as it is, or 0. */
static void forward_bf16(const lyne_call *call) {
    const int64_t n = ((const relu_config *)call->config)->n;
    const uint16_t *restrict src = call->buffer[0];
    uint16_t *restrict dst = call->buffer[1];
#pragma omp parallel for simd schedule(static) if (parallel : n > 16384)
    for (int64_t i = 0; i < n; i++) dst[i] = lyne_from_bf16(src[i]) < 0 ? 0 : src[i];
}

static void backward_bf16(const lyne_call *call) {
    const int64_t n = ((const relu_config *)call->config)->n;
    const uint16_t *restrict dst = call->buffer[0], *restrict diff_dst = call->buffer[1];
    uint16_t *restrict diff_src = call->buffer[2];
#pragma omp parallel for simd schedule(static) if (parallel : n > 16384)
    for (int64_t i = 0; i < n; i++) {
        const uint16_t diff = diff_dst[i];
        diff_src[i] = lyne_from_bf16(dst[i]) > 0 ? diff : 0;
    }
}

static lyne_status relu_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const relu_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "relu", n->type == LYNE_BF16 ? forward_bf16 : forward, &c, sizeof c, b, 2, err);
}

static lyne_status relu_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const relu_config c = config_of(n);
    const lyne_buffer b[] = {lyne_dst(p, n), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "relu", n->type == LYNE_BF16 ? backward_bf16 : backward, &c, sizeof c, b, 3, err);
}

static const lyne_op_case cases[] = {{.src = {{2, {4, 9}}}, .has_kink = true},
                                     {.src = {{4, {2, 3, 4, 5}}}, .has_kink = true},
                                     {.src = {{4, {8, 16, 7, 7}}}, .has_kink = true},
                                     {0}};

extern const lyne_op lyne_op_relu;
lyne_node *lyne_relu(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &lyne_op_relu, name, NULL, &src, 1);
}

const lyne_op lyne_op_relu = {.component = {.kind = LYNE_OP, .name = "relu", .help = "max(0, x)", .example = "relu"},
                              .n_src = 1,
                              .precision = LYNE_EITHER,
                              .shape = relu_shape,
                              .emit = relu_emit,
                              .emit_backward = relu_emit_backward,
                              .cases = cases};
