/* ops/reshape.c -- the numbers of each sample under other dimensions, in logical order, the last fastest, as in
 * PyTorch. src (B, ...), dst (B, shape...);  diff_src = diff_dst under the dimensions of src Where both lie in logical
 * order, dst is src.  A picture lies channels last and is brought to logical order first, and from it last. */
#include "lyne/ops.h"
#include "ops/walk.h"

static const lyne_field fields[] = {LYNE_ENTRY_WITH(INTS, lyne_reshape_config, shape,
                                                    "dimensions behind the batch; one of them may be -1: what is left",
                                                    LYNE_REQUIRED, LYNE_RANGE(-1, INT32_MAX)),
                                    LYNE_FIELDS_END};

static lyne_status reshape_shape(lyne_node *n, lyne_error *err) {
    const lyne_ints *c = &((const lyne_reshape_config *)n->config)->shape;
    const lyne_shape *src = &n->src[0]->shape;
    char text[LYNE_SHAPE_TEXT];
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    if (c->n < 1 || c->n >= LYNE_MAX_RANK)
        return lyne_fail(err, LYNE_ERECIPE, "reshape: shape has %zu dimensions, expected 1 to %d", c->n,
                         LYNE_MAX_RANK - 1);
    const int64_t whole = lyne_shape_size(src) / src->dim[0];
    int64_t known = 1;
    int open = 0;
    n->shape = (lyne_shape){.rank = (int)c->n + 1, .dim = {src->dim[0]}};
    for (size_t i = 0; i < c->n; i++) {
        const int64_t d = n->shape.dim[i + 1] = c->item[i];
        open += d == -1;
        if (d == -1) continue;
        known = d < 1 || known > whole / d ? 0 : known * d; /* 0 fits nothing and stays */
    }
    if (open > 1 || known < 1 || (open ? whole % known != 0 : whole != known))
        return lyne_fail(err, LYNE_ERECIPE,
                         "reshape: the %lld numbers of a sample of %s do not make up the shape asked", (long long)whole,
                         lyne_shape_print(src, text));
    for (size_t i = 0; i < c->n; i++)
        if (c->item[i] == -1) n->shape.dim[i + 1] = whole / known;
    return LYNE_OK;
}

/* Whether memory order is logical order. */
static bool is_plain(const lyne_shape *s) {
    return s->rank != 4 || s->dim[1] == 1 || s->dim[2] * s->dim[3] == 1;
}

/* Copy a value of shape `from` to one of shape `to`, of which one at least is not plain. */
static lyne_status emit_copy(lyne_program *p, const lyne_node *n, const lyne_shape *from, lyne_buffer src,
                             const lyne_shape *to, lyne_buffer dst, lyne_error *err) {
    static const int same[LYNE_MAX_RANK] = {0, 1, 2, 3, 4, 5};
    lyne_status status = LYNE_OK;
    lyne_buffer plain = src;
    if (!is_plain(from)) {
        plain = is_plain(to) ? dst : lyne_kept(p, n, 0, (size_t)lyne_shape_size(from) * sizeof(float));
        status = lyne_emit_walk(p, n, lyne_walk_of(from, same, false, true), src, plain, err);
    }
    if (status == LYNE_OK && !is_plain(to))
        status = lyne_emit_walk(p, n, lyne_walk_of(to, same, true, false), plain, dst, err);
    return status;
}

static bool is_view(const lyne_node *n) {
    return is_plain(&n->src[0]->shape) && is_plain(&n->shape);
}

static lyne_status reshape_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    if (!is_view(n)) return emit_copy(p, n, &n->src[0]->shape, lyne_src(p, n, 0), &n->shape, lyne_dst(p, n), err);
    lyne_dst_is(p, n, lyne_src(p, n, 0));
    return LYNE_OK;
}

static lyne_status reshape_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    if (!is_view(n))
        return emit_copy(p, n, &n->shape, lyne_diff_dst(p, n), &n->src[0]->shape, lyne_diff_src(p, n, 0), err);
    lyne_diff_src_is(p, n, 0, lyne_diff_dst(p, n));
    return LYNE_OK;
}

static const lyne_op_case cases[] = {{.config = "{shape: [3, 4]}", .src = {{2, {2, 12}}}},
                                     {.config = "{shape: [-1, 1, 1]}", .src = {{2, {2, 12}}}},
                                     {.config = "{shape: [3, -1]}", .src = {{4, {2, 3, 4, 5}}}},
                                     {.config = "{shape: [3, 4, 5]}", .src = {{2, {2, 60}}}},
                                     {.config = "{shape: [5, -1, 2]}", .src = {{4, {2, 3, 4, 5}}}},
                                     {.config = "{shape: [2, 3, 2, 5]}", .src = {{4, {3, 5, 4, 3}}}},
                                     {.config = "{shape: [256, 64]}", .src = {{4, {2, 64, 16, 16}}}},
                                     {0}};

extern const lyne_op lyne_op_reshape;
lyne_node *lyne_reshape(lyne_graph *g, const char *name, lyne_node *src, lyne_reshape_config c) {
    return lyne_graph_add(g, &lyne_op_reshape, name, &c, &src, 1);
}

const lyne_op lyne_op_reshape = {.component = {.kind = LYNE_OP,
                                               .name = "reshape",
                                               .help = "the numbers of each sample under other dimensions",
                                               .example = "{reshape: {shape: [16, -1]}}",
                                               .config_size = sizeof(lyne_reshape_config),
                                               .fields = fields},
                                 .n_src = 1,
                                 .shape = reshape_shape,
                                 .emit = reshape_emit,
                                 .emit_backward = reshape_emit_backward,
                                 .cases = cases};
