/* ops/mul.c -- dst = a b.  b has the rank of a, and each of its dimensions is that of a, or 1 and then repeated.
 *   a, dst (B, C, H, W), b for example (B, C, 1, 1), which gives each channel of each picture a factor
 *   diff_a = b diff_dst;  diff_b = a diff_dst, summed over where b was repeated, in double */
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/axis.h"

#include <string.h>

static lyne_status mul_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *a = &n->src[0]->shape, *b = &n->src[1]->shape;
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    bool fits = n->src[0]->type == n->src[1]->type && a->rank == b->rank;
    for (int i = 0; fits && i < a->rank; i++) fits = b->dim[i] == a->dim[i] || b->dim[i] == 1;
    char text[2][LYNE_SHAPE_TEXT];
    if (!fits)
        return lyne_fail(err, LYNE_ERECIPE,
                         "mul expects a second value whose dimensions are those of the first or 1, not %s and %s",
                         lyne_shape_print(a, text[0]), lyne_shape_print(b, text[1]));
    n->shape = *a;
    return LYNE_OK;
}

/* Rows are the last dimension in memory. */
typedef struct mul_config {
    int rank;
    int64_t dim[LYNE_MAX_RANK], step[LYNE_MAX_RANK]; /* of a in memory; of b, 0 where it is repeated */
    int64_t rows, width, b_size;
    bool split; /* b has a part of its own for each sample */
} mul_config;

static mul_config config_of(const lyne_node *n) {
    const lyne_shape a = lyne_memory_shape(&n->shape), b = lyne_memory_shape(&n->src[1]->shape);
    mul_config c = {.rank = a.rank, .width = a.dim[a.rank - 1], .b_size = 1};
    for (int i = a.rank - 1; i >= 0; i--) {
        c.dim[i] = a.dim[i];
        c.step[i] = b.dim[i] == 1 ? 0 : c.b_size;
        c.b_size *= b.dim[i];
    }
    c.rows = lyne_shape_size(&a) / c.width;
    c.split = a.rank > 1 && b.dim[0] == a.dim[0];
    return c;
}

/* Where the row's part of b begins. */
static int64_t b_at(const mul_config *c, int64_t row) {
    int64_t at = 0;
    for (int i = c->rank - 2; i >= 0; i--) {
        at += row % c->dim[i] * c->step[i];
        row /= c->dim[i];
    }
    return at;
}

LYNE_VECTOR static void multiply(int64_t n, const float *restrict a, const float *restrict b, bool one,
                                 float *restrict dst) {
    if (one)
        for (int64_t i = 0; i < n; i++) dst[i] = a[i] * *b;
    else
        for (int64_t i = 0; i < n; i++) dst[i] = a[i] * b[i];
}

LYNE_VECTOR static void multiply_add(int64_t n, const float *restrict a, const float *restrict b, bool one,
                                     double *restrict sum) {
    if (one)
        for (int64_t i = 0; i < n; i++) *sum += (double)a[i] * (double)b[i];
    else
        for (int64_t i = 0; i < n; i++) sum[i] += (double)a[i] * (double)b[i];
}

/* dst = x b for all rows: forward with x = a, diff_a with x = diff_dst. */
static void scale(const mul_config *c, const float *x, const float *b, float *dst) {
    const bool one = c->step[c->rank - 1] == 0;
#pragma omp parallel for schedule(static) if (c->rows * c->width > 16384)
    for (int64_t r = 0; r < c->rows; r++) multiply(c->width, x + r * c->width, b + b_at(c, r), one, dst + r * c->width);
}

static void forward(const lyne_call *call) {
    scale(call->config, call->buffer[0], call->buffer[1], call->buffer[2]);
}

/* diff_b, by samples where each has its own part of b; else by one thread, so that sums have one order. */
static void sum_up(const mul_config *c, const float *a, const float *diff_dst, double *sum, float *diff_b) {
    const bool one = c->step[c->rank - 1] == 0;
    const int64_t parts = c->split ? c->dim[0] : 1, rows = c->rows / parts, part = c->b_size / parts;
#pragma omp parallel for schedule(static) if (parts > 1 && c->rows * c->width > 16384)
    for (int64_t k = 0; k < parts; k++) {
        memset(sum + k * part, 0, (size_t)part * sizeof *sum);
        for (int64_t r = k * rows; r < (k + 1) * rows; r++)
            multiply_add(c->width, a + r * c->width, diff_dst + r * c->width, one, sum + b_at(c, r));
        for (int64_t i = k * part; i < (k + 1) * part; i++) diff_b[i] = (float)sum[i];
    }
}

/* a, b, diff_dst, sums; diff_a and diff_b, either of which may not be asked for */
static void backward(const lyne_call *call) {
    const mul_config *c = call->config;
    if (call->buffer[4]) scale(c, call->buffer[2], call->buffer[1], call->buffer[4]);
    if (call->buffer[5]) sum_up(c, call->buffer[0], call->buffer[2], call->buffer[3], call->buffer[5]);
}

static lyne_status mul_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const mul_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, "mul", forward, &c, sizeof c, b, 3, err);
}

static lyne_status mul_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const mul_config c = config_of(n);
    const lyne_buffer b[] = {lyne_src(p, n, 0),      lyne_src(p, n, 1),
                             lyne_diff_dst(p, n),    lyne_scratch(p, (size_t)c.b_size * sizeof(double)),
                             lyne_diff_src(p, n, 0), lyne_diff_src(p, n, 1)};
    return lyne_emit_kernel(p, n, "mul", backward, &c, sizeof c, b, 6, err);
}

static const lyne_op_case cases[] = {{.src = {{2, {3, 5}}, {2, {3, 5}}}},
                                     {.src = {{2, {3, 5}}, {2, {1, 5}}}},
                                     {.src = {{2, {3, 5}}, {2, {3, 1}}}},
                                     {.src = {{2, {3, 5}}, {2, {1, 1}}}},
                                     {.src = {{4, {2, 3, 4, 5}}, {4, {2, 3, 1, 1}}}},
                                     {.src = {{4, {2, 3, 4, 5}}, {4, {1, 3, 4, 1}}}},
                                     {.src = {{4, {2, 3, 4, 5}}, {4, {2, 1, 4, 5}}}},
                                     {.src = {{3, {2, 3, 4}}, {3, {2, 1, 4}}}},
                                     {.src = {{4, {4, 24, 16, 16}}, {4, {4, 24, 1, 1}}}},
                                     {0}};

extern const lyne_op lyne_op_mul;
lyne_node *lyne_mul(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b) {
    return lyne_graph_add(g, &lyne_op_mul, name, NULL, (lyne_node *[]){a, b}, 2);
}

const lyne_op lyne_op_mul = {.component = {.kind = LYNE_OP,
                                           .name = "mul",
                                           .help = "product of two values, the second repeated where it has 1",
                                           .example = "mul"},
                             .n_src = 2,
                             .shape = mul_shape,
                             .emit = mul_emit,
                             .emit_backward = mul_emit_backward,
                             .cases = cases};
