/* ops/conv2d.c -- cross-correlation of pictures.
 *   dst[b, o, y, x] = bias[o] + sum_{i, u, v} weight[o, i, u, v] src[b, g(o) I + i, y s + u d - p, x s + v d - p]
 *   src (B, C, H, W), weight (filters, I, k, k), bias (filters), dst (B, filters, H', W')
 * G groups of I = C / G channels in, k kernel, s stride, d dilation, p padding; what lies outside the picture counts
 * as 0.  The first layer needs no gradient of its source, and none is computed. */
#include "lyne/ops.h"
#include "ops/conv2d_kernels.h"

static const lyne_field fields[] = {
    LYNE_INT(lyne_conv2d_config, filters, "channels out", LYNE_REQUIRED, 1, 1 << 20),
    LYNE_INT(lyne_conv2d_config, kernel, "height and width of a filter [pixels]", "3", 1, 1024),
    LYNE_INT(lyne_conv2d_config, stride, "step between positions [pixels]", "1", 1, 1024),
    LYNE_INT(lyne_conv2d_config, padding, "zeros around the picture [pixels]", "0", 0, 1024),
    LYNE_INT(lyne_conv2d_config, dilation, "distance between the taps of a filter [pixels]", "1", 1, 1024),
    LYNE_INT(lyne_conv2d_config, groups, "groups of channels that do not see each other", "1", 1, 1 << 20),
    LYNE_BOOL(lyne_conv2d_config, bias, "add a number of its own to each channel out", "true"),
    LYNE_FIELDS_END};

static lyne_status conv2d_shape(lyne_node *n, lyne_error *err) {
    const lyne_conv2d_config *c = n->config;
    const int64_t *src = n->src[0]->shape.dim;
    int64_t size[2];
    lyne_status status = lyne_check_picture(n, err);
    if (status != LYNE_OK) return status;
    if (src[1] % c->groups || c->filters % c->groups)
        return lyne_fail(err, LYNE_ERECIPE, "groups = %lld must divide both %lld channels in and %lld filters",
                         (long long)c->groups, (long long)src[1], (long long)c->filters);
    status = lyne_window_slide(n, (lyne_window){c->kernel, c->stride, c->padding, c->dilation}, size, err);
    if (status != LYNE_OK) return status;
    n->shape = LYNE_SHAPE(src[0], c->filters, size[0], size[1]);
    const int64_t in = src[1] / c->groups, fan_in = in * c->kernel * c->kernel;
    status = lyne_node_param(n, "weight", LYNE_SHAPE(c->filters, in, c->kernel, c->kernel), LYNE_WEIGHT,
                             LYNE_INIT_UNIFORM_FAN, fan_in, err);
    if (status != LYNE_OK || !c->bias) return status;
    return lyne_node_param(n, "bias", LYNE_SHAPE(c->filters), LYNE_BIAS, LYNE_INIT_UNIFORM_FAN, fan_in, err);
}

static lyne_status make(lyne_program *p, const lyne_node *n, dnn_pass pass, dnn_primitive **out, lyne_error *err) {
    const lyne_conv2d_config *c = n->config;
    dnn_tensor weights = lyne_param_tensor(n, 0, DNN_ANY);
    weights.type = lyne_weight_type(n, pass);
    if (c->groups > 1)
        weights =
            (dnn_tensor){.rank = 5,
                         .dim = {c->groups, c->filters / c->groups, weights.dim[1], weights.dim[2], weights.dim[3]},
                         .type = weights.type,
                         .format = weights.format};
    const dnn_convolution_spec spec = {.src = lyne_tensor(n->src[0]),
                                       .weights = weights,
                                       .bias = lyne_bias_tensor(p, n),
                                       .dst = lyne_dst_tensor(n, pass),
                                       .stride = {c->stride, c->stride},
                                       .dilation = {c->dilation, c->dilation},
                                       .pad_begin = {c->padding, c->padding},
                                       .pad_end = {c->padding, c->padding}};
    return dnn_convolution(lyne_program_dnn(p), &spec, pass, out, err);
}

static lyne_status conv2d_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const conv_kernel *kernel = conv_kernel_for(p, n, CONV_FORWARD);
    const conv_diff none = {LYNE_NO_BUFFER, LYNE_NO_BUFFER};
    if (kernel) return kernel->emit(p, n, CONV_FORWARD, none, err);
    return lyne_emit_weighted(p, n, make, err);
}

static lyne_status emit_diff_weights(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_error *err) {
    const conv_kernel *kernel = conv_kernel_for(p, n, CONV_WEIGHTS);
    const conv_diff diff = {diff_dst, LYNE_NO_BUFFER};
    if (kernel) return kernel->emit(p, n, CONV_WEIGHTS, diff, err);
    return lyne_primitive_diff_weights(p, n, make, diff_dst, err);
}

static lyne_status emit_diff_src(lyne_program *p, const lyne_node *n, lyne_buffer diff_dst, lyne_buffer diff_src,
                                 lyne_error *err) {
    const conv_kernel *kernel = conv_kernel_for(p, n, CONV_DATA);
    const conv_diff diff = {diff_dst, diff_src};
    if (kernel) return kernel->emit(p, n, CONV_DATA, diff, err);
    return lyne_primitive_diff_src(p, n, make, diff_dst, diff_src, err);
}

static lyne_status conv2d_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_emit_weighted_backward(p, n, emit_diff_weights, emit_diff_src, err);
}

static int64_t conv2d_macs(const lyne_node *n) {
    const int64_t *weight = lyne_graph_param(n->graph, n->param[0])->shape.dim;
    return lyne_macs(n, weight[1] * weight[2] * weight[3]);
}

static const lyne_op_case cases[] = {
    {.config = "{filters: 2, kernel: 3, padding: 1}", .src = {{4, {2, 1, 4, 4}}}},
    {.config = "{filters: 6, kernel: 5, padding: 2}", .src = {{4, {3, 1, 8, 8}}}},
    {.config = "{filters: 4, kernel: 3, stride: 2, bias: false}", .src = {{4, {2, 3, 7, 5}}}},
    {.config = "{filters: 5, kernel: 1}", .src = {{4, {2, 7, 3, 3}}}},
    {.config = "{filters: 4, kernel: 3, dilation: 2, padding: 2}", .src = {{4, {2, 2, 6, 6}}}},
    {.config = "{filters: 6, kernel: 3, padding: 1, groups: 2}", .src = {{4, {2, 4, 5, 5}}}},
    {.config = "{filters: 8, kernel: 3, padding: 1, groups: 8, bias: false}", .src = {{4, {2, 8, 6, 6}}}},
    {.config = "{filters: 16, kernel: 3, padding: 1, stride: 2}", .src = {{4, {4, 16, 9, 9}}}},
    {.config = "{filters: 5, kernel: 3, padding: 1, groups: 5}", .src = {{4, {2, 5, 4, 7}}}},
    {.config = "{filters: 24, kernel: 3, padding: 1, groups: 24}", .src = {{4, {3, 24, 7, 5}}}},
    {.config = "{filters: 24, kernel: 3, padding: 1, stride: 2, groups: 24}", .src = {{4, {17, 24, 5, 6}}}},
    {.config = "{filters: 16, kernel: 3, padding: 1, stride: 2, groups: 16}", .src = {{4, {2, 16, 1, 2}}}},
    {.config = "{filters: 32, kernel: 3, padding: 1}", .src = {{4, {3, 16, 7, 5}}}, .rounding = 1e-5},
    {.config = "{filters: 16, kernel: 3, padding: 1, bias: false}", .src = {{4, {5, 48, 12, 9}}}, .rounding = 1e-5},
    {.config = "{filters: 64, kernel: 3, padding: 1, bias: false}", .src = {{4, {2, 32, 7, 5}}}, .rounding = 1e-5},
    {.config = "{filters: 32, kernel: 3, padding: 1, stride: 2}", .src = {{4, {3, 64, 7, 6}}}},
    {.config = "{filters: 64, kernel: 1, stride: 2, bias: false}", .src = {{4, {3, 32, 5, 6}}}},
    {.config = "{filters: 8, kernel: 1, stride: 2}", .src = {{4, {3, 5, 8, 6}}}},
    {.config = "{filters: 33, kernel: 1, bias: false}", .src = {{4, {3, 20, 5, 3}}}},
    {0}};

extern const lyne_op lyne_op_conv2d;
lyne_node *lyne_conv2d(lyne_graph *g, const char *name, lyne_node *src, lyne_conv2d_config c) {
    return lyne_graph_add(g, &lyne_op_conv2d, name, &c, &src, 1);
}

const lyne_op lyne_op_conv2d = {.component = {.kind = LYNE_OP,
                                              .name = "conv2d",
                                              .help = "filters sliding over a picture",
                                              .example = "{conv2d: {filters: 16, kernel: 3, padding: 1}}",
                                              .config_size = sizeof(lyne_conv2d_config),
                                              .fields = fields},
                                .n_src = 1,
                                .precision = LYNE_BF16_BEST,
                                .can_widen = true,
                                .shape = conv2d_shape,
                                .emit = conv2d_emit,
                                .emit_backward = conv2d_emit_backward,
                                .macs = conv2d_macs,
                                .cases = cases};
