/* ops/layer_norm.c -- the F numbers of each place to mean 0 and variance 1, then scaled and shifted.
 *   src, dst (B, F) or (B, L, F);  weight, bias (F);  arithmetic in group.c.  The same in training and inference. */
#include "lyne/ops.h"
#include "ops/group.h"

static const lyne_field fields[] = {{.name = "epsilon",
                                     .type = LYNE_FIELD_FLOAT,
                                     .help = "added to the variance",
                                     .fallback = "1e-5",
                                     .offset = offsetof(lyne_layer_norm_config, epsilon),
                                     LYNE_RANGE(1e-12, 1)},
                                    LYNE_FIELDS_END};

static lyne_status layer_norm_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape;
    if (src->rank != 2 && src->rank != 3) return lyne_misfit(n, "(B, F) or (B, L, F)", err);
    n->shape = *src;
    lyne_status status = lyne_check_source(n, err);
    return status != LYNE_OK ? status : lyne_group_params(n, src->dim[src->rank - 1], err);
}

static lyne_grouping grouping_of(const lyne_node *n) {
    const int64_t F = n->shape.dim[n->shape.rank - 1];
    return (lyne_grouping){.samples = lyne_shape_size(&n->shape) / F,
                           .pixels = 1,
                           .channels = F,
                           .groups = 1,
                           .epsilon = ((const lyne_layer_norm_config *)n->config)->epsilon};
}

static lyne_status layer_norm_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_group_emit(p, n, grouping_of(n), err);
}
static lyne_status layer_norm_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_group_emit_backward(p, n, grouping_of(n), err);
}

static const lyne_op_case cases[] = {{.src = {{2, {3, 5}}}},
                                     {.src = {{3, {2, 3, 8}}}},
                                     {.config = "{epsilon: 1e-3}", .src = {{3, {4, 9, 37}}}},
                                     {.src = {{3, {4, 33, 128}}}},
                                     {0}};

extern const lyne_op lyne_op_layer_norm;
lyne_node *lyne_layer_norm(lyne_graph *g, const char *name, lyne_node *src, lyne_layer_norm_config c) {
    return lyne_graph_add(g, &lyne_op_layer_norm, name, &c, &src, 1);
}

const lyne_op lyne_op_layer_norm = {.component = {.kind = LYNE_OP,
                                                  .name = "layer_norm",
                                                  .help = "the last dimension to mean 0 and variance 1, then scaled "
                                                          "and shifted",
                                                  .source = "Ba, Kiros, Hinton 2016, arXiv:1607.06450",
                                                  .example = "layer_norm",
                                                  .config_size = sizeof(lyne_layer_norm_config),
                                                  .fields = fields},
                                    .n_src = 1,
                                    .shape = layer_norm_shape,
                                    .emit = layer_norm_emit,
                                    .emit_backward = layer_norm_emit_backward,
                                    .cases = cases};
