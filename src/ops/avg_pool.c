/* ops/avg_pool.c -- the mean of each kernel x kernel window.
 *   dst[b, c, y, x] = mean over 0 <= u, v < kernel of src[b, c, y stride - padding + u, x stride - padding + v]
 *   src (B, C, H, W), dst (B, C, H', W'); the mean is over the pixels that lie in the picture
 *   diff_src = the sum over the windows it lies in of diff_dst / (pixels of that window) */
#include "ops/pool.h"

static lyne_status avg_pool_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_pool_emit(p, n, DNN_AVERAGE_POOL, err);
}

static lyne_status avg_pool_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_pool_emit_backward(p, n, DNN_AVERAGE_POOL, err);
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
