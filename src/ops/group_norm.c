/* ops/group_norm.c -- each group of channels of each picture to mean 0 and variance 1, then scaled and shifted by
 * channel. src, dst (B, C) or (B, C, H, W);  weight, bias (C);  a group is C / groups neighbouring channels; arithmetic
 * in group.c.  Knows nothing of the batch, so training and inference are the same. */
#include "lyne/ops.h"
#include "ops/group.h"

static const lyne_field fields[] = {
    LYNE_INT(lyne_group_norm_config, groups, "into how many groups the channels are divided", LYNE_REQUIRED, 1,
             1 << 20),
    LYNE_FLOAT(lyne_group_norm_config, epsilon, "added to the variance", "1e-5", 1e-12, 1), LYNE_FIELDS_END};

static lyne_status group_norm_shape(lyne_node *n, lyne_error *err) {
    const lyne_group_norm_config *c = n->config;
    const lyne_shape *src = &n->src[0]->shape;
    if (src->rank != 2 && src->rank != 4) return lyne_misfit(n, "(B, C) or (B, C, H, W)", err);
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    if (src->dim[1] % c->groups)
        return lyne_fail(err, LYNE_ERECIPE, "groups = %lld must divide %lld channels", (long long)c->groups,
                         (long long)src->dim[1]);
    n->shape = *src;
    return lyne_group_params(n, src->dim[1], err);
}

static lyne_grouping grouping_of(const lyne_node *n) {
    const lyne_group_norm_config *c = n->config;
    const int64_t *dim = n->shape.dim;
    return (lyne_grouping){.samples = dim[0],
                           .pixels = lyne_shape_size(&n->shape) / dim[0] / dim[1],
                           .channels = dim[1],
                           .groups = c->groups,
                           .epsilon = c->epsilon};
}

static lyne_status group_norm_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_group_emit(p, n, grouping_of(n), err);
}
static lyne_status group_norm_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_group_emit_backward(p, n, grouping_of(n), err);
}

static const lyne_op_case cases[] = {{.config = "{groups: 2}", .src = {{4, {2, 4, 2, 3}}}},
                                     {.config = "{groups: 1, epsilon: 1e-3}", .src = {{4, {3, 6, 4, 5}}}},
                                     {.config = "{groups: 3}", .src = {{2, {4, 15}}}},
                                     {.config = "{groups: 6}", .src = {{4, {2, 6, 5, 4}}}},
                                     {.config = "{groups: 4}", .src = {{4, {5, 72, 7, 8}}}},
                                     {0}};

extern const lyne_op lyne_op_group_norm;
lyne_node *lyne_group_norm(lyne_graph *g, const char *name, lyne_node *src, lyne_group_norm_config c) {
    return lyne_graph_add(g, &lyne_op_group_norm, name, &c, &src, 1);
}

const lyne_op lyne_op_group_norm = {.component = {.kind = LYNE_OP,
                                                  .name = "group_norm",
                                                  .help = "groups of channels of each picture to mean 0 and variance "
                                                          "1, then scaled and shifted",
                                                  .source = "Wu, He 2018, arXiv:1803.08494",
                                                  .example = "{group_norm: {groups: 8}}",
                                                  .config_size = sizeof(lyne_group_norm_config),
                                                  .fields = fields},
                                    .n_src = 1,
                                    .shape = group_norm_shape,
                                    .emit = group_norm_emit,
                                    .emit_backward = group_norm_emit_backward,
                                    .cases = cases};
