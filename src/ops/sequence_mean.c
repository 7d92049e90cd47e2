/* ops/sequence_mean.c -- the mean over the places of a sequence that are not padding.
 *   src (B, L, F), tokens (B, L) s32, dst (B, F);  n = places whose token is not `padding`, 1 at least
 *   dst = sum over those of src / n;  diff_src = diff_dst / n there, 0 elsewhere
 * A sequence that is all padding gives 0. */
#include "base/bf16.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/common.h"

static const lyne_field fields[] = {
    LYNE_INT(lyne_sequence_mean_config, padding, "the token that does not count; -1: all count", "-1", -1, INT32_MAX),
    LYNE_FIELDS_END};

static lyne_status sequence_mean_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape, *tokens = &n->src[1]->shape;
    char text[2][LYNE_SHAPE_TEXT];
    if (src->rank != 3 || tokens->rank != 2 || n->src[1]->type != LYNE_S32 || tokens->dim[0] != src->dim[0] ||
        tokens->dim[1] != src->dim[1])
        return lyne_fail(err, LYNE_ERECIPE, "sequence_mean expects (B, L, F) and s32 tokens (B, L), not %s and %s",
                         lyne_shape_print(src, text[0]), lyne_shape_print(tokens, text[1]));
    n->shape = LYNE_SHAPE(src->dim[0], src->dim[2]);
    return lyne_check_source(n, err);
}

typedef struct mean_config {
    int64_t batch, L, F, padding;
    bool bf16;
} mean_config;

static int64_t count(const mean_config *c, const int32_t *token) {
    int64_t n = 0;
    for (int64_t l = 0; l < c->L; l++) n += token[l] != c->padding;
    return n > 0 ? n : 1;
}

LYNE_INLINE void mean_of(const mean_config *c, const int32_t *restrict token, const void *restrict src,
                         void *restrict dst, bool bf16) {
    enum { WIDTH = 64 };
    const float share = 1 / (float)count(c, token);
    for (int64_t first = 0; first < c->F; first += WIDTH) {
        const int64_t n = c->F - first < WIDTH ? c->F - first : WIDTH;
        float sum[WIDTH] = {0};
        for (int64_t l = 0; l < c->L; l++)
            if (token[l] != c->padding)
                for (int64_t i = 0; i < n; i++) sum[i] += lyne_load(src, l * c->F + first + i, bf16);
        for (int64_t i = 0; i < n; i++) lyne_store(dst, first + i, bf16, share * sum[i]);
    }
}
LYNE_VECTOR static void mean_f32(const mean_config *c, const int32_t *token, const void *src, void *dst) {
    mean_of(c, token, src, dst, false);
}
LYNE_VECTOR static void mean_bf16(const mean_config *c, const int32_t *token, const void *src, void *dst) {
    mean_of(c, token, src, dst, true);
}

LYNE_VECTOR static void spread(const mean_config *c, const int32_t *token, const void *diff_dst, void *diff_src) {
    const float share = 1 / (float)count(c, token);
    for (int64_t l = 0; l < c->L; l++)
        for (int64_t i = 0; i < c->F; i++)
            lyne_store(diff_src, l * c->F + i, c->bf16,
                       token[l] != c->padding ? share * lyne_load(diff_dst, i, c->bf16) : 0);
}

/* src, tokens, dst */
static void forward(const lyne_call *call) {
    const mean_config *c = call->config;
#pragma omp parallel for schedule(static) if (c->batch * c->L * c->F > 16384)
    for (int64_t b = 0; b < c->batch; b++)
        (c->bf16 ? mean_bf16 : mean_f32)(c, (const int32_t *)call->buffer[1] + b * c->L,
                                         lyne_at(call->buffer[0], b * c->L * c->F, c->bf16),
                                         lyne_at_mutable(call->buffer[2], b * c->F, c->bf16));
}

/* tokens, diff_dst, diff_src */
static void backward(const lyne_call *call) {
    const mean_config *c = call->config;
#pragma omp parallel for schedule(static) if (c->batch * c->L * c->F > 16384)
    for (int64_t b = 0; b < c->batch; b++)
        spread(c, (const int32_t *)call->buffer[0] + b * c->L, lyne_at(call->buffer[1], b * c->F, c->bf16),
               lyne_at_mutable(call->buffer[2], b * c->L * c->F, c->bf16));
}

static mean_config config_of(const lyne_node *n) {
    const int64_t *src = n->src[0]->shape.dim;
    return (mean_config){.batch = src[0],
                         .L = src[1],
                         .F = src[2],
                         .padding = ((const lyne_sequence_mean_config *)n->config)->padding,
                         .bf16 = n->type == LYNE_BF16};
}

static lyne_status sequence_mean_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const mean_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "sequence_mean", forward, &c, sizeof c, b, 3, err);
}

static lyne_status sequence_mean_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const mean_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 1), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "sequence_mean", backward, &c, sizeof c, b, 3, err);
}

/* The tests draw tokens below 5. */
static const lyne_op_case cases[] = {
    {.src = {{3, {3, 4, 5}}, {2, {3, 4}}}}, {.config = "{padding: 2}", .src = {{3, {4, 9, 70}}, {2, {4, 9}}}}, {0}};

extern const lyne_op lyne_op_sequence_mean;
lyne_node *lyne_sequence_mean(lyne_graph *g, const char *name, lyne_node *src, lyne_node *tokens,
                              lyne_sequence_mean_config c) {
    return lyne_graph_add(g, &lyne_op_sequence_mean, name, &c, (lyne_node *[]){src, tokens}, 2);
}

const lyne_op lyne_op_sequence_mean = {.component = {.kind = LYNE_OP,
                                                     .name = "sequence_mean",
                                                     .help = "the mean over the places that are not padding",
                                                     .example = "{sequence_mean: {padding: 0}}",
                                                     .config_size = sizeof(lyne_sequence_mean_config),
                                                     .fields = fields},
                                       .n_src = 2,
                                       .precision = LYNE_EITHER,
                                       .shape = sequence_mean_shape,
                                       .emit = sequence_mean_emit,
                                       .emit_backward = sequence_mean_emit_backward,
                                       .cases = cases};
