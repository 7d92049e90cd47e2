/* ops/linear.c -- dst = src weight^T + bias, for each place of a sequence.
 *   src (B, F) or (B, L, F), weight (units, F), bias (units), dst (B, units) or (B, L, units); below, B L is one B
 *   diff_src = diff_dst weight;  diff_weight = diff_dst^T src;  diff_bias = sum over B of diff_dst */
#include "lyne/ops.h"
#include "ops/column_sums.h"
#include "ops/common.h"
#include "ops/gemm.h"

static const lyne_field fields[] = {
    LYNE_INT(lyne_linear_config, units, "outputs", LYNE_REQUIRED, 1, 1 << 24),
    LYNE_BOOL(lyne_linear_config, bias, "add a number of its own to each output", "true"), LYNE_FIELDS_END};

static lyne_status linear_shape(lyne_node *n, lyne_error *err) {
    const lyne_linear_config *c = n->config;
    const lyne_shape *src = &n->src[0]->shape;
    if (src->rank != 2 && src->rank != 3) return lyne_misfit(n, "(B, F) or (B, L, F)", err);
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    const int64_t in = src->dim[src->rank - 1];
    n->shape = *src;
    n->shape.dim[src->rank - 1] = c->units;
    status = lyne_node_param(n, "weight", LYNE_SHAPE(c->units, in), LYNE_WEIGHT, LYNE_INIT_UNIFORM_FAN, in, err);
    if (status != LYNE_OK || !c->bias) return status;
    return lyne_node_param(n, "bias", LYNE_SHAPE(c->units), LYNE_BIAS, LYNE_INIT_UNIFORM_FAN, in, err);
}

/* (B, L, F) as (B L, F): the same numbers in the same places. */
static dnn_tensor as_rows(dnn_tensor t) {
    if (t.rank == 2) return t;
    return (dnn_tensor){.rank = 2, .dim = {t.dim[0] * t.dim[1], t.dim[2]}, .type = t.type, .format = t.format};
}

static lyne_status make(lyne_program *p, const lyne_node *n, dnn_pass pass, dnn_primitive **out, lyne_error *err) {
    dnn_tensor weights = lyne_param_tensor(n, 0, DNN_ANY);
    weights.type = lyne_weight_type(n, pass);
    return dnn_inner_product(lyne_program_dnn(p), as_rows(lyne_tensor(n->src[0])), weights, lyne_bias_tensor(p, n),
                             as_rows(lyne_dst_tensor(n, pass)), pass, out, err);
}

static lyne_status linear_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_emit_weighted(p, n, make, err);
}

/* Whether the gradients are products of ours: those of sequences in f32. */
static bool own_products(const lyne_node *n) {
    const lyne_shape *src = &n->src[0]->shape, *dst = &n->shape;
    return src->rank == 3 && n->src[0]->type == LYNE_F32 &&
           lyne_gemm_pays(src->dim[0] * src->dim[1], dst->dim[2], src->dim[2]);
}

static lyne_status emit_own_diff_weights(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_error *err) {
    const int64_t *src = n->src[0]->shape.dim;
    const lyne_gemm g = {.M = n->shape.dim[2], .N = src[2], .K = src[0] * src[1], .a_transposed = true};
    const lyne_gemm_buffers b = {.a = diff_dst,
                                 .b = lyne_src(p, n, 0),
                                 .c = lyne_diff_weight(p, n, 0, NULL, err),
                                 .times = LYNE_NO_BUFFER,
                                 .sums = n->n_params > 1 ? lyne_diff_weight(p, n, 1, NULL, err) : LYNE_NO_BUFFER};
    return lyne_emit_gemm(p, n, g, b, err);
}

static lyne_status emit_own_diff_src(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_buffer diff_src,
                                     lyne_error *err) {
    const int64_t *src = n->src[0]->shape.dim;
    const lyne_gemm g = {.M = src[0] * src[1], .N = src[2], .K = n->shape.dim[2]};
    const lyne_gemm_buffers b = {.a = diff_dst,
                                 .b = lyne_weight(p, n, 0, NULL, err),
                                 .c = diff_src,
                                 .times = lyne_slope_of_src(p, n, 0),
                                 .sums = LYNE_NO_BUFFER};
    return lyne_emit_gemm(p, n, g, b, err);
}

/* diff_weight (units, F) = diff_dst^T (units, B) src (B, F), a plain product: oneDNN's own gradient of an inner product is
 * slower in bf16, and writes a layout that must be brought to plain behind it, which takes nearly as long again. */
static lyne_status emit_diff_weights(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_error *err) {
    const dnn_tensor src = as_rows(lyne_tensor(n->src[0])), diff_weight = lyne_param_tensor(n, 0, DNN_PLAIN);
    const int64_t B = src.dim[0], units = diff_weight.dim[0];
    const dnn_tensor diff = {.rank = 2, .dim = {units, B}, .type = src.type, .format = DNN_TRANSPOSED};
    dnn_primitive *product;
    lyne_status status = dnn_matmul(lyne_program_dnn(p), diff, src, (dnn_tensor){0}, diff_weight, &product, err);
    if (status != LYNE_OK) return status;
    const lyne_binding b[] = {
        {DNN_SRC, diff_dst}, {DNN_WEIGHTS, lyne_src(p, n, 0)}, {DNN_DST, lyne_diff_weight(p, n, 0, NULL, err)}};
    status = lyne_emit_primitive(p, n, product, b, 3, err);
    if (status != LYNE_OK || n->n_params == 1) return status;
    return lyne_emit_column_sums(p, n, n->src[0]->type, B, units, diff_dst, lyne_diff_weight(p, n, 1, NULL, err), err);
}

static lyne_status emit_diff_src(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_buffer diff_src,
                                 lyne_error *err) {
    return lyne_primitive_diff_src(p, n, make, diff_dst, diff_src, err);
}

static lyne_status linear_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const bool own = own_products(n);
    return lyne_emit_weighted_backward(p, n, own ? emit_own_diff_weights : emit_diff_weights,
                                       own ? emit_own_diff_src : emit_diff_src, err);
}

static int64_t linear_macs(const lyne_node *n) {
    return lyne_macs(n, n->src[0]->shape.dim[n->src[0]->shape.rank - 1]);
}

static const lyne_op_case cases[] = {{.config = "{units: 3}", .src = {{2, {4, 5}}}},
                                     {.config = "{units: 7, bias: false}", .src = {{2, {3, 4}}}},
                                     {.config = "{units: 1}", .src = {{2, {1, 1}}}},
                                     {.config = "{units: 65}", .src = {{2, {33, 129}}}},
                                     {.config = "{units: 6}", .src = {{3, {2, 3, 5}}}},
                                     {.config = "{units: 200}", .src = {{3, {3, 101, 100}}}},
                                     {.config = "{units: 40, bias: false}", .src = {{3, {3, 17, 33}}}},
                                     {0}};

extern const lyne_op lyne_op_linear;
lyne_node *lyne_linear(lyne_graph *g, const char *name, lyne_node *src, lyne_linear_config c) {
    return lyne_graph_add(g, &lyne_op_linear, name, &c, &src, 1);
}

const lyne_op lyne_op_linear = {
    .component = {.kind = LYNE_OP,
                  .name = "linear",
                  .help = "every output is a weighted sum of all inputs, at each place of a sequence",
                  .example = "{linear: {units: 800}}",
                  .config_size = sizeof(lyne_linear_config),
                  .fields = fields},
    .n_src = 1,
    .precision = LYNE_BF16_BEST,
    .can_widen = true,
    .shape = linear_shape,
    .emit = linear_emit,
    .emit_backward = linear_emit_backward,
    .macs = linear_macs,
    .cases = cases};
