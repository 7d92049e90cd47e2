/* An op as a plug-in, with kernels and a parameter of its own: a rectifier whose slope below zero is learned, one for each
 * channel (He, Zhang, Ren, Sun 2015, arXiv:1502.01852).
 *   dst = src > 0 ? src : a_c src;   diff_src = diff_dst (src > 0 ? 1 : a_c);   diff_a_c = sum diff_dst src over src <= 0
 * src (B, C) or (B, C, H, W), which lies channels last, so either way c is the last index in memory. */
#include <lyne/plugin.h>

static lyne_status shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape;
    char text[LYNE_SHAPE_TEXT];
    if ((src->rank != 2 && src->rank != 4) || n->src[0]->type != LYNE_F32)
        return lyne_fail(err, LYNE_ERECIPE, "prelu expects f32 (B, C) or (B, C, H, W), not %s",
                         lyne_shape_print(src, text));
    n->shape = *src;
    return lyne_node_param(n, "weight", LYNE_SHAPE(src->dim[1]), LYNE_SCALE, LYNE_INIT_ZERO, 0, err);
}

static void forward(const lyne_call *call) { /* src, a, dst */
    const float *src = call->buffer[0], *a = call->buffer[1];
    float *dst = call->buffer[2];
    const int64_t n = lyne_shape_size(&call->node->shape), C = call->node->shape.dim[1];
    for (int64_t i = 0; i < n; i++) dst[i] = src[i] > 0 ? src[i] : a[i % C] * src[i];
}

static void backward(const lyne_call *call) { /* src, a, diff_dst, diff_a, diff_src or none */
    const float *src = call->buffer[0], *a = call->buffer[1], *diff_dst = call->buffer[2];
    float *diff_a = call->buffer[3], *diff_src = call->buffer[4];
    const int64_t n = lyne_shape_size(&call->node->shape), C = call->node->shape.dim[1];
    for (int64_t c = 0; c < C; c++) {
        double sum = 0;
        for (int64_t i = c; i < n; i += C)
            if (!(src[i] > 0)) sum += (double)diff_dst[i] * (double)src[i];
        diff_a[c] = (float)sum;
    }
    for (int64_t i = 0; diff_src && i < n; i++) diff_src[i] = src[i] > 0 ? diff_dst[i] : a[i % C] * diff_dst[i];
}

static lyne_status emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_weight(p, n, 0, NULL, err), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "prelu", forward, NULL, 0, b, 3, err);
}

static lyne_status emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_weight(p, n, 0, NULL, err), lyne_diff_dst(p, n),
                             lyne_diff_weight(p, n, 0, NULL, err), lyne_diff_src(p, n, 0)};
    return lyne_emit_kernel(p, n, "prelu", backward, NULL, 0, b, 5, err);
}

static const lyne_op_case cases[] = {
    {.src = {{2, {4, 7}}}, .has_kink = true}, {.src = {{4, {2, 3, 4, 5}}}, .has_kink = true}, {0}};

static const lyne_op prelu = {.component = {.kind = LYNE_OP,
                                            .name = "prelu",
                                            .help = "x, or a learned multiple of it where it is negative",
                                            .source = "He, Zhang, Ren, Sun 2015, arXiv:1502.01852",
                                            .example = "prelu"},
                              .n_src = 1,
                              .shape = shape,
                              .emit = emit,
                              .emit_backward = emit_backward,
                              .cases = cases};

LYNE_PLUGIN("1.0", &prelu.component);
