/* ops/flatten.c -- (B, ...) to (B, product), in logical order: of a picture (c, h, w) with w fastest, as in PyTorch.
 * A picture lies channels last, so it is copied; where both orders are the same, or src is no picture, dst is src. */
#include "base/bf16.h"
#include "lyne/ops.h"
#include "ops/common.h"

static lyne_status flatten_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape;
    if (src->rank < 2) return lyne_misfit(n, "(B, ...)", err);
    n->shape = LYNE_SHAPE(src->dim[0], lyne_shape_size(src) / src->dim[0]);
    return lyne_check_source(n, err);
}

static bool is_view(const lyne_node *n) {
    const lyne_shape *src = &n->src[0]->shape;
    return src->rank != 4 || src->dim[1] == 1 || src->dim[2] * src->dim[3] == 1;
}

typedef struct flatten_config {
    int64_t batch, rows, columns; /* of each sample */
    bool bf16;
} flatten_config;

/* Each sample of src as rows x columns, of dst as columns x rows. */
LYNE_INLINE void transpose_all(const lyne_call *call, bool bf16) {
    const flatten_config *c = call->config;
    const int64_t rows = c->rows, columns = c->columns;
    const void *src = call->buffer[0];
    void *dst = call->buffer[1];
#pragma omp parallel for schedule(static) if (c->batch * rows * columns > 16384)
    for (int64_t b = 0; b < c->batch; b++) {
        const void *restrict from = lyne_at(src, b * rows * columns, bf16);
        void *restrict to = lyne_at_mutable(dst, b * rows * columns, bf16);
        for (int64_t k = 0; k < columns; k++)
            for (int64_t i = 0; i < rows; i++)
                if (bf16)
                    ((uint16_t *)to)[k * rows + i] = ((const uint16_t *)from)[i * columns + k];
                else
                    ((float *)to)[k * rows + i] = ((const float *)from)[i * columns + k];
    }
}

static void transpose(const lyne_call *call) {
    if (((const flatten_config *)call->config)->bf16)
        transpose_all(call, true);
    else
        transpose_all(call, false);
}

static lyne_status flatten_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    if (is_view(n)) {
        lyne_dst_is(p, n, lyne_src(p, n, 0));
        return LYNE_OK;
    }
    const int64_t *src = n->src[0]->shape.dim;
    const flatten_config c = {
        .batch = src[0], .rows = src[2] * src[3], .columns = src[1], .bf16 = n->type == LYNE_BF16};
    return lyne_emit_kernel(p, n, "to_plain", transpose, &c, sizeof c,
                            (lyne_buffer[]){lyne_src(p, n, 0), lyne_dst(p, n)}, 2, err);
}

static lyne_status flatten_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    if (is_view(n)) {
        lyne_diff_src_is(p, n, 0, lyne_diff_dst(p, n));
        return LYNE_OK;
    }
    const int64_t *src = n->src[0]->shape.dim;
    const flatten_config c = {
        .batch = src[0], .rows = src[1], .columns = src[2] * src[3], .bf16 = n->type == LYNE_BF16};
    return lyne_emit_kernel(p, n, "to_channels_last", transpose, &c, sizeof c,
                            (lyne_buffer[]){lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)}, 2, err);
}

static const lyne_op_case cases[] = {{.src = {{4, {2, 3, 4, 5}}}}, {.src = {{4, {2, 1, 4, 5}}}},
                                     {.src = {{4, {3, 7, 1, 1}}}}, {.src = {{2, {4, 6}}}},
                                     {.src = {{3, {2, 3, 4}}}},    {0}};

extern const lyne_op lyne_op_flatten;
lyne_node *lyne_flatten(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &lyne_op_flatten, name, NULL, &src, 1);
}

const lyne_op lyne_op_flatten = {
    .component = {.kind = LYNE_OP, .name = "flatten", .help = "each sample as one row", .example = "flatten"},
    .n_src = 1,
    .precision = LYNE_EITHER,
    .shape = flatten_shape,
    .emit = flatten_emit,
    .emit_backward = flatten_emit_backward,
    .cases = cases};
