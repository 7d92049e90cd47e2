/* ops/matmul.c -- dst = a b for each sample, a or b or both transposed first.
 *   a (B, M, K), or (B, K, M) with transpose_a;  b (B, K, N), or (B, N, K) with transpose_b;  dst (B, M, N)
 * With a', b' the factors after transposing:  diff_a' = diff_dst b'^T;  diff_b' = a'^T diff_dst
 * Samples are shared out to threads, and each product stays with one (ops/tiles.h): made for matrices that fit its cache,
 * such as those of attention written out in layers. */
#include "base/bf16.h"
#include "base/vector.h"
#include "lyne/ops.h"
#include "ops/common.h"
#include "ops/tiles.h"

#include <omp.h>

static const lyne_field fields[] = {LYNE_BOOL(lyne_matmul_config, transpose_a, "the first is (B, K, M)", "false"),
                                    LYNE_BOOL(lyne_matmul_config, transpose_b, "the second is (B, N, K)", "false"),
                                    LYNE_FIELDS_END};

static lyne_status matmul_shape(lyne_node *n, lyne_error *err) {
    const lyne_matmul_config *c = n->config;
    const lyne_shape *a = &n->src[0]->shape, *b = &n->src[1]->shape;
    char text[2][LYNE_SHAPE_TEXT];
    lyne_status status = lyne_check_source(n, err);
    if (status != LYNE_OK) return status;
    const int ta = c->transpose_a, tb = c->transpose_b;
    if (a->rank != 3 || b->rank != 3 || n->src[0]->type != n->src[1]->type || a->dim[0] != b->dim[0] ||
        a->dim[2 - ta] != b->dim[1 + tb])
        return lyne_fail(err, LYNE_ERECIPE, "matmul expects (B, %s) and (B, %s), not %s and %s", ta ? "K, M" : "M, K",
                         tb ? "N, K" : "K, N", lyne_shape_print(a, text[0]), lyne_shape_print(b, text[1]));
    n->shape = LYNE_SHAPE(a->dim[0], a->dim[1 + ta], b->dim[2 - tb]);
    return LYNE_OK;
}

/* A product of two values as they lie, (rows, columns) for each sample, transposed first or not. */
typedef struct factor {
    int64_t rows, columns;
    bool transposed;
} factor;
typedef struct product_config {
    int64_t batch;
    factor x, y;
    bool bf16, narrow;
    int threads;
} product_config;

static int64_t size_of(const factor *f) {
    return f->rows * f->columns;
}

LYNE_INLINE void store(int64_t n, const float *restrict src, void *restrict dst, bool bf16) {
    for (int64_t i = 0; i < n; i++) lyne_store(dst, i, bf16, src[i]);
}
LYNE_VECTOR static void store_row(int64_t n, const float *src, void *dst, bool bf16) {
    if (bf16)
        store(n, src, dst, true);
    else
        store(n, src, dst, false);
}

static void multiply(const product_config *c, const void *x, const void *y, char *scratch, void *dst) {
    const int64_t M = c->x.transposed ? c->x.columns : c->x.rows, K = size_of(&c->x) / M, N = size_of(&c->y) / K;
    const lyne_matrix a = {x, c->x.rows, c->x.columns, c->x.columns, c->bf16};
    const lyne_matrix b = {y, c->y.rows, c->y.columns, c->y.columns, c->bf16};
    const lyne_matrix to = {dst, M, N, N, c->bf16};
    void *pa = scratch, *pb = scratch + lyne_tiles_bytes(M, K);
    float *out = (float *)(scratch + lyne_tiles_bytes(M, K) + lyne_tiles_bytes(K, N));
    const lyne_factor fa = (c->x.transposed ? lyne_tiles_a_transposed : lyne_tiles_a)(&a, c->narrow, pa);
    const lyne_factor fb = (c->y.transposed ? lyne_tiles_b_transposed : lyne_tiles_b)(&b, c->narrow, pb);
    if (lyne_tiles_fit(&to, c->narrow)) {
        lyne_tiles_product(M, N, K, c->narrow, fa, fb, dst, N);
        return;
    }
    lyne_tiles_product(M, N, K, c->narrow, fa, fb, out, lyne_tiles_round(N));
    for (int64_t r = 0; r < M; r++)
        store_row(N, out + r * lyne_tiles_round(N), lyne_at_mutable(dst, r * N, c->bf16), c->bf16);
}

static size_t scratch_of(const product_config *c) {
    const int64_t M = c->x.transposed ? c->x.columns : c->x.rows, K = size_of(&c->x) / M, N = size_of(&c->y) / K;
    return lyne_tiles_bytes(M, K) + lyne_tiles_bytes(K, N) + lyne_tiles_bytes(M, N);
}

/* x, y, dst, scratch of all threads */
static void product(const lyne_call *call) {
    const product_config *c = call->config;
    const int64_t size = size_of(&c->x) / (c->x.transposed ? c->x.rows : c->x.columns) * size_of(&c->y) /
                         (c->y.transposed ? c->y.columns : c->y.rows);
#pragma omp parallel for schedule(static) num_threads(c->threads) if (c->batch * size > 4096)
    for (int64_t i = 0; i < c->batch; i++)
        multiply(c, lyne_at(call->buffer[0], i * size_of(&c->x), c->bf16),
                 lyne_at(call->buffer[1], i * size_of(&c->y), c->bf16),
                 (char *)call->buffer[3] + (size_t)omp_get_thread_num() * scratch_of(c),
                 lyne_at_mutable(call->buffer[2], i * size, c->bf16));
}

static factor whole(const lyne_node *n, bool transposed) {
    return (factor){n->shape.dim[1], n->shape.dim[2], transposed};
}

static lyne_status emit_product(lyne_program *p, const lyne_node *n, factor x, lyne_buffer x_at, factor y,
                                lyne_buffer y_at, lyne_buffer dst, lyne_error *err) {
    if (dst == LYNE_NO_BUFFER) return LYNE_OK;
    const bool bf16 = n->src[0]->type == LYNE_BF16;
    const product_config c = {.batch = n->shape.dim[0],
                              .x = x,
                              .y = y,
                              .bf16 = bf16,
                              .narrow = bf16 && lyne_tiles_can_be_narrow(),
                              .threads = omp_get_max_threads()};
    const lyne_buffer b[] = {x_at, y_at, dst, lyne_scratch(p, (size_t)c.threads * scratch_of(&c))};
    return lyne_emit_kernel(p, n, "matmul", product, &c, sizeof c, b, 4, err);
}

static lyne_status matmul_emit(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_matmul_config *c = n->config;
    return emit_product(p, n, whole(n->src[0], c->transpose_a), lyne_src(p, n, 0), whole(n->src[1], c->transpose_b),
                        lyne_src(p, n, 1), lyne_dst(p, n), err);
}

static lyne_status matmul_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err) {
    const lyne_matmul_config *c = n->config;
    const lyne_buffer a = lyne_src(p, n, 0), b = lyne_src(p, n, 1), diff = lyne_diff_dst(p, n);
    const lyne_buffer diff_a = lyne_diff_src(p, n, 0), diff_b = lyne_diff_src(p, n, 1);
    const bool ta = c->transpose_a, tb = c->transpose_b;
    /* diff b'^T, or its transpose b' diff^T where a is stored transposed; the same of b */
    lyne_status status = ta ? emit_product(p, n, whole(n->src[1], tb), b, whole(n, true), diff, diff_a, err)
                            : emit_product(p, n, whole(n, false), diff, whole(n->src[1], !tb), b, diff_a, err);
    if (status != LYNE_OK) return status;
    return tb ? emit_product(p, n, whole(n, true), diff, whole(n->src[0], ta), a, diff_b, err)
              : emit_product(p, n, whole(n->src[0], !ta), a, whole(n, false), diff, diff_b, err);
}

static int64_t matmul_macs(const lyne_node *n) {
    const lyne_matmul_config *c = n->config;
    return lyne_macs(n, n->src[0]->shape.dim[c->transpose_a ? 1 : 2]);
}

static const lyne_op_case cases[] = {
    {.src = {{3, {2, 3, 4}}, {3, {2, 4, 5}}}},
    {.config = "{transpose_a: true}", .src = {{3, {2, 4, 3}}, {3, {2, 4, 5}}}},
    {.config = "{transpose_b: true}", .src = {{3, {3, 33, 17}}, {3, {3, 40, 17}}}},
    {.config = "{transpose_a: true, transpose_b: true}", .src = {{3, {2, 7, 35}}, {3, {2, 3, 7}}}},
    {0}};

extern const lyne_op lyne_op_matmul;
lyne_node *lyne_matmul(lyne_graph *g, const char *name, lyne_node *a, lyne_node *b, lyne_matmul_config c) {
    return lyne_graph_add(g, &lyne_op_matmul, name, &c, (lyne_node *[]){a, b}, 2);
}

const lyne_op lyne_op_matmul = {.component = {.kind = LYNE_OP,
                                              .name = "matmul",
                                              .help = "product of two matrices for each sample",
                                              .example = "{matmul: {transpose_b: true}}",
                                              .config_size = sizeof(lyne_matmul_config),
                                              .fields = fields},
                                .n_src = 2,
                                .precision = LYNE_BF16_BEST,
                                .shape = matmul_shape,
                                .emit = matmul_emit,
                                .emit_backward = matmul_emit_backward,
                                .macs = matmul_macs,
                                .cases = cases};
