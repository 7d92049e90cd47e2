/* ops/add.c -- dst = a + b, any rank, by numpy's rule: see ops/broadcast.h.
 *   of one shape: diff_a = diff_b = diff_dst: no step, both are that very buffer */
#include "lyne/ops.h"
#include "ops/broadcast.h"
#include "ops/common.h"

static lyne_status add_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    if (lyne_broadcasts(n)) return lyne_broadcast_emit(p, n, true, err);
    dnn_primitive *add;
    const dnn_tensor t = lyne_tensor(n);
    lyne_status status = dnn_binary(lyne_program_dnn(p), DNN_ADD, t, t, t, &add, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {{DNN_SRC, lyne_src(p, n, 0)}, {DNN_SRC_1, lyne_src(p, n, 1)}, {DNN_DST, lyne_dst(p, n)}};
    return lyne_emit_primitive(p, n, add, b, 3, err);
}

static lyne_status add_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    if (lyne_broadcasts(n)) return lyne_broadcast_emit_backward(p, n, true, err);
    for (int i = 0; i < n->n_src; i++) lyne_diff_src_is(p, n, i, lyne_diff_dst(p, n));
    return LYNE_OK;
}

static const lyne_op_case cases[] = {{.src = {{2, {3, 5}}, {2, {3, 5}}}},
                                     {.src = {{4, {2, 3, 4, 5}}, {4, {2, 3, 4, 5}}}},
                                     {.src = {{4, {2, 3, 4, 5}}, {4, {1, 3, 1, 1}}}},
                                     {.src = {{2, {3, 1}}, {2, {1, 5}}}},
                                     {.src = {{3, {2, 3, 4}}, {3, {2, 1, 4}}}},
                                     {.src = {{4, {2, 3, 1, 5}}, {4, {2, 1, 4, 5}}}},
                                     {.src = {{4, {4, 1, 1, 1}}, {4, {4, 24, 16, 16}}}},
                                     {0}};

extern const lyne_op lyne_op_add;
lyne_node *lyne_add(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b) {
    return lyne_graph_add(g, &lyne_op_add, name, NULL, (lyne_node *[]){a, b}, 2);
}

const lyne_op lyne_op_add = {.component = {.kind = LYNE_OP,
                                           .name = "add",
                                           .help = "sum of two values, either repeated along dimensions where it has 1",
                                           .example = "add"},
                             .n_src = 2,
                             .precision = LYNE_EITHER,
                             .shape = lyne_broadcast_shape,
                             .emit = add_emit,
                             .emit_backward = add_emit_backward,
                             .cases = cases};
