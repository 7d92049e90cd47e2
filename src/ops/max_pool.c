/* ops/max_pool.c -- the largest of each kernel x kernel window.
 *   dst[b, c, y, x] = max over 0 <= u, v < kernel of src[b, c, y stride - padding + u, x stride - padding + v]
 *   src (B, C, H, W), dst (B, C, H', W'); what lies outside the picture is never the maximum
 *   diff_src = the sum of diff_dst over the windows whose maximum it was; the first of equal ones gets it all */
#include "ops/pool.h"

static lyne_status max_pool_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_pool_emit(p, n, DNN_MAX_POOL, err);
}

static lyne_status max_pool_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_pool_emit_backward(p, n, DNN_MAX_POOL, err);
}

static const lyne_op_case cases[] = {
    {.config = "{kernel: 2}", .src = {{4, {2, 3, 4, 4}}}, .spread = true},
    {.config = "{kernel: 2}", .src = {{4, {2, 6, 5, 7}}}, .spread = true},
    {.config = "{kernel: 3, stride: 2, padding: 1}", .src = {{4, {2, 2, 7, 7}}}, .spread = true},
    {.config = "{kernel: 3, stride: 1}", .src = {{4, {2, 16, 5, 4}}}, .spread = true},
    {0}};

extern const lyne_op lyne_op_max_pool;
lyne_node *lyne_max_pool(lyne_graph *g, const char *name, lyne_node *src, lyne_pool_config c) {
    return lyne_graph_add(g, &lyne_op_max_pool, name, &c, &src, 1);
}

const lyne_op lyne_op_max_pool = {.component = {.kind = LYNE_OP,
                                                .name = "max_pool",
                                                .help = "the largest of each window",
                                                .example = "{max_pool: {kernel: 2}}",
                                                .config_size = sizeof(lyne_pool_config),
                                                .fields = lyne_pool_fields},
                                  .n_src = 1,
                                  .precision = LYNE_EITHER,
                                  .shape = lyne_pool_shape,
                                  .emit = max_pool_emit,
                                  .emit_backward = max_pool_emit_backward,
                                  .cases = cases};
