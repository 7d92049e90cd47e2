/* tests/graph/toys.c -- see toys.h. */
#include "toys.h"
#include <string.h>

/* ---- kernels; each step's config is the number of elements ---- */

static size_t count(const lyne_call *call) {
    return (size_t) * (const int64_t *)call->config;
}

static void copy(const lyne_call *call) {
    memcpy(call->buffer[1], call->buffer[0], count(call) * sizeof(float));
}

static void add(const lyne_call *call) {
    const float *a = call->buffer[0], *b = call->buffer[1];
    float *dst = call->buffer[2];
    for (size_t i = 0; i < count(call); i++) dst[i] = a[i] + b[i];
}

static void mul(const lyne_call *call) {
    const float *a = call->buffer[0], *b = call->buffer[1];
    float *dst = call->buffer[2];
    for (size_t i = 0; i < count(call); i++) dst[i] = a[i] * b[i];
}

static void total(const lyne_call *call) {
    const float *a = call->buffer[0];
    double sum = 0;
    for (size_t i = 0; i < count(call); i++) sum += a[i];
    *(float *)call->buffer[1] = (float)sum;
}

static void spread(const lyne_call *call) {
    float *dst = call->buffer[1];
    for (size_t i = 0; i < count(call); i++) dst[i] = *(const float *)call->buffer[0];
}

/* (R, C) to (C, R), R being the first of the node's dimensions. */
static void turn(const lyne_call *call) {
    const int64_t rows = call->node->shape.dim[0], columns = call->node->shape.dim[1];
    const bool back = *(const bool *)call->config;
    const float *src = call->buffer[0];
    float *dst = call->buffer[1];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            if (back)
                dst[c * rows + r] = src[r * columns + c];
            else
                dst[r * columns + c] = src[c * rows + r];
}

static lyne_status emit(lyne_program *p, const lyne_node *n, lyne_kernel kernel, int64_t elements,
                        const lyne_buffer *buffers, int n_buffers, lyne_error *err) {
    return lyne_emit_kernel(p, n, n->op->component.name, kernel, &elements, sizeof elements, buffers, n_buffers, err);
}

static lyne_status elementwise(lyne_program *p, const lyne_node *n, lyne_kernel kernel, const lyne_buffer *buffers,
                               int n_buffers, lyne_error *err) {
    return emit(p, n, kernel, lyne_shape_size(&n->src[0]->shape), buffers, n_buffers, err);
}

static lyne_status like_source(lyne_node *n, lyne_error *err) {
    n->shape = n->src[0]->shape;
    if (n->n_src < 2 || lyne_shape_equal(&n->shape, &n->src[1]->shape)) return LYNE_OK;
    return lyne_fail(err, LYNE_ERECIPE, "two shapes");
}

/* ---- parameters ---- */

static lyne_status param_shape(lyne_node *n, lyne_error *err) {
    n->shape = *(const lyne_shape *)n->config;
    return lyne_node_param(n, "weight", n->shape, LYNE_WEIGHT, LYNE_INIT_UNIFORM_FAN, 4, err);
}

static lyne_status param_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    lyne_dst_is(p, n, lyne_weight(p, n, 0, NULL, err));
    return LYNE_OK;
}

static lyne_status param_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_diff_dst(p, n), lyne_diff_weight(p, n, 0, NULL, err)};
    return emit(p, n, copy, lyne_shape_size(&n->shape), b, 2, err);
}

/* Either pass: what is read or written by columns, and what by rows. */
static lyne_status turned_step(lyne_program *p, const lyne_node *n, bool back, lyne_error *err) {
    dnn_layout *layout = NULL;
    lyne_status status = dnn_layout_new(lyne_param_tensor(n, 0, DNN_TRANSPOSED), &layout, err);
    if (status != LYNE_OK) return status;
    const lyne_buffer b[] = {back ? lyne_diff_dst(p, n) : lyne_weight(p, n, 0, layout, err),
                             back ? lyne_diff_weight(p, n, 0, layout, err) : lyne_dst(p, n)};
    dnn_layout_free(layout);
    if (err->status != LYNE_OK) return err->status;
    return lyne_emit_kernel(p, n, back ? "turn back" : "turn", turn, &back, sizeof back, b, 2, err);
}

static lyne_status turned_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return turned_step(p, n, false, err);
}

static lyne_status turned_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    return turned_step(p, n, true, err);
}

static lyne_status state_shape(lyne_node *n, lyne_error *err) {
    n->shape = LYNE_SHAPE(3);
    return lyne_node_param(n, "weight", n->shape, LYNE_STATE, LYNE_INIT_ONE, 0, err);
}

/* ---- values ---- */

static lyne_status mul_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_dst(p, n)};
    return elementwise(p, n, mul, b, 3, err);
}

static lyne_status mul_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (int i = 0; i < 2 && status == LYNE_OK; i++) {
        const lyne_buffer b[] = {lyne_diff_dst(p, n), lyne_src(p, n, 1 - i), lyne_diff_src(p, n, i)};
        if (b[2] != LYNE_NO_BUFFER) status = elementwise(p, n, mul, b, 3, err);
    }
    return status;
}

static lyne_status add_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_dst(p, n)};
    return elementwise(p, n, add, b, 3, err);
}

static lyne_status pass_back(lyne_program *p, const lyne_node *n, lyne_error *err) {
    (void)err;
    for (int i = 0; i < n->n_src; i++) lyne_diff_src_is(p, n, i, lyne_diff_dst(p, n));
    return LYNE_OK;
}

static lyne_status view_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    (void)err;
    lyne_dst_is(p, n, lyne_src(p, n, 0));
    return LYNE_OK;
}

static lyne_status wall_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n)};
    return elementwise(p, n, copy, b, 2, err);
}

static lyne_status total_shape(lyne_node *n, lyne_error *err) {
    (void)err;
    n->shape = LYNE_SHAPE(1);
    return LYNE_OK;
}

static lyne_status total_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_dst(p, n)};
    return elementwise(p, n, total, b, 2, err);
}

static lyne_status total_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_buffer b[] = {lyne_diff_dst(p, n), lyne_diff_src(p, n, 0)};
    return elementwise(p, n, spread, b, 2, err);
}

static lyne_status refusal_shape(lyne_node *n, lyne_error *err) {
    (void)n;
    return lyne_fail(err, LYNE_ERECIPE, "no such shape");
}

static const lyne_op op_param = {.component = {.kind = LYNE_OP, .name = "param", .config_size = sizeof(lyne_shape)},
                                 .shape = param_shape,
                                 .emit = param_emit,
                                 .emit_backward = param_backward};
static const lyne_op op_turned = {.component = {.kind = LYNE_OP, .name = "turned", .config_size = sizeof(lyne_shape)},
                                  .shape = param_shape,
                                  .emit = turned_emit,
                                  .emit_backward = turned_backward};
static const lyne_op op_state = {.component = {.kind = LYNE_OP, .name = "state"},
                                 .shape = state_shape,
                                 .emit = param_emit,
                                 .emit_backward = param_backward};
static const lyne_op op_mul = {.component = {.kind = LYNE_OP, .name = "mul"},
                               .n_src = 2,
                               .shape = like_source,
                               .emit = mul_emit,
                               .emit_backward = mul_backward};
static const lyne_op op_add = {.component = {.kind = LYNE_OP, .name = "add"},
                               .n_src = 2,
                               .shape = like_source,
                               .emit = add_emit,
                               .emit_backward = pass_back};
static const lyne_op op_view = {.component = {.kind = LYNE_OP, .name = "view"},
                                .n_src = 1,
                                .shape = like_source,
                                .emit = view_emit,
                                .emit_backward = pass_back};
static const lyne_op op_wall = {
    .component = {.kind = LYNE_OP, .name = "wall"}, .n_src = 1, .shape = like_source, .emit = wall_emit};
static const lyne_op op_total = {.component = {.kind = LYNE_OP, .name = "total"},
                                 .n_src = 1,
                                 .shape = total_shape,
                                 .emit = total_emit,
                                 .emit_backward = total_backward};
static const lyne_op op_refusal = {
    .component = {.kind = LYNE_OP, .name = "refusal"}, .n_src = 1, .shape = refusal_shape};

lyne_node *toy_param(lyne_graph *g, const char *name, lyne_shape shape) {
    return lyne_graph_add(g, &op_param, name, &shape, NULL, 0);
}
lyne_node *toy_turned(lyne_graph *g, const char *name, lyne_shape shape) {
    return lyne_graph_add(g, &op_turned, name, &shape, NULL, 0);
}
lyne_node *toy_state(lyne_graph *g, const char *name) {
    return lyne_graph_add(g, &op_state, name, NULL, NULL, 0);
}
lyne_node *toy_mul(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b) {
    return lyne_graph_add(g, &op_mul, name, NULL, (lyne_node *[]){a, b}, 2);
}
lyne_node *toy_add(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b) {
    return lyne_graph_add(g, &op_add, name, NULL, (lyne_node *[]){a, b}, 2);
}
lyne_node *toy_view(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &op_view, name, NULL, &src, 1);
}
lyne_node *toy_wall(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &op_wall, name, NULL, &src, 1);
}
lyne_node *toy_total(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &op_total, name, NULL, &src, 1);
}
lyne_node *toy_refusal(lyne_graph *g, const char *name, lyne_node *src) {
    return lyne_graph_add(g, &op_refusal, name, NULL, &src, 1);
}

/* ---- helpers ---- */

lyne_graph *new_graph(int64_t batch) {
    lyne_graph *g = NULL;
    cr_assert_eq(lyne_graph_new(batch, &g, NULL), LYNE_OK);
    return g;
}

void expect_sound(const lyne_graph *g) {
    lyne_error err = {0};
    cr_assert_eq(lyne_graph_status(g, &err), LYNE_OK, "%s", err.text);
}

lyne_weights *new_weights(const lyne_graph *g, uint64_t seed) {
    lyne_error err = {0};
    lyne_weights *w = NULL;
    cr_assert_eq(lyne_weights_new(g, seed, &w, &err), LYNE_OK, "%s", err.text);
    return w;
}

lyne_program *compiled(const lyne_graph *g, const lyne_compile *what) {
    lyne_error err = {0};
    lyne_program *p = NULL;
    cr_assert_eq(lyne_program_compile(g, what, &p, &err), LYNE_OK, "%s", err.text);
    return p;
}

void run_once(lyne_program *p) {
    lyne_error err = {0};
    cr_assert_eq(lyne_program_run(p, &(lyne_clock){0}, &err), LYNE_OK, "%s", err.text);
}

static float *find(const lyne_weights *w, const char *name, float *array) {
    for (int i = 0; i < w->n; i++)
        if (strcmp(w->param[i].name, name) == 0) return array + w->offset[i];
    return NULL;
}

float *value_of(const lyne_weights *w, const char *name) {
    return find(w, name, w->value);
}
float *grad_of(const lyne_weights *w, const char *name) {
    return find(w, name, w->grad);
}
