/* losses/fused.c -- see fused.h. */
#include "losses/fused.h"

/* buffers: sources, dst, diff or none, scratch */
static void forward(const lyne_call *call) {
    const lyne_fused_op *op = (const lyne_fused_op *)call->node->op;
    const int n = call->node->n_src;
    const void *src[LYNE_MAX_SRC];
    for (int i = 0; i < n; i++) src[i] = call->buffer[i];
    const lyne_fused f = {.node = call->node, .src = src, .diff = call->buffer[n + 1], .scratch = call->buffer[n + 2]};
    *(float *)call->buffer[n] = (float)op->value(&f);
}

static void backward(const lyne_call *call) {
    const float *restrict diff = call->buffer[0], scale = *(const float *)call->buffer[1];
    float *restrict diff_src = call->buffer[2];
    const int64_t n = lyne_shape_size(&call->node->src[0]->shape);
#pragma omp parallel for simd schedule(static) if (parallel : n > 16384)
    for (int64_t i = 0; i < n; i++) diff_src[i] = scale * diff[i];
}

static lyne_buffer kept_diff(lyne_program *p, const lyne_node *n) {
    return lyne_kept(p, n, 0, (size_t)lyne_shape_size(&n->src[0]->shape) * sizeof(float));
}

lyne_status lyne_fused_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_fused_op *op = (const lyne_fused_op *)n->op;
    lyne_buffer b[LYNE_MAX_SRC + 3];
    for (int i = 0; i < n->n_src; i++) b[i] = lyne_src(p, n, i);
    b[n->n_src] = lyne_dst(p, n);
    b[n->n_src + 1] = lyne_is_training(p) && n->needs_grad ? kept_diff(p, n) : LYNE_NO_BUFFER;
    b[n->n_src + 2] = lyne_scratch(p, (size_t)op->scratch(n) * sizeof(double));
    return lyne_emit_kernel(p, n, n->op->component.name, forward, NULL, 0, b, n->n_src + 3, err);
}

lyne_status lyne_fused_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {kept_diff(p, n), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    if (b[2] == LYNE_NO_BUFFER) return LYNE_OK;
    return lyne_emit_kernel(p, n, n->op->component.name, backward, NULL, 0, b, 3, err);
}

static lyne_status two_alike(lyne_node *n, bool same, lyne_error *err) {
    const lyne_node *s = n->src[0], *t = n->src[1];
    char text[2][LYNE_SHAPE_TEXT];
    const bool fits = s->shape.rank >= 2 && t->shape.rank >= 2 && s->shape.dim[0] == t->shape.dim[0];
    if (s->type != LYNE_F32 || t->type != LYNE_F32 || !fits || (same && !lyne_shape_equal(&s->shape, &t->shape)))
        return lyne_fail(err, LYNE_ERECIPE, "%s expects f32 features %s, not %s and %s", n->op->component.name,
                         same ? "of one shape" : "of one batch", lyne_shape_print(&s->shape, text[0]),
                         lyne_shape_print(&t->shape, text[1]));
    n->shape = LYNE_SHAPE(1);
    return LYNE_OK;
}

lyne_status lyne_one_batch(lyne_node *n, lyne_error *err) {
    return two_alike(n, false, err);
}
lyne_status lyne_one_shape(lyne_node *n, lyne_error *err) {
    return two_alike(n, true, err);
}

const lyne_field lyne_feature_loss_fields[] = {LYNE_FEATURE_LOSS_FIELDS, LYNE_FIELDS_END};
