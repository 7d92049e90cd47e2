/* ops/relu.c -- dst = max(0, src).  src, dst: the same shape, any rank.
 *   diff_src = diff_dst where dst > 0, else 0
 * Backward reads dst, not src, so the memory of src may be used again once forward has run. */
#include "lyne/ops.h"
#include "ops/common.h"

static lyne_status relu_shape(lyne_node *n, lyne_error *err) {
    n->shape = n->src[0]->shape;
    return lyne_check_source(n, err);
}

static lyne_status relu_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    dnn_primitive *relu;
    lyne_status status =
        dnn_eltwise(lyne_program_dnn(p), DNN_RELU, lyne_tensor(n), 0, 0, lyne_forward_pass(p), &relu, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {{DNN_SRC, lyne_src(p, n, 0)}, {DNN_DST, lyne_dst(p, n)}};
    return lyne_emit_primitive(p, n, relu, b, 2, err);
}

static lyne_status relu_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    dnn_primitive *relu;
    lyne_status status =
        dnn_eltwise(lyne_program_dnn(p), DNN_RELU, lyne_tensor(n), 0, 0, DNN_BACKWARD_DATA, &relu, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {
        {DNN_DST, lyne_dst(p, n)}, {DNN_DIFF_DST, lyne_diff_dst(p, n)}, {DNN_DIFF_SRC, lyne_diff_src(p, n, 0)}};
    return lyne_emit_primitive(p, n, relu, b, 3, err);
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
                              .shape = relu_shape,
                              .emit = relu_emit,
                              .emit_backward = relu_emit_backward,
                              .cases = cases};
