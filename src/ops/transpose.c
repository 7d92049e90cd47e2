/* ops/transpose.c -- src with two dimensions changed for each other; not the batch.
 *   src (B, L, F), dst (B, F, L) for axes 1 and 2;  diff_src = diff_dst with the same two changed back */
#include "lyne/ops.h"
#include "ops/walk.h"

static const lyne_field fields[] = {
    LYNE_INT(lyne_transpose_config, a, "one of the two dimensions", "1", 1, LYNE_MAX_RANK - 1),
    LYNE_INT(lyne_transpose_config, b, "one of the two dimensions", "2", 1, LYNE_MAX_RANK - 1), LYNE_FIELDS_END};

static lyne_status transpose_shape(lyne_node *n, lyne_error *err) {
    const lyne_transpose_config *c = n->config;
    const lyne_shape *src = &n->src[0]->shape;
    char text[LYNE_SHAPE_TEXT];
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    if (c->a >= src->rank || c->b >= src->rank)
        return lyne_fail(err, LYNE_ERECIPE, "transpose: %s has no dimension %lld", lyne_shape_print(src, text),
                         (long long)(c->a > c->b ? c->a : c->b));
    n->shape = *src;
    n->shape.dim[c->a] = src->dim[c->b];
    n->shape.dim[c->b] = src->dim[c->a];
    return LYNE_OK;
}

/* From a value of that shape to the other; the exchange is its own inverse. */
static lyne_walk walk_of(const lyne_node *n, const lyne_shape *src) {
    const lyne_transpose_config *c = n->config;
    int from[LYNE_MAX_RANK];
    for (int k = 0; k < LYNE_MAX_RANK; k++) from[k] = k == c->a ? (int)c->b : k == c->b ? (int)c->a : k;
    return lyne_walk_of(src, from, false, false);
}

static lyne_status transpose_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_emit_walk(p, n, walk_of(n, &n->src[0]->shape), lyne_src(p, n, 0), lyne_dst(p, n), err);
}
static lyne_status transpose_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return lyne_emit_walk(p, n, walk_of(n, &n->shape), lyne_diff_dst(p, n), lyne_diff_src(p, n, 0), err);
}

static const lyne_op_case cases[] = {{.src = {{3, {2, 3, 4}}}},
                                     {.src = {{4, {2, 3, 4, 5}}}},
                                     {.config = "{a: 3, b: 1}", .src = {{4, {2, 3, 4, 5}}}},
                                     {.config = "{a: 2, b: 3}", .src = {{4, {2, 3, 4, 5}}}},
                                     {.config = "{a: 2, b: 3}", .src = {{5, {2, 3, 4, 3, 2}}}},
                                     {.src = {{3, {4, 70, 65}}}},
                                     {.config = "{a: 1, b: 1}", .src = {{2, {3, 4}}}},
                                     {0}};

extern const lyne_op lyne_op_transpose;
lyne_node *lyne_transpose(lyne_graph *g, const char *name, lyne_node *src, lyne_transpose_config c) {
    return lyne_graph_add(g, &lyne_op_transpose, name, &c, &src, 1);
}

const lyne_op lyne_op_transpose = {.component = {.kind = LYNE_OP,
                                                 .name = "transpose",
                                                 .help = "two dimensions changed for each other",
                                                 .example = "{transpose: {a: 1, b: 2}}",
                                                 .config_size = sizeof(lyne_transpose_config),
                                                 .fields = fields},
                                   .n_src = 1,
                                   .shape = transpose_shape,
                                   .emit = transpose_emit,
                                   .emit_backward = transpose_emit_backward,
                                   .cases = cases};
