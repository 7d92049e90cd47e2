/* ops/layer_norm.c -- the F numbers of each place to mean 0 and variance 1, then scaled and shifted.
 *   src, dst (B, F) or (B, L, F), f32 or bf16;  weight, bias (F);  R = B L places.  The same in training and inference.
 *     y = (src - mean) rstd;  dst = y weight + bias
 *     g = weight diff_dst;  diff_src = rstd (g - sum(g) / F - y sum(g y) / F)
 *     diff_weight = sum over places of diff_dst y;  diff_bias = of diff_dst
 * To diff_src is added what came to src from a branch around the norm.
 * Mean and rstd are kept from forward.  Sums over F are in f32 in 16 lanes; those over places in f32 within a block of
 * BLOCK places and in double over blocks, which no number of threads changes. */
#include "base/bf16.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/common.h"

#include <math.h>
#include <string.h>

enum { WEIGHT, BIAS, LANES = 16, BLOCK = 64 };

static const lyne_field fields[] = {
    LYNE_FLOAT(lyne_layer_norm_config, epsilon, "added to the variance", "1e-5", 1e-12, 1), LYNE_FIELDS_END};

static lyne_status layer_norm_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape;
    if (src->rank != 2 && src->rank != 3) return lyne_misfit(n, "(B, F) or (B, L, F)", err);
    n->shape = *src;
    lyne_status status = lyne_check_source(n, err);
    const lyne_shape F = LYNE_SHAPE(src->dim[src->rank - 1]);
    if (status == LYNE_OK) status = lyne_node_param(n, "weight", F, LYNE_SCALE, LYNE_INIT_ONE, 0, err);
    return status != LYNE_OK ? status : lyne_node_param(n, "bias", F, LYNE_SHIFT, LYNE_INIT_ZERO, 0, err);
}

typedef struct norm_config {
    int64_t places, F;
    float epsilon;
    bool bf16;
} norm_config;

static norm_config config_of(const lyne_node *n) {
    const int64_t F = n->shape.dim[n->shape.rank - 1];
    return (norm_config){.places = lyne_shape_size(&n->shape) / F,
                         .F = F,
                         .epsilon = (float)((const lyne_layer_norm_config *)n->config)->epsilon,
                         .bf16 = n->type == LYNE_BF16};
}

static int64_t blocks_of(const norm_config *c) {
    return (c->places + BLOCK - 1) / BLOCK;
}
static int64_t places_of(const norm_config *c, int64_t block) {
    const int64_t left = c->places - block * BLOCK;
    return left < BLOCK ? left : BLOCK;
}

LYNE_INLINE float total(const float lane[LANES]) {
    float sum = 0;
    for (int j = 0; j < LANES; j++) sum += lane[j];
    return sum;
}

/* ---- forward ---- */

/* Sum of (src - shift)^power over the F numbers of a place, power 1 or 2. */
LYNE_INLINE float moment(int64_t F, const void *restrict src, float shift, int power, bool bf16) {
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= F; i += LANES)
        for (int j = 0; j < LANES; j++) {
            const float d = lyne_load(src, i + j, bf16) - shift;
            lane[j] += power == 1 ? d : d * d;
        }
    for (; i < F; i++) {
        const float d = lyne_load(src, i, bf16) - shift;
        lane[0] += power == 1 ? d : d * d;
    }
    return total(lane);
}

LYNE_INLINE void normalise(const norm_config *c, int64_t n, const void *restrict src, const float *restrict weight,
                           const float *restrict bias, float *restrict kept, void *restrict dst, bool bf16) {
    const int64_t F = c->F;
    for (int64_t r = 0; r < n; r++) {
        const void *from = lyne_at(src, r * F, bf16);
        void *to = lyne_at_mutable(dst, r * F, bf16);
        const float first = lyne_load(from, 0, bf16); /* near the mean: what is summed up stays small */
        const float mean = first + moment(F, from, first, 1, bf16) / (float)F;
        const float rstd = 1 / sqrtf(moment(F, from, mean, 2, bf16) / (float)F + c->epsilon);
        for (int64_t i = 0; i < F; i++)
            lyne_store(to, i, bf16, (lyne_load(from, i, bf16) - mean) * rstd * weight[i] + bias[i]);
        kept[2 * r] = mean;
        kept[2 * r + 1] = rstd;
    }
}
LYNE_VECTOR static void normalise_f32(const norm_config *c, int64_t n, const void *src, const float *weight,
                                      const float *bias, float *kept, void *dst) {
    normalise(c, n, src, weight, bias, kept, dst, false);
}
LYNE_VECTOR static void normalise_bf16(const norm_config *c, int64_t n, const void *src, const float *weight,
                                       const float *bias, float *kept, void *dst) {
    normalise(c, n, src, weight, bias, kept, dst, true);
}

/* src, weight, bias, mean and rstd of each place, dst */
static void forward(const lyne_call *call) {
    const norm_config *c = call->config;
    float *kept = call->buffer[3];
#pragma omp parallel for schedule(static) if (c->places * c->F > 16384)
    for (int64_t k = 0; k < blocks_of(c); k++) {
        const int64_t at = k * BLOCK;
        (c->bf16 ? normalise_bf16 : normalise_f32)(c, places_of(c, k), lyne_at(call->buffer[0], at * c->F, c->bf16),
                                                   call->buffer[1], call->buffer[2], kept + 2 * at,
                                                   lyne_at_mutable(call->buffer[4], at * c->F, c->bf16));
    }
}

static lyne_status layer_norm_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const norm_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_weight(p, n, WEIGHT, NULL, err),
                             lyne_weight(p, n, BIAS, NULL, err),
                             lyne_kept(p, n, 0, (size_t)c.places * 2 * sizeof(float)), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "layer_norm", forward, &c, sizeof c, b, 5, err);
}

/* ---- backward ---- */

/* Of one place: diff_src, unless it is NULL, and what is added to the sums of its block. */
LYNE_INLINE void back(int64_t F, const void *restrict src, const void *restrict diff, const float *restrict weight,
                      float mean, float rstd, float *restrict sum_y, float *restrict sum, const void *restrict other,
                      void *restrict diff_src, bool bf16) {
    float plain[LANES] = {0}, product[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= F; i += LANES)
        for (int j = 0; j < LANES; j++) {
            const float d = lyne_load(diff, i + j, bf16), y = (lyne_load(src, i + j, bf16) - mean) * rstd;
            plain[j] += weight[i + j] * d;
            product[j] += weight[i + j] * d * y;
            sum_y[i + j] += d * y;
            sum[i + j] += d;
        }
    for (; i < F; i++) {
        const float d = lyne_load(diff, i, bf16), y = (lyne_load(src, i, bf16) - mean) * rstd;
        plain[0] += weight[i] * d;
        product[0] += weight[i] * d * y;
        sum_y[i] += d * y;
        sum[i] += d;
    }
    if (!diff_src) return;
    const float a = total(plain) / (float)F, b = total(product) / (float)F;
    for (int64_t k = 0; k < F; k++) {
        const float y = (lyne_load(src, k, bf16) - mean) * rstd;
        const float own = rstd * (weight[k] * lyne_load(diff, k, bf16) - a - y * b);
        lyne_store(diff_src, k, bf16, other ? lyne_load(other, k, bf16) + own : own);
    }
}
LYNE_VECTOR static void back_f32(int64_t F, const void *src, const void *diff, const float *weight, float mean,
                                 float rstd, float *sum_y, float *sum, const void *other, void *diff_src) {
    back(F, src, diff, weight, mean, rstd, sum_y, sum, other, diff_src, false);
}
LYNE_VECTOR static void back_bf16(int64_t F, const void *src, const void *diff, const float *weight, float mean,
                                  float rstd, float *sum_y, float *sum, const void *other, void *diff_src) {
    back(F, src, diff, weight, mean, rstd, sum_y, sum, other, diff_src, true);
}

/* src, diff_dst, weight, mean and rstd, sums (blocks, 2, F), diff_weight, diff_bias, what is added or none,
 * diff_src or none */
static void backward(const lyne_call *call) {
    const norm_config *c = call->config;
    const float *weight = call->buffer[2], *kept = call->buffer[3];
    float *sums = call->buffer[4], *diff[] = {call->buffer[5], call->buffer[6]};
    const int64_t F = c->F, blocks = blocks_of(c);
#pragma omp parallel for schedule(static) if (c->places * F > 16384)
    for (int64_t k = 0; k < blocks; k++) {
        float *sum = sums + k * 2 * F;
        memset(sum, 0, (size_t)(2 * F) * sizeof *sum);
        for (int64_t r = k * BLOCK; r < k * BLOCK + places_of(c, k); r++)
            (c->bf16 ? back_bf16 : back_f32)(F, lyne_at(call->buffer[0], r * F, c->bf16),
                                             lyne_at(call->buffer[1], r * F, c->bf16), weight, kept[2 * r],
                                             kept[2 * r + 1], sum, sum + F,
                                             call->buffer[7] ? lyne_at(call->buffer[7], r * F, c->bf16) : NULL,
                                             call->buffer[8] ? lyne_at_mutable(call->buffer[8], r * F, c->bf16) : NULL);
    }
    for (int64_t i = 0; i < 2 * F; i++) {
        double all = 0;
        for (int64_t k = 0; k < blocks; k++) all += (double)sums[k * 2 * F + i];
        diff[i / F][i % F] = (float)all;
    }
}

static lyne_status layer_norm_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const norm_config c = config_of(n);
    const lyne_buffer so_far = lyne_diff_src_so_far(p, n, 0);
    const lyne_buffer b[] = {lyne_src(p, n, 0),
                             lyne_diff_dst(p, n),
                             lyne_weight(p, n, WEIGHT, NULL, err),
                             lyne_kept(p, n, 0, 0),
                             lyne_scratch(p, (size_t)(blocks_of(&c) * 2 * c.F) * sizeof(float)),
                             lyne_diff_weight(p, n, WEIGHT, NULL, err),
                             lyne_diff_weight(p, n, BIAS, NULL, err),
                             so_far,
                             lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "layer_norm", backward, &c, sizeof c, b, 9, err);
}

static const lyne_op_case cases[] = {{.src = {{2, {3, 5}}}},
                                     {.src = {{3, {2, 3, 8}}}},
                                     {.config = "{epsilon: 1e-3}", .src = {{3, {4, 9, 37}}}},
                                     {.src = {{3, {4, 33, 128}}}},
                                     {0}};

extern const lyne_op lyne_op_layer_norm;
lyne_node *lyne_layer_norm(lyne_graph *g, const char *name, lyne_node *src, lyne_layer_norm_config c) {
    return lyne_graph_add(g, &lyne_op_layer_norm, name, &c, &src, 1);
}

const lyne_op lyne_op_layer_norm = {.component = {.kind = LYNE_OP,
                                                  .name = "layer_norm",
                                                  .help = "the last dimension to mean 0 and variance 1, then scaled "
                                                          "and shifted",
                                                  .source = "Ba, Kiros, Hinton 2016, arXiv:1607.06450",
                                                  .example = "layer_norm",
                                                  .config_size = sizeof(lyne_layer_norm_config),
                                                  .fields = fields},
                                    .n_src = 1,
                                    .precision = LYNE_EITHER,
                                    .shape = layer_norm_shape,
                                    .emit = layer_norm_emit,
                                    .emit_backward = layer_norm_emit_backward,
                                    .cases = cases};
