/* ops/slice.c -- dst = `length` places of src from `first` on, along one dimension.
 *   src (B, C, ...), dst (B, length, ...) for axis 1;  diff_src = diff_dst there, 0 elsewhere
 * Several slices of one value split it: a node has one value, so there is no op `split`. */
#include "lyne/ops.h"
#include "ops/axis.h"

#include <string.h>

static const lyne_field fields[] = {
    LYNE_INT(lyne_slice_config, axis, "the dimension that is cut; 1: channels", "1", 1, LYNE_MAX_RANK - 1),
    LYNE_INT(lyne_slice_config, first, "the first place that is taken, counted from 0", "0", 0, INT32_MAX),
    LYNE_INT(lyne_slice_config, length, "how many are taken", LYNE_REQUIRED, 1, INT32_MAX), LYNE_FIELDS_END};

static lyne_status slice_shape(lyne_node *n, lyne_error *err) {
    const lyne_slice_config *c = n->config;
    const lyne_shape *src = &n->src[0]->shape;
    char text[LYNE_SHAPE_TEXT];
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    if (c->axis >= src->rank || c->first + c->length > src->dim[c->axis])
        return lyne_fail(err, LYNE_ERECIPE, "slice: places %lld to %lld of dimension %lld do not all exist in %s",
                         (long long)c->first, (long long)(c->first + c->length - 1), (long long)c->axis,
                         lyne_shape_print(src, text));
    n->shape = *src;
    n->shape.dim[c->axis] = c->length;
    return LYNE_OK;
}

typedef struct slice_runs {
    int64_t outer, whole, first, run;
} slice_runs;

static slice_runs runs_of(const lyne_node *n) {
    const lyne_slice_config *c = n->config;
    const lyne_axis a = lyne_axis_of(&n->src[0]->shape, c->axis);
    return (slice_runs){
        .outer = a.outer, .whole = a.n * a.inner, .first = c->first * a.inner, .run = c->length * a.inner};
}

static void forward(const lyne_call *call) {
    const slice_runs *c = call->config;
    lyne_copy_runs(c->outer, c->run, (const float *)call->buffer[0] + c->first, c->whole, call->buffer[1], c->run);
}

static void backward(const lyne_call *call) {
    const slice_runs *c = call->config;
    float *diff_src = call->buffer[1];
    memset(diff_src, 0, (size_t)(c->outer * c->whole) * sizeof *diff_src);
    lyne_copy_runs(c->outer, c->run, call->buffer[0], c->run, diff_src + c->first, c->whole);
}

static lyne_status slice_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const slice_runs c = runs_of(n);
    return lyne_emit_kernel(p, n, "slice", forward, &c, sizeof c, (lyne_buffer[]){lyne_src(p, n, 0), lyne_dst(p, n)}, 2,
                            err);
}

static lyne_status slice_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const slice_runs c = runs_of(n);
    return lyne_emit_kernel(p, n, "slice", backward, &c, sizeof c,
                            (lyne_buffer[]){lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)}, 2, err);
}

static const lyne_op_case cases[] = {{.config = "{first: 1, length: 3}", .src = {{2, {3, 5}}}},
                                     {.config = "{length: 2}", .src = {{4, {2, 5, 3, 4}}}},
                                     {.config = "{axis: 2, first: 2, length: 1}", .src = {{4, {2, 3, 3, 4}}}},
                                     {.config = "{axis: 3, first: 1, length: 2}", .src = {{4, {2, 3, 4, 5}}}},
                                     {.config = "{axis: 2, first: 4, length: 3}", .src = {{3, {2, 3, 7}}}},
                                     {.config = "{first: 8, length: 16}", .src = {{4, {4, 32, 16, 16}}}},
                                     {0}};

extern const lyne_op lyne_op_slice;
lyne_node *lyne_slice(lyne_graph *g, const char *name, lyne_node *src, lyne_slice_config c) {
    return lyne_graph_add(g, &lyne_op_slice, name, &c, &src, 1);
}

const lyne_op lyne_op_slice = {
    .component = {.kind = LYNE_OP,
                  .name = "slice",
                  .help = "some neighbouring places of one dimension; several slices split a value",
                  .example = "{slice: {first: 0, length: 8}}",
                  .config_size = sizeof(lyne_slice_config),
                  .fields = fields},
    .n_src = 1,
    .shape = slice_shape,
    .emit = slice_emit,
    .emit_backward = slice_emit_backward,
    .cases = cases};
