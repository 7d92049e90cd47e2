/* ops/each_place.c -- (B, L, F) as (B L, F): each place a sample of its own, for losses, which are means over samples.
 * dst is src, and its gradient that of src. */
#include "lyne/ops.h"
#include "ops/common.h"

static lyne_status each_place_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *src = &n->src[0]->shape;
    if (src->rank != 3) return lyne_misfit(n, "(B, L, F)", err);
    n->shape = LYNE_SHAPE(src->dim[0] * src->dim[1], src->dim[2]);
    return lyne_check_source(n, err);
}

static lyne_status each_place_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    (void)err;
    lyne_dst_is(p, n, lyne_src(p, n, 0));
    return LYNE_OK;
}

static lyne_status each_place_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    (void)err;
    lyne_diff_src_is(p, n, 0, lyne_diff_dst(p, n));
    return LYNE_OK;
}

static const lyne_op_case cases[] = {{.src = {{3, {2, 3, 4}}}}, {0}};

extern const lyne_op lyne_op_each_place;
lyne_node *lyne_each_place(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &lyne_op_each_place, name, NULL, &src, 1);
}

const lyne_op lyne_op_each_place = {.component = {.kind = LYNE_OP,
                                                  .name = "each_place",
                                                  .help = "each place of a sequence as a sample of its own",
                                                  .example = "each_place"},
                                    .n_src = 1,
                                    .precision = LYNE_EITHER,
                                    .shape = each_place_shape,
                                    .emit = each_place_emit,
                                    .emit_backward = each_place_emit_backward,
                                    .cases = cases};
