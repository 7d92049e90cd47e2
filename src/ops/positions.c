/* ops/positions.c -- dst = src + weight, a row learned for each place (Vaswani et al. 2017, section 3.5, "learned").
 *   src, dst (B, L, F), weight (L, F)
 *   diff_src = diff_dst, that very buffer;  diff_weight = sum over B of diff_dst, which are column sums */
#include "base/bf16.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/column_sums.h"
#include "ops/common.h"

static lyne_status positions_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape;
    if (src->rank != 3) return lyne_misfit(n, "(B, L, F)", err);
    lyne_status status = lyne_check_source(n, err);
    n->shape = *src;
    if (status != LYNE_OK) return status;
    return lyne_node_param(n, "weight", LYNE_SHAPE(src->dim[1], src->dim[2]), LYNE_WEIGHT, LYNE_INIT_SMALL, 0, err);
}

typedef struct positions_config {
    int64_t batch, size; /* size: of a sample */
    bool bf16;
} positions_config;

LYNE_INLINE void add_row(int64_t n, const void *restrict src, const float *restrict weight, void *restrict dst,
                         bool bf16) {
    for (int64_t i = 0; i < n; i++) lyne_store(dst, i, bf16, lyne_load(src, i, bf16) + weight[i]);
}
LYNE_VECTOR static void add_f32(int64_t n, const void *src, const float *weight, void *dst) {
    add_row(n, src, weight, dst, false);
}
LYNE_VECTOR static void add_bf16(int64_t n, const void *src, const float *weight, void *dst) {
    add_row(n, src, weight, dst, true);
}

/* src, weight, dst */
static void forward(const lyne_call *call) {
    const positions_config *c = call->config;
#pragma omp parallel for schedule(static) if (c->batch * c->size > 16384)
    for (int64_t b = 0; b < c->batch; b++)
        (c->bf16 ? add_bf16 : add_f32)(c->size, lyne_at(call->buffer[0], b * c->size, c->bf16), call->buffer[1],
                                       lyne_at_mutable(call->buffer[2], b * c->size, c->bf16));
}

static lyne_status positions_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const int64_t *d = n->shape.dim;
    const positions_config c = {.batch = d[0], .size = d[1] * d[2], .bf16 = n->type == LYNE_BF16};
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_weight(p, n, 0, NULL, err), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "positions", forward, &c, sizeof c, b, 3, err);
}

static lyne_status positions_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const int64_t *d = n->shape.dim;
    const lyne_buffer diff_dst = lyne_diff_dst(p, n);
    lyne_diff_src_is(p, n, 0, diff_dst);
    return lyne_emit_column_sums(p, n, n->type, d[0], d[1] * d[2], diff_dst, lyne_diff_weight(p, n, 0, NULL, err), err);
}

static const lyne_op_case cases[] = {{.src = {{3, {2, 3, 4}}}}, {.src = {{3, {5, 9, 33}}}}, {0}};

extern const lyne_op lyne_op_positions;
lyne_node *lyne_positions(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &lyne_op_positions, name, NULL, &src, 1);
}

const lyne_op lyne_op_positions = {.component = {.kind = LYNE_OP,
                                                 .name = "positions",
                                                 .help = "adds to each place of a sequence a row learned for it",
                                                 .source = "Vaswani et al. 2017, arXiv:1706.03762, section 3.5",
                                                 .example = "positions"},
                                   .n_src = 1,
                                   .precision = LYNE_EITHER,
                                   .shape = positions_shape,
                                   .emit = positions_emit,
                                   .emit_backward = positions_emit_backward,
                                   .cases = cases};
