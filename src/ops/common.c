/* ops/common.c -- see common.h. */
#include "ops/common.h"
#include "ops/fold.h"

static lyne_status check_config(const lyne_node *n, lyne_error *err) {
    const lyne_component *c = &n->op->component;
    for (const lyne_field *f = c->fields; f && f->name; f++) {
        const void *at = (const char *)n->config + f->offset;
        double value;
        if (f->ranged && f->type == LYNE_FIELD_INT)
            value = (double)*(const int64_t *)at;
        else if (f->ranged && f->type == LYNE_FIELD_FLOAT)
            value = *(const double *)at;
        else
            continue;
        if (!(value >= f->min && value <= f->max)) /* NaN is outside */
            return lyne_fail(err, LYNE_ERECIPE, "%s: %s = %g is outside [%g, %g]", c->name, f->name, value, f->min,
                             f->max);
    }
    return LYNE_OK;
}

lyne_status lyne_check_source(const lyne_node *n, lyne_error *err) {
    static const char *const type[] = {[LYNE_F32] = "f32", [LYNE_BF16] = "bf16", [LYNE_S32] = "s32", [LYNE_U8] = "u8"};
    const bool fits =
        n->src[0]->type == LYNE_F32 || (n->src[0]->type == LYNE_BF16 && n->op->precision != LYNE_F32_ONLY);
    if (!fits)
        return lyne_fail(err, LYNE_ERECIPE, "%s expects f32, not %s", n->op->component.name, type[n->src[0]->type]);
    return check_config(n, err);
}

lyne_status lyne_misfit(const lyne_node *n, const char *expected, lyne_error *err) {
    char text[LYNE_SHAPE_TEXT];
    return lyne_fail(err, LYNE_ERECIPE, "%s expects %s, not %s", n->op->component.name, expected,
                     lyne_shape_print(&n->src[0]->shape, text));
}

lyne_status lyne_check_picture(const lyne_node *n, lyne_error *err) {
    if (n->src[0]->shape.rank != 4) return lyne_misfit(n, "(B, C, H, W)", err);
    return lyne_check_source(n, err);
}

lyne_status lyne_window_slide(const lyne_node *n, lyne_window w, int64_t size[2], lyne_error *err) {
    const int64_t *picture = n->src[0]->shape.dim + 2;
    const int64_t reach = w.dilation * (w.kernel - 1) + 1;
    for (int i = 0; i < 2; i++) {
        const int64_t room = picture[i] + 2 * w.padding;
        if (reach > room)
            return lyne_fail(err, LYNE_ERECIPE,
                             "kernel %lld (dilation %lld) does not fit a picture of %lld x %lld with padding %lld",
                             (long long)w.kernel, (long long)w.dilation, (long long)picture[0], (long long)picture[1],
                             (long long)w.padding);
        size[i] = (room - reach) / w.stride + 1;
    }
    return LYNE_OK;
}

dnn_pass lyne_forward_pass(const lyne_program *p) {
    return lyne_is_training(p) ? DNN_FORWARD_TRAINING : DNN_FORWARD_INFERENCE;
}

/* ---- layers with weights ---- */

dnn_type lyne_weight_type(const lyne_node *n, dnn_pass pass) {
    return n->src[0]->type == LYNE_BF16 && pass != DNN_BACKWARD_WEIGHTS ? DNN_BF16 : DNN_F32;
}

dnn_tensor lyne_dst_tensor(const lyne_node *n, dnn_pass pass) {
    dnn_tensor t = lyne_tensor(n);
    if (n->src[0]->type == LYNE_BF16 && (pass == DNN_BACKWARD_DATA || pass == DNN_BACKWARD_WEIGHTS)) t.type = DNN_BF16;
    return t;
}

/* As lyne_emit_primitive, unless one of the weights could not be had, which err then says. */
static lyne_status emit(lyne_program *p, const lyne_node *n, dnn_primitive *primitive, const lyne_binding *bindings,
                        int n_bindings, lyne_error *err) {
    if (err->status == LYNE_OK) return lyne_emit_primitive(p, n, primitive, bindings, n_bindings, err);
    dnn_primitive_free(primitive);
    return err->status;
}

dnn_tensor lyne_bias_tensor(const lyne_program *p, const lyne_node *n) {
    if (n->n_params > 1) return lyne_param_tensor(n, 1, DNN_PLAIN);
    if (!lyne_folds_norm(p, n)) return (dnn_tensor){0};
    return (dnn_tensor){.rank = 1, .dim = {n->shape.dim[1]}, .type = DNN_F32, .format = DNN_PLAIN};
}

lyne_status lyne_emit_weighted(lyne_program *p, const lyne_node *n, lyne_make *make, lyne_error *err) {
    dnn_primitive *forward;
    if (!lyne_is_training(p)) lyne_fold_readers(p, n);
    lyne_status status = dnn_context_after(lyne_program_dnn(p), lyne_folded(p, n), err);
    if (status == LYNE_OK) status = make(p, n, lyne_forward_pass(p), &forward, err);
    const lyne_status reset = dnn_context_after(lyne_program_dnn(p), (dnn_after){0}, err);
    if (status != LYNE_OK) return status;
    const dnn_layout *layout = dnn_layout_of(forward, DNN_WEIGHTS);
    lyne_binding b[4] = {{DNN_SRC, lyne_src(p, n, 0)}, {DNN_DST, lyne_dst(p, n)}};
    lyne_buffer weights = LYNE_NO_BUFFER, bias = LYNE_NO_BUFFER;
    if (reset == LYNE_OK && lyne_folds_norm(p, n)) {
        if (lyne_emit_fold(p, n, &weights, &bias, err) == LYNE_OK) weights = lyne_refreshed(p, n, weights, layout, err);
    } else if (reset == LYNE_OK) {
        weights = lyne_weight(p, n, 0, layout, err);
        if (n->n_params > 1) bias = lyne_weight(p, n, 1, NULL, err);
    }
    b[2] = (lyne_binding){DNN_WEIGHTS, weights};
    b[3] = (lyne_binding){DNN_BIAS, bias};
    return emit(p, n, forward, b, 3 + (lyne_bias_tensor(p, n).rank > 0), err);
}

lyne_status lyne_primitive_diff_weights(lyne_program *p, const lyne_node *n, lyne_make *make, lyne_buffer diff_dst,
                                        lyne_error *err) {
    dnn_primitive *weights;
    lyne_status status = make(p, n, DNN_BACKWARD_WEIGHTS, &weights, err);
    if (status != LYNE_OK) return status;
    lyne_binding b[4] = {{DNN_SRC, lyne_src(p, n, 0)},
                         {DNN_DIFF_DST, diff_dst},
                         {DNN_DIFF_WEIGHTS, lyne_diff_weight(p, n, 0, dnn_layout_of(weights, DNN_DIFF_WEIGHTS), err)}};
    if (n->n_params > 1) b[3] = (lyne_binding){DNN_DIFF_BIAS, lyne_diff_weight(p, n, 1, NULL, err)};
    return emit(p, n, weights, b, 2 + n->n_params, err);
}

/* diff_dst as backward takes it: in bf16, where forward read bf16 and wrote f32. */
static lyne_status narrow_diff_dst(lyne_program *p, const lyne_node *n, lyne_buffer *out, lyne_error *err) {
    const int64_t size = lyne_shape_size(&n->shape);
    *out = lyne_diff_dst(p, n);
    if (n->src[0]->type == n->type) return LYNE_OK;
    const lyne_buffer wide = *out;
    *out = lyne_scratch(p, (size_t)size * lyne_type_size(LYNE_BF16));
    return lyne_emit_cast(p, n, size, LYNE_BF16, wide, *out, err);
}

lyne_status lyne_primitive_diff_src(lyne_program *p, const lyne_node *n, lyne_make *make, lyne_buffer diff_dst,
                                    lyne_buffer diff_src, lyne_error *err) {
    dnn_primitive *data;
    lyne_status status = make(p, n, DNN_BACKWARD_DATA, &data, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {{DNN_DIFF_DST, diff_dst},
                              {DNN_DIFF_SRC, diff_src},
                              {DNN_WEIGHTS, lyne_weight(p, n, 0, dnn_layout_of(data, DNN_WEIGHTS), err)}};
    return emit(p, n, data, b, 3, err);
}

lyne_status lyne_emit_weighted_backward(lyne_program *p, const lyne_node *n, lyne_emit_gradient *weights,
                                        lyne_emit_data *data, lyne_error *err) {
    const lyne_buffer diff_src = lyne_diff_src(p, n, 0);
    lyne_buffer diff_dst;
    lyne_status status = narrow_diff_dst(p, n, &diff_dst, err);
    if (status == LYNE_OK) status = weights(p, n, diff_dst, err);
    if (status != LYNE_OK || diff_src == LYNE_NO_BUFFER) return status;
    return data(p, n, diff_dst, diff_src, err);
}
