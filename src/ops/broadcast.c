/* ops/broadcast.c -- see broadcast.h.  A row is the last dimension in memory; along it a source advances or stands. */
#include "ops/broadcast.h"
#include "base/bf16.h"
#include "base/vector.h"
#include "ops/axis.h"

#include <string.h>

lyne_status lyne_broadcast_shape(lyne_node *n, lyne_error *err) {
    const lyne_shape *a = &n->src[0]->shape, *b = &n->src[1]->shape;
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    bool fits = n->src[0]->type == n->src[1]->type && a->rank == b->rank;
    n->shape = *a;
    for (int i = 0; fits && i < a->rank; i++) {
        fits = b->dim[i] == a->dim[i] || b->dim[i] == 1 || a->dim[i] == 1;
        n->shape.dim[i] = a->dim[i] > b->dim[i] ? a->dim[i] : b->dim[i];
    }
    char text[2][LYNE_SHAPE_TEXT];
    if (fits) return LYNE_OK;
    return lyne_fail(
        err, LYNE_ERECIPE,
        "%s expects two values of one type and rank whose dimensions are equal, or 1 in one of them, not %s "
        "and %s",
        n->op->component.name, lyne_shape_print(a, text[0]), lyne_shape_print(b, text[1]));
}

static bool is_repeated(const lyne_node *n, int i) {
    return !lyne_shape_equal(&n->src[i]->shape, &n->shape);
}
bool lyne_broadcasts(const lyne_node *n) {
    return is_repeated(n, 0) || is_repeated(n, 1);
}

typedef struct source {
    int64_t step[LYNE_MAX_RANK]; /* in memory; 0 where it is repeated */
    int64_t size;
    bool split; /* it has a part of its own for each sample */
} source;

typedef struct broadcast {
    bool add, bf16;
    int rank;
    int64_t dim[LYNE_MAX_RANK]; /* of dst in memory */
    int64_t rows, width;
    source src[2];
} broadcast;

static broadcast config_of(const lyne_node *n, bool add) {
    const lyne_shape dst = lyne_memory_shape(&n->shape);
    broadcast c = {.add = add, .bf16 = n->type == LYNE_BF16, .rank = dst.rank, .width = dst.dim[dst.rank - 1]};
    memcpy(c.dim, dst.dim, sizeof c.dim);
    c.rows = lyne_shape_size(&dst) / c.width;
    for (int k = 0; k < 2; k++) {
        const lyne_shape s = lyne_memory_shape(&n->src[k]->shape);
        source *of = &c.src[k];
        of->size = 1;
        for (int i = s.rank - 1; i >= 0; i--) {
            of->step[i] = s.dim[i] == 1 ? 0 : of->size;
            of->size *= s.dim[i];
        }
        of->split = s.rank > 1 && s.dim[0] == dst.dim[0];
    }
    return c;
}

/* Where the part of source k that goes with a row of dst begins. */
static int64_t place(const broadcast *c, int k, int64_t row) {
    int64_t at = 0;
    for (int i = c->rank - 2; i >= 0; i--) {
        at += row % c->dim[i] * c->src[k].step[i];
        row /= c->dim[i];
    }
    return at;
}

/* Source k stands while a row goes by. */
static bool stands(const broadcast *c, int k) {
    return c->src[k].step[c->rank - 1] == 0;
}

/* ---- a row ---- */

LYNE_INLINE float combine(float x, float y, bool add) {
    return add ? x + y : x * y;
}

LYNE_INLINE void row(int64_t n, const void *restrict x, bool x_stands, const void *restrict y, bool y_stands,
                     void *restrict dst, bool add, bool bf16) {
    const float x0 = lyne_load(x, 0, bf16), y0 = lyne_load(y, 0, bf16);
    if (x_stands)
        for (int64_t i = 0; i < n; i++)
            lyne_store(dst, i, bf16, combine(x0, y_stands ? y0 : lyne_load(y, i, bf16), add));
    else if (y_stands)
        for (int64_t i = 0; i < n; i++) lyne_store(dst, i, bf16, combine(lyne_load(x, i, bf16), y0, add));
    else
        for (int64_t i = 0; i < n; i++)
            lyne_store(dst, i, bf16, combine(lyne_load(x, i, bf16), lyne_load(y, i, bf16), add));
}
LYNE_VECTOR static void row_f32(int64_t n, const void *x, bool x_stands, const void *y, bool y_stands, void *dst,
                                bool add) {
    if (add)
        row(n, x, x_stands, y, y_stands, dst, true, false);
    else
        row(n, x, x_stands, y, y_stands, dst, false, false);
}
LYNE_VECTOR static void row_bf16(int64_t n, const void *x, bool x_stands, const void *y, bool y_stands, void *dst,
                                 bool add) {
    if (add)
        row(n, x, x_stands, y, y_stands, dst, true, true);
    else
        row(n, x, x_stands, y, y_stands, dst, false, true);
}

/* To sum is added diff, times the other source where it is a product (NULL: a sum). */
LYNE_INLINE void row_sum(int64_t n, const void *restrict diff, const void *restrict other, bool other_stands, bool one,
                         double *restrict sum, bool bf16) {
    double total = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = (double)lyne_load(diff, i, bf16);
        const double x = other ? d * (double)lyne_load(other, other_stands ? 0 : i, bf16) : d;
        if (one)
            total += x;
        else
            sum[i] += x;
    }
    if (one) *sum += total;
}
LYNE_VECTOR static void row_sum_f32(int64_t n, const void *diff, const void *other, bool other_stands, bool one,
                                    double *sum) {
    row_sum(n, diff, other, other_stands, one, sum, false);
}
LYNE_VECTOR static void row_sum_bf16(int64_t n, const void *diff, const void *other, bool other_stands, bool one,
                                     double *sum) {
    row_sum(n, diff, other, other_stands, one, sum, true);
}

/* ---- all rows ---- */

/* a, b, dst */
static void forward(const lyne_call *call) {
    const broadcast *c = call->config;
#pragma omp parallel for schedule(static) if (c->rows * c->width > 16384)
    for (int64_t r = 0; r < c->rows; r++)
        (c->bf16 ? row_bf16 : row_f32)(c->width, lyne_at(call->buffer[0], place(c, 0, r), c->bf16), stands(c, 0),
                                       lyne_at(call->buffer[1], place(c, 1, r), c->bf16), stands(c, 1),
                                       lyne_at_mutable(call->buffer[2], r * c->width, c->bf16), c->add);
}

/* The gradient of source k of a product, which is not repeated: diff_dst times the other. */
static void scale(const broadcast *c, int k, const void *diff_dst, const void *other, void *diff) {
#pragma omp parallel for schedule(static) if (c->rows * c->width > 16384)
    for (int64_t r = 0; r < c->rows; r++)
        (c->bf16 ? row_bf16 : row_f32)(c->width, lyne_at(diff_dst, r * c->width, c->bf16), false,
                                       lyne_at(other, place(c, !k, r), c->bf16), stands(c, !k),
                                       lyne_at_mutable(diff, r * c->width, c->bf16), false);
}

/* That of source k, which is repeated: by samples where each has its own part; else by one thread, so that sums have one
 * order. */
static void sum_up(const broadcast *c, int k, const void *diff_dst, const void *other, double *sum, void *diff) {
    const int64_t parts = c->src[k].split ? c->dim[0] : 1, rows = c->rows / parts, part = c->src[k].size / parts;
#pragma omp parallel for schedule(static) if (parts > 1 && c->rows * c->width > 16384)
    for (int64_t s = 0; s < parts; s++) {
        memset(sum + s * part, 0, (size_t)part * sizeof *sum);
        for (int64_t r = s * rows; r < (s + 1) * rows; r++)
            (c->bf16 ? row_sum_bf16 : row_sum_f32)(c->width, lyne_at(diff_dst, r * c->width, c->bf16),
                                                   other ? lyne_at(other, place(c, !k, r), c->bf16) : NULL,
                                                   stands(c, !k), stands(c, k), sum + place(c, k, r));
        for (int64_t i = s * part; i < (s + 1) * part; i++) lyne_store(diff, i, c->bf16, (float)sum[i]);
    }
}

/* a, b, diff_dst, sums; diff_a and diff_b, either of which may not be asked for */
static void backward(const lyne_call *call) {
    const broadcast *c = call->config;
    for (int k = 0; k < 2; k++) {
        const void *other = c->add ? NULL : call->buffer[!k];
        if (!call->buffer[4 + k]) continue;
        if (c->src[k].size == c->rows * c->width)
            scale(c, k, call->buffer[2], other, call->buffer[4 + k]);
        else
            sum_up(c, k, call->buffer[2], other, call->buffer[3], call->buffer[4 + k]);
    }
}

lyne_status lyne_broadcast_emit(lyne_program *p, const lyne_node *n, bool add, lyne_error *err) {
    const broadcast c = config_of(n, add);
    const lyne_buffer b[] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_dst(p, n)};
    return lyne_emit_kernel(p, n, n->op->component.name, forward, &c, sizeof c, b, 3, err);
}

lyne_status lyne_broadcast_emit_backward(lyne_program *p, const lyne_node *n, bool add, lyne_error *err) {
    const broadcast c = config_of(n, add);
    const int64_t most = c.src[0].size > c.src[1].size ? c.src[0].size : c.src[1].size;
    lyne_buffer b[6] = {lyne_src(p, n, 0), lyne_src(p, n, 1), lyne_diff_dst(p, n),
                        lyne_scratch(p, (size_t)most * sizeof(double))};
    for (int k = 0; k < 2; k++)
        if (add && !is_repeated(n, k)) {
            lyne_diff_src_is(p, n, k, b[2]);
            b[4 + k] = LYNE_NO_BUFFER;
        } else {
            b[4 + k] = lyne_diff_src(p, n, k);
        }
    if (b[4] == LYNE_NO_BUFFER && b[5] == LYNE_NO_BUFFER) return LYNE_OK;
    return lyne_emit_kernel(p, n, n->op->component.name, backward, &c, sizeof c, b, 6, err);
}
