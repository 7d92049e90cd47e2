/* ops/pool.c -- see pool.h.  Max pooling in training writes down where each maximum was, one byte an output as a rule:
 * oneDNN's workspace, kept for backward. */
#include "ops/pool.h"

#define WHOLE(field, text, least, otherwise)                                                                           \
    {.name = #field,                                                                                                   \
     .type = LYNE_FIELD_INT,                                                                                           \
     .help = text,                                                                                                     \
     .fallback = otherwise,                                                                                            \
     .offset = offsetof(lyne_pool_config, field),                                                                      \
     LYNE_RANGE(least, 1024)}
const lyne_field lyne_pool_fields[] = {
    WHOLE(kernel, "height and width of the window [pixels]", 1, "2"),
    WHOLE(stride, "step between windows, 0: as wide as the window [pixels]", 0, "0"),
    WHOLE(padding, "border around the picture that does not count, at most half a window [pixels]", 0, "0"),
    LYNE_FIELDS_END};

static int64_t stride_of(const lyne_pool_config *c) {
    return c->stride ? c->stride : c->kernel;
}

lyne_status lyne_pool_shape(lyne_node *n, lyne_error *err) {
    const lyne_pool_config *c = n->config;
    const int64_t *src = n->src[0]->shape.dim;
    int64_t size[2];
    lyne_status status = lyne_check_picture(n, err);
    if (status != LYNE_OK) return status;
    if (2 * c->padding > c->kernel)
        return lyne_fail(err, LYNE_ERECIPE, "padding %lld is more than half of kernel %lld", (long long)c->padding,
                         (long long)c->kernel);
    status = lyne_window_slide(n, (lyne_window){c->kernel, stride_of(c), c->padding, 1}, size, err);
    n->shape = LYNE_SHAPE(src[0], src[1], size[0], size[1]);
    return status;
}

static lyne_status make(lyne_program *p, const lyne_node *n, dnn_pool kind, dnn_pass pass, dnn_primitive **out,
                        lyne_error *err) {
    const lyne_pool_config *c = n->config;
    const dnn_pooling_spec spec = {.kind = kind,
                                   .src = lyne_tensor(n->src[0]),
                                   .dst = lyne_tensor(n),
                                   .kernel = {c->kernel, c->kernel},
                                   .stride = {stride_of(c), stride_of(c)},
                                   .pad_begin = {c->padding, c->padding},
                                   .pad_end = {c->padding, c->padding}};
    return dnn_pooling(lyne_program_dnn(p), &spec, pass, out, err);
}

/* Bind the primitive's workspace, if it has one, as the n-th argument; returns how many there are then. */
static int with_workspace(lyne_program *p, const lyne_node *n, const dnn_primitive *primitive, lyne_binding *b,
                          int n_bindings) {
    const dnn_layout *workspace = dnn_layout_of(primitive, DNN_WORKSPACE);
    if (!workspace) return n_bindings;
    b[n_bindings] = (lyne_binding){DNN_WORKSPACE, lyne_kept(p, n, 0, dnn_layout_bytes(workspace))};
    return n_bindings + 1;
}

lyne_status lyne_pool_emit(lyne_program *p, const lyne_node *n, dnn_pool kind, lyne_error *err) {
    dnn_primitive *pool;
    lyne_status status = make(p, n, kind, lyne_forward_pass(p), &pool, err);
    if (status != LYNE_OK) return status;
    lyne_binding b[3] = {{DNN_SRC, lyne_src(p, n, 0)}, {DNN_DST, lyne_dst(p, n)}};
    return lyne_emit_primitive(p, n, pool, b, with_workspace(p, n, pool, b, 2), err);
}

lyne_status lyne_pool_emit_backward(lyne_program *p, const lyne_node *n, dnn_pool kind, lyne_error *err) {
    dnn_primitive *pool;
    lyne_status status = make(p, n, kind, DNN_BACKWARD_DATA, &pool, err);
    if (status != LYNE_OK) return status;
    lyne_binding b[3] = {{DNN_DIFF_DST, lyne_diff_dst(p, n)}, {DNN_DIFF_SRC, lyne_diff_src(p, n, 0)}};
    return lyne_emit_primitive(p, n, pool, b, with_workspace(p, n, pool, b, 2), err);
}
