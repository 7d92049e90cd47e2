/* ops/gelu.c -- dst = x Phi(x), Phi the normal distribution function, by erf and not by tanh.  src, dst: one shape, any
 * rank, f32 or bf16.
 *   diff_src = (Phi(x) + x phi(x)) diff_dst
 * With h = |x| / sqrt 2 and t = 1 / (1 + p h), erfc(h) = t (a1 + t (a2 + ...)) exp(-h^2) to 1.5e-7 (Abramowitz, Stegun
 * 1964, 7.1.26), so one exponential gives both Phi and phi = exp(-h^2) / sqrt(2 pi), and gcc makes vectors of it.
 * Training keeps the slope, in the type of src, which backward then need not read: it multiplies, and no more memory is
 * alive than if src were; a linear layer behind it multiplies on its way.  oneDNN's gelu in bf16 takes longer than in f32. */
#include "base/bf16.h"
#include "base/exponential.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/common.h"

enum { BLOCK = 4096 };

/* Phi(x), and exp(-x^2 / 2) in *density. */
LYNE_INLINE float distribution(float x, float *density) {
    const float h = (x < 0 ? -x : x) * 0.70710678f, t = 1 / (1 + 0.3275911f * h);
    float sum = 1.061405429f;
    sum = sum * t - 1.453152027f;
    sum = sum * t + 1.421413741f;
    sum = sum * t - 0.284496736f;
    sum = sum * t + 0.254829592f;
    *density = lyne_exp_f32(-h * h);
    const float above = 0.5f * t * sum * *density; /* what lies beyond |x| */
    return x < 0 ? above : 1 - above;
}

/* slope NULL: not wanted */
LYNE_INLINE void value(int64_t n, const void *restrict src, void *restrict dst, void *restrict slope, bool bf16) {
    float density;
    if (!slope)
        for (int64_t i = 0; i < n; i++) {
            const float x = lyne_load(src, i, bf16);
            lyne_store(dst, i, bf16, x * distribution(x, &density));
        }
    else
        for (int64_t i = 0; i < n; i++) {
            const float x = lyne_load(src, i, bf16), below = distribution(x, &density);
            lyne_store(dst, i, bf16, x * below);
            lyne_store(slope, i, bf16, below + x * 0.39894228f * density);
        }
}
LYNE_VECTOR static void value_f32(int64_t n, const void *src, void *dst, void *slope) {
    value(n, src, dst, slope, false);
}
LYNE_VECTOR static void value_bf16(int64_t n, const void *src, void *dst, void *slope) {
    value(n, src, dst, slope, true);
}

LYNE_INLINE void multiply(int64_t n, const void *restrict slope, const void *restrict diff_dst, void *restrict diff_src,
                          bool bf16) {
    for (int64_t i = 0; i < n; i++)
        lyne_store(diff_src, i, bf16, lyne_load(slope, i, bf16) * lyne_load(diff_dst, i, bf16));
}
LYNE_VECTOR static void multiply_f32(int64_t n, const void *slope, const void *diff_dst, void *diff_src) {
    multiply(n, slope, diff_dst, diff_src, false);
}
LYNE_VECTOR static void multiply_bf16(int64_t n, const void *slope, const void *diff_dst, void *diff_src) {
    multiply(n, slope, diff_dst, diff_src, true);
}

typedef struct gelu_config {
    int64_t n;
    bool bf16;
} gelu_config;

static int64_t block_at(const gelu_config *c, int64_t at) {
    return c->n - at < BLOCK ? c->n - at : BLOCK;
}

/* src, dst, slope or none */
static void forward(const lyne_call *call) {
    const gelu_config *c = call->config;
#pragma omp parallel for schedule(static) if (c->n > 2 * BLOCK)
    for (int64_t at = 0; at < c->n; at += BLOCK)
        (c->bf16 ? value_bf16 : value_f32)(block_at(c, at), lyne_at(call->buffer[0], at, c->bf16),
                                           lyne_at_mutable(call->buffer[1], at, c->bf16),
                                           call->buffer[2] ? lyne_at_mutable(call->buffer[2], at, c->bf16) : NULL);
}

/* slope, diff_dst, diff_src */
static void backward(const lyne_call *call) {
    const gelu_config *c = call->config;
#pragma omp parallel for schedule(static) if (c->n > 2 * BLOCK)
    for (int64_t at = 0; at < c->n; at += BLOCK)
        (c->bf16 ? multiply_bf16 : multiply_f32)(block_at(c, at), lyne_at(call->buffer[0], at, c->bf16),
                                                 lyne_at(call->buffer[1], at, c->bf16),
                                                 lyne_at_mutable(call->buffer[2], at, c->bf16));
}

static lyne_status gelu_shape(lyne_node *n, lyne_error *err) {
    n->shape = n->src[0]->shape;
    return lyne_check_source(n, err);
}

static gelu_config config_of(const lyne_node *n) {
    return (gelu_config){.n = lyne_shape_size(&n->shape), .bf16 = n->type == LYNE_BF16};
}

static lyne_buffer kept_slope(lyne_program *p, const lyne_node *n) {
    return lyne_kept(p, n, 0, (size_t)lyne_shape_size(&n->shape) * lyne_type_size(n->type));
}

static lyne_status gelu_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const gelu_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n),
                             lyne_is_training(p) && n->needs_grad ? kept_slope(p, n) : LYNE_NO_BUFFER};
    if (!c.bf16) lyne_slope_is(p, n, b[2]);
    return lyne_emit_kernel(p, n, "gelu", forward, &c, sizeof c, b, 3, err);
}

static lyne_status gelu_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const gelu_config c = config_of(n);
    if (lyne_slope_is_in(p, n)) {
        lyne_diff_src_is(p, n, 0, lyne_diff_dst(p, n));
        return LYNE_OK;
    }
    const lyne_buffer b[] = {kept_slope(p, n), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "gelu", backward, &c, sizeof c, b, 3, err);
}

static const lyne_op_case cases[] = {{.src = {{2, {7, 33}}}, .spread = true},
                                     {.src = {{3, {4, 33, 65}}}},
                                     {.src = {{4, {3, 5, 3, 5}}}, .spread = true},
                                     {0}};

extern const lyne_op lyne_op_gelu;
lyne_node *lyne_gelu(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &lyne_op_gelu, name, NULL, &src, 1);
}

const lyne_op lyne_op_gelu = {.component = {.kind = LYNE_OP,
                                            .name = "gelu",
                                            .help = "x times the normal distribution below x, by erf",
                                            .source = "Hendrycks, Gimpel 2016, arXiv:1606.08415",
                                            .example = "gelu"},
                              .n_src = 1,
                              .precision = LYNE_EITHER,
                              .shape = gelu_shape,
                              .emit = gelu_emit,
                              .emit_backward = gelu_emit_backward,
                              .cases = cases};
