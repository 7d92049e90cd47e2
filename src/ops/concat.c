/* ops/concat.c -- dst = a, and behind it b, along one dimension.  All other dimensions are the same.
 *   a (B, Ca, ...), b (B, Cb, ...), dst (B, Ca + Cb, ...) for axis 1
 *   diff_a, diff_b = their parts of diff_dst */
#include "lyne/ops.h"
#include "ops/axis.h"

static const lyne_field fields[] = {LYNE_INT(lyne_concat_config, axis,
                                             "the dimension along which they follow each other; 1: channels", "1", 1,
                                             LYNE_MAX_RANK - 1),
                                    LYNE_FIELDS_END};

static lyne_status concat_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *a = &n->src[0]->shape, *b = &n->src[1]->shape;
    const int64_t axis = ((const lyne_concat_config *)n->config)->axis;
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    bool fits = n->src[0]->type == n->src[1]->type && a->rank == b->rank && axis < a->rank;
    for (int i = 0; fits && i < a->rank; i++) fits = i == axis || a->dim[i] == b->dim[i];
    char text[2][LYNE_SHAPE_TEXT];
    if (!fits)
        return lyne_fail(err, LYNE_ERECIPE,
                         "concat expects two values that differ in dimension %lld alone, not %s and %s",
                         (long long)axis, lyne_shape_print(a, text[0]), lyne_shape_print(b, text[1]));
    n->shape = *a;
    n->shape.dim[axis] += b->dim[axis];
    return LYNE_OK;
}

/* Lengths of a run of a and of b; a run of dst is both. */
typedef struct concat_runs {
    int64_t outer, run[2];
} concat_runs;

static concat_runs runs_of(const lyne_node *n) {
    concat_runs c = {0};
    for (int i = 0; i < 2; i++) {
        const lyne_axis a = lyne_axis_of(&n->src[i]->shape, ((const lyne_concat_config *)n->config)->axis);
        c.outer = a.outer;
        c.run[i] = a.n * a.inner;
    }
    return c;
}

/* a, b, dst */
static void forward(const lyne_call *call) {
    const concat_runs *c = call->config;
    float *dst = call->buffer[2];
    for (int i = 0; i < 2; i++)
        lyne_copy_runs(c->outer, c->run[i], call->buffer[i], c->run[i], dst + (i ? c->run[0] : 0),
                       c->run[0] + c->run[1]);
}

/* diff_dst; diff_a and diff_b, either of which may not be asked for */
static void backward(const lyne_call *call) {
    const concat_runs *c = call->config;
    const float *diff_dst = call->buffer[0];
    for (int i = 0; i < 2; i++)
        if (call->buffer[1 + i])
            lyne_copy_runs(c->outer, c->run[i], diff_dst + (i ? c->run[0] : 0), c->run[0] + c->run[1],
                           call->buffer[1 + i], c->run[i]);
}

static lyne_status concat_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const concat_runs c = runs_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "concat", forward, &c, sizeof c, b, 3, err);
}

static lyne_status concat_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const concat_runs c = runs_of(n);
    const lyne_buffer b[] = {lyne_diff_dst(p, n), lyne_diff_src(p, n, 0), lyne_diff_src(p, n, 1)};
    return lyne_emit_kernel(p, n, "concat", backward, &c, sizeof c, b, 3, err);
}

static const lyne_op_case cases[] = {{.src = {{2, {3, 5}}, {2, {3, 2}}}},
                                     {.src = {{4, {2, 3, 4, 5}}, {4, {2, 7, 4, 5}}}},
                                     {.config = "{axis: 2}", .src = {{4, {2, 3, 4, 5}}, {4, {2, 3, 1, 5}}}},
                                     {.config = "{axis: 3}", .src = {{4, {2, 3, 4, 5}}, {4, {2, 3, 4, 2}}}},
                                     {.config = "{axis: 2}", .src = {{3, {2, 3, 4}}, {3, {2, 3, 6}}}},
                                     {.src = {{4, {4, 32, 16, 16}}, {4, {4, 16, 16, 16}}}},
                                     {0}};

extern const lyne_op lyne_op_concat;
lyne_node *lyne_concat(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b, lyne_concat_config c) {
    return lyne_graph_add(g, &lyne_op_concat, name, &c, (lyne_node *[]){a, b}, 2);
}

const lyne_op lyne_op_concat = {.component = {.kind = LYNE_OP,
                                              .name = "concat",
                                              .help = "two values one behind the other, along one dimension",
                                              .example = "{concat: {axis: 1}}",
                                              .config_size = sizeof(lyne_concat_config),
                                              .fields = fields},
                                .n_src = 2,
                                .shape = concat_shape,
                                .emit = concat_emit,
                                .emit_backward = concat_emit_backward,
                                .cases = cases};
