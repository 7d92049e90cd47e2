/* ops/softmax.c -- dst = exp(src) / sum of exp(src), over the last dimension.  src, dst: the same shape, any rank.
 *   diff_src = dst (diff_dst - sum over the last dimension of dst diff_dst)
 * Backward reads dst.  A loss on logits has a softmax of its own: see losses/. */
#include "lyne/ops.h"
#include "ops/common.h"

static lyne_status softmax_shape(lyne_node *n, lyne_error *err) {
    n->shape = n->src[0]->shape;
    return lyne_check_source(n, err);
}

static lyne_status softmax_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    dnn_primitive *softmax;
    lyne_status status =
        dnn_softmax(lyne_program_dnn(p), lyne_tensor(n), n->shape.rank - 1, lyne_forward_pass(p), &softmax, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {{DNN_SRC, lyne_src(p, n, 0)}, {DNN_DST, lyne_dst(p, n)}};
    return lyne_emit_primitive(p, n, softmax, b, 2, err);
}

static lyne_status softmax_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    dnn_primitive *softmax;
    lyne_status status =
        dnn_softmax(lyne_program_dnn(p), lyne_tensor(n), n->shape.rank - 1, DNN_BACKWARD_DATA, &softmax, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {
        {DNN_DST, lyne_dst(p, n)}, {DNN_DIFF_DST, lyne_diff_dst(p, n)}, {DNN_DIFF_SRC, lyne_diff_src(p, n, 0)}};
    return lyne_emit_primitive(p, n, softmax, b, 3, err);
}

static const lyne_op_case cases[] = {
    {.src = {{2, {4, 5}}}}, {.src = {{2, {3, 100}}}}, {.src = {{3, {2, 3, 6}}}}, {.src = {{4, {2, 3, 4, 5}}}}, {0}};

extern const lyne_op lyne_op_softmax;
lyne_node *lyne_softmax(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &lyne_op_softmax, name, NULL, &src, 1);
}

const lyne_op lyne_op_softmax = {
    .component = {.kind = LYNE_OP, .name = "softmax", .help = "probabilities from logits", .example = "softmax"},
    .n_src = 1,
    .shape = softmax_shape,
    .emit = softmax_emit,
    .emit_backward = softmax_emit_backward,
    .cases = cases};
