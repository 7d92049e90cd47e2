/* ops/avg_pool.c -- the mean of each kernel x kernel window.
 *   dst[b, c, y, x] = mean over 0 <= u, v < kernel of src[b, c, y stride - padding + u, x stride - padding + v]
 *   src (B, C, H, W), dst (B, C, H', W'); the mean is over the pixels that lie in the picture
 *   diff_src = the sum over the windows it lies in of diff_dst / (pixels of that window) */
#include "ops/pool.h"

static lyne_status make(lyne_program *p, const lyne_node *n, dnn_pass pass, dnn_primitive **out, lyne_error *err) {
    const lyne_pool_config *c = n->config;
    const dnn_pooling_spec spec = {.kind = DNN_AVERAGE_POOL,
                                   .src = lyne_tensor(n->src[0]),
                                   .dst = lyne_tensor(n),
                                   .kernel = {c->kernel, c->kernel},
                                   .stride = {lyne_pool_stride(c), lyne_pool_stride(c)},
                                   .pad_begin = {c->padding, c->padding},
                                   .pad_end = {c->padding, c->padding}};
    return dnn_pooling(lyne_program_dnn(p), &spec, pass, out, err);
}

static lyne_status avg_pool_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    dnn_primitive *pool;
    lyne_status status = make(p, n, lyne_forward_pass(p), &pool, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {{DNN_SRC, lyne_src(p, n, 0)}, {DNN_DST, lyne_dst(p, n)}};
    return lyne_emit_primitive(p, n, pool, b, 2, err);
}

static lyne_status avg_pool_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    dnn_primitive *pool;
    lyne_status status = make(p, n, DNN_BACKWARD_DATA, &pool, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {{DNN_DIFF_DST, lyne_diff_dst(p, n)}, {DNN_DIFF_SRC, lyne_diff_src(p, n, 0)}};
    return lyne_emit_primitive(p, n, pool, b, 2, err);
}

static const lyne_op_case cases[] = {{.config = "{kernel: 2}", .src = {{4, {2, 3, 4, 4}}}},
                                     {.config = "{kernel: 2}", .src = {{4, {2, 6, 5, 7}}}},
                                     {.config = "{kernel: 3, stride: 2, padding: 1}", .src = {{4, {2, 2, 7, 7}}}},
                                     {.config = "{kernel: 3, stride: 1}", .src = {{4, {2, 16, 5, 4}}}},
                                     {0}};

extern const lyne_op lyne_op_avg_pool;
lyne_node *lyne_avg_pool(lyne_graph *g, const char *name, lyne_node *src, lyne_pool_config c) {
    return lyne_graph_add(g, &lyne_op_avg_pool, name, &c, &src, 1);
}

const lyne_op lyne_op_avg_pool = {.component = {.kind = LYNE_OP,
                                                .name = "avg_pool",
                                                .help = "the mean of each window",
                                                .example = "{avg_pool: {kernel: 2}}",
                                                .config_size = sizeof(lyne_pool_config),
                                                .fields = lyne_pool_fields},
                                  .n_src = 1,
                                  .precision = LYNE_EITHER,
                                  .shape = lyne_pool_shape,
                                  .emit = avg_pool_emit,
                                  .emit_backward = avg_pool_emit_backward,
                                  .cases = cases};
