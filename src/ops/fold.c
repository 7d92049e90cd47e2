/* ops/fold.c -- see fold.h. */
#include "ops/fold.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/broadcast.h"
#include <math.h>

extern const lyne_op lyne_op_batch_norm, lyne_op_add, lyne_op_relu, lyne_op_relu6;

void lyne_fold_readers(lyne_program *p, const lyne_node *n) {
    const lyne_node *norm = NULL, *add = NULL, *clamp = NULL, *last = n, *next = lyne_sole_reader(p, n);
    if (next && next->op == &lyne_op_batch_norm) next = lyne_sole_reader(p, last = norm = next);
    if (next && next->op == &lyne_op_add && !lyne_broadcasts(next)) {
        const int other = next->src[0] == last;
        if (next->src[other]->index < n->index && lyne_may_overwrite(p, n, next, other))
            next = lyne_sole_reader(p, last = add = next);
    }
    if (next && (next->op == &lyne_op_relu || next->op == &lyne_op_relu6)) last = clamp = next;
    if (add) lyne_dst_is(p, last, lyne_src(p, add, add->src[0] == (norm ? norm : n)));
    if (norm) lyne_take_over(p, n, norm);
    if (add) lyne_take_over(p, n, add);
    if (clamp) lyne_take_over(p, n, clamp);
}

dnn_after lyne_folded(const lyne_program *p, const lyne_node *n) {
    if (lyne_is_training(p)) return (dnn_after){0};
    const bool relu6 = lyne_taken(p, n, &lyne_op_relu6);
    return (dnn_after){.add_dst = lyne_taken(p, n, &lyne_op_add),
                       .relu = relu6 || lyne_taken(p, n, &lyne_op_relu),
                       .upper = relu6 ? 6 : 0};
}

bool lyne_folds_norm(const lyne_program *p, const lyne_node *n) {
    return !lyne_is_training(p) && lyne_taken(p, n, &lyne_op_batch_norm);
}

typedef struct fold_config {
    int64_t filters, inputs; /* weights of one filter */
    double epsilon;
} fold_config;

LYNE_VECTOR static void scale_row(int64_t n, const float *restrict src, double scale, float *restrict dst) {
    for (int64_t i = 0; i < n; i++) dst[i] = (float)(scale * (double)src[i]);
}

/* buffers: weight, bias or none, then the norm's weight, bias, running_mean, running_var, then weight', bias' */
static void fold(const lyne_call *call) {
    const fold_config *c = call->config;
    const float *weight = call->buffer[0], *bias = call->buffer[1], *norm_weight = call->buffer[2],
                *norm_bias = call->buffer[3], *mean = call->buffer[4], *var = call->buffer[5];
    float *new_weight = call->buffer[6], *new_bias = call->buffer[7];
#pragma omp parallel for schedule(static) if (c->filters * c->inputs > 16384)
    for (int64_t o = 0; o < c->filters; o++) {
        const double scale = (double)norm_weight[o] / sqrt((double)var[o] + c->epsilon);
        scale_row(c->inputs, weight + o * c->inputs, scale, new_weight + o * c->inputs);
        new_bias[o] = (float)(((bias ? (double)bias[o] : 0) - (double)mean[o]) * scale + (double)norm_bias[o]);
    }
}

lyne_status lyne_emit_fold(lyne_program *p, const lyne_node *n, lyne_buffer *weights, lyne_buffer *bias,
                           lyne_error *err) {
    const lyne_node *norm = lyne_taken(p, n, &lyne_op_batch_norm);
    const lyne_batch_norm_config *config = norm->config;
    const int64_t size = lyne_shape_size(&lyne_graph_param(n->graph, n->param[0])->shape);
    fold_config c = {.filters = n->shape.dim[1], .epsilon = config->epsilon};
    c.inputs = size / c.filters;
    lyne_buffer b[8] = {lyne_weight(p, n, 0, NULL, err),
                        n->n_params > 1 ? lyne_weight(p, n, 1, NULL, err) : LYNE_NO_BUFFER};
    for (int i = 0; i < 4; i++) b[2 + i] = lyne_weight(p, norm, i, NULL, err);
    b[6] = lyne_scratch(p, (size_t)size * sizeof(float));
    b[7] = lyne_scratch(p, (size_t)c.filters * sizeof(float));
    lyne_at_refresh(p, true);
    lyne_status status = lyne_emit_kernel(p, n, "fold", fold, &c, sizeof c, b, 8, err);
    lyne_at_refresh(p, false);
    if (status != LYNE_OK) return status;
    *weights = b[6];
    *bias = lyne_refreshed(p, n, b[7], NULL, err);
    return LYNE_OK;
}
