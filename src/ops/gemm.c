/* ops/gemm.c -- see gemm.h.  As in Goto, van de Geijn 2008, Anatomy of high-performance matrix multiplication: a block of B
 * that fits the second cache is packed in panels of 32 columns, and 12 rows of A stay in the first cache while those go by.
 * 12 x 32 sums fill 24 of the 32 registers of AVX-512.  Rows of A are read where they lie: a sum wants one number of each at a
 * time, so they need not be close.  A transposed A is packed in panels of 12. */
#include "ops/gemm.h"
#include "base/bf16.h"
#include "base/cpu.h"
#include "base/vector.h"

#include <omp.h>
#include <string.h>

enum { ROWS = 12, LANES = 16, COLUMNS = 2 * LANES, DEPTH = 256, PART = 32, MOST_ROWS = 192, GROUP = 8 };
enum { MOST_COLUMNS = 1024, MOST_OF_B = 256 * 1024 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

static int64_t up(int64_t n, int64_t unit) {
    return (n + unit - 1) / unit * unit;
}
static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Rows of A that a thread takes at a time: a transposed A's are packed, as many for each. */
static int64_t rows_at_once(const lyne_gemm *g) {
    if (!g->a_transposed) return ROWS;
    const int64_t pieces = up((g->M + MOST_ROWS - 1) / MOST_ROWS, g->threads);
    return up((g->M + pieces - 1) / pieces, ROWS);
}

/* The block of B that is packed at a time. */
static int64_t columns_at_once(const lyne_gemm *g) {
    return least(up(g->N, COLUMNS), MOST_COLUMNS);
}
static int64_t depth_at_once(const lyne_gemm *g) {
    return least(up(g->K, DEPTH), MOST_OF_B / columns_at_once(g) / DEPTH * DEPTH);
}

/* Scratch: sums (M) f64, B, then A of each thread. */
static size_t sums_bytes(const lyne_gemm *g) {
    return (size_t)up(g->M, 8) * sizeof(double);
}
static size_t b_floats(const lyne_gemm *g) {
    return (size_t)(columns_at_once(g) * depth_at_once(g));
}
static size_t a_floats(const lyne_gemm *g) {
    return g->a_transposed ? (size_t)(rows_at_once(g) * DEPTH + LANES) : 0;
}

/* ---- packing ---- */

/* Lines that lie across K, all panels, numbers k to last of each: what is read and what is written then both lie close. */
LYNE_INLINE void pack_across(int64_t lines, int64_t k, int64_t last, int64_t depth, const float *restrict src,
                             int64_t stride, int width, float *restrict dst) {
    for (int64_t first = 0; first < lines; first += width) {
        const int64_t n = least(width, lines - first);
        float *to = dst + first * depth;
        for (int64_t i = k; i < last; i++) {
            for (int j = 0; j < width; j += LANES) __builtin_prefetch(src + (i + GROUP) * stride + first + j, 0, 3);
            if (n == width) {
                memcpy(to + i * width, src + i * stride + first, (size_t)width * sizeof *to);
            } else {
                memset(to + i * width, 0, (size_t)width * sizeof *to);
                memcpy(to + i * width, src + i * stride + first, (size_t)n * sizeof *to);
            }
        }
    }
}

LYNE_VECTOR static void pack_a(int64_t rows, int64_t depth, const float *a, int64_t stride, float *dst) {
    for (int64_t i = 0; i < depth; i += GROUP)
        pack_across(rows, i, least(i + GROUP, depth), depth, a, stride, ROWS, dst);
}

/* Rows first to last of a block of B. */
LYNE_VECTOR static void pack_b(int64_t columns, int64_t first, int64_t last, int64_t depth, const float *b,
                               int64_t stride, float *dst) {
    pack_across(columns, first, last, depth, b, stride, COLUMNS, dst);
}

/* ---- products ---- */

/* Sums over a block of K of what was packed of A. */
LYNE_VECTOR static void add_sums(int64_t rows, int64_t depth, const float *restrict a, double *restrict sums) {
    for (int64_t r = 0; r < rows; r += ROWS)
        for (int64_t k = 0; k < depth; k += PART) {
            float part[ROWS] = {0};
            for (int64_t i = k; i < least(k + PART, depth); i++)
                for (int j = 0; j < ROWS; j++) part[j] += a[r * depth + i * ROWS + j];
            for (int j = 0; j < least(ROWS, rows - r); j++) sums[r + j] += (double)part[j];
        }
}

/* What a thread multiplies at a time.  Number k of row r of A is at a[r row + k column]; panels of B are `panel` numbers
 * apart; rows of C, which is added to or overwritten, are `stride` apart, those of times (NULL: none) as well. */
typedef struct block {
    int64_t rows, columns, depth;
    const float *a, *b;
    float *c;
    const float *times;
    int64_t panel, stride;
    bool add;
} block;

/* Some rows of A times a panel of B. */
LYNE_INLINE void tile(int rows, int64_t depth, const float *restrict a, int64_t row, int64_t column,
                      const float *restrict b, float *restrict c, int64_t stride, bool add,
                      const float *restrict times) {
    lanes sum[ROWS][2];
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < 2; h++) {
            sum[r][h] = (lanes){0};
            __builtin_prefetch(c + r * stride + h * LANES, 1);
            if (times) __builtin_prefetch(times + r * stride + h * LANES);
        }
    for (int64_t k = 0; k < depth; k++) {
        const lanes b0 = *(const lanes *)(b + k * COLUMNS), b1 = *(const lanes *)(b + k * COLUMNS + LANES);
        for (int r = 0; r < rows; r++) {
            const float x = a[r * row + k * column];
            sum[r][0] += x * b0;
            sum[r][1] += x * b1;
        }
    }
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < 2; h++) {
            lanes *to = (lanes *)(c + r * stride + h * LANES);
            if (add) sum[r][h] += *to;
            if (times) sum[r][h] *= *(const lanes *)(times + r * stride + h * LANES);
            *to = sum[r][h];
        }
}

/* The same where B's last panel is not whole.  at: the place in C. */
LYNE_INLINE void edge(int rows, const block *t, const float *a, int64_t row, int64_t column, const float *b, int64_t at,
                      int64_t columns) {
    float whole[ROWS * COLUMNS];
    tile(rows, t->depth, a, row, column, b, whole, COLUMNS, false, NULL);
    for (int r = 0; r < rows; r++)
        for (int64_t j = 0; j < columns; j++) {
            float *to = t->c + at + r * t->stride + j;
            const float x = t->add ? *to + whole[r * COLUMNS + j] : whole[r * COLUMNS + j];
            *to = t->times ? x * t->times[at + r * t->stride + j] : x;
        }
}

LYNE_INLINE void rows_by_panels(int rows, const block *t, const float *a, int64_t row, int64_t column, int64_t at) {
    const float *b = t->b;
    int64_t n = 0;
    for (; n + COLUMNS <= t->columns; n += COLUMNS, b += t->panel)
        tile(rows, t->depth, a, row, column, b, t->c + at + n, t->stride, t->add, t->times ? t->times + at + n : NULL);
    if (n < t->columns) edge(rows, t, a, row, column, b, at + n, t->columns - n);
}

LYNE_INLINE void multiply(const block *t, int64_t row, int64_t column, int64_t next) {
    for (int64_t m = 0; m < t->rows;) {
        const float *a = t->a + m / ROWS * next + m % ROWS * row;
        const int64_t at = m * t->stride, left = t->rows - m;
        if (left >= ROWS)
            rows_by_panels(ROWS, t, a, row, column, at), m += ROWS;
        else if (left >= 4)
            rows_by_panels(4, t, a, row, column, at), m += 4;
        else
            rows_by_panels(1, t, a, row, column, at), m++;
    }
}
LYNE_VECTOR static void multiply_rows(const block *t, int64_t stride) {
    multiply(t, stride, 1, ROWS * stride);
}
LYNE_VECTOR static void multiply_packed(const block *t) {
    multiply(t, 1, ROWS, ROWS * t->depth);
}

/* ---- the step ---- */

/* A block of B, columns from n on and rows from k on, by all threads. */
static void pack(const lyne_gemm *g, const float *b, int64_t n, int64_t columns, int64_t k, int64_t depth, float *dst) {
#pragma omp for schedule(static)
    for (int64_t i = 0; i < depth; i += GROUP)
        pack_b(columns, i, least(i + GROUP, depth), depth, b + k * g->N + n, g->N, dst);
}

/* Rows from m on of A by that block.  mine: room for what is packed of A; sums: none, or of these rows. */
static void multiply_by_block(const lyne_gemm *g, const float *a, int64_t m, block t, int64_t k, int64_t depth,
                              float *mine, double *sums) {
    const float *b = t.b, *times = t.times;
    for (int64_t i = 0; i < depth; i += DEPTH) {
        t.depth = least(DEPTH, depth - i);
        t.b = b + i * COLUMNS;
        t.add = k + i > 0;
        t.times = k + i + t.depth == g->K ? times : NULL;
        t.a = mine;
        if (!g->a_transposed) {
            t.a = a + m * g->K + k + i;
            multiply_rows(&t, g->K);
            continue;
        }
        pack_a(t.rows, t.depth, a + (k + i) * g->M + m, g->M, mine);
        if (sums) add_sums(t.rows, t.depth, mine, sums);
        multiply_packed(&t);
    }
}

/* a, b, c, times or none, sums or none, scratch */
static void run(const lyne_call *call) {
    const lyne_gemm *g = call->config;
    const int64_t at_once = rows_at_once(g), width = columns_at_once(g), height = depth_at_once(g);
    const float *a = call->buffer[0], *times = call->buffer[3];
    float *c = call->buffer[2], *sums = call->buffer[4];
    double *all = call->buffer[5];
    float *b = (float *)((char *)call->buffer[5] + sums_bytes(g)), *packed = b + b_floats(g);
    if (sums) memset(all, 0, sums_bytes(g));
#pragma omp parallel num_threads(g->threads)
    for (int64_t n = 0; n < g->N; n += width)
        for (int64_t k = 0; k < g->K; k += height) {
            const int64_t columns = least(width, g->N - n), depth = least(height, g->K - k);
            float *mine = packed + (size_t)omp_get_thread_num() * a_floats(g);
            pack(g, call->buffer[1], n, columns, k, depth, b);
#pragma omp for schedule(static)
            for (int64_t m = 0; m < g->M; m += at_once) {
                const block t = {.rows = least(at_once, g->M - m),
                                 .columns = columns,
                                 .b = b,
                                 .c = c + m * g->N + n,
                                 .times = times ? times + m * g->N + n : NULL,
                                 .panel = depth * COLUMNS,
                                 .stride = g->N};
                multiply_by_block(g, a, m, t, k, depth, mine, sums && n == 0 ? all + m : NULL);
            }
        }
    for (int64_t m = 0; sums && m < g->M; m++) sums[m] = (float)all[m];
}

bool lyne_gemm_pays(int64_t M, int64_t N, int64_t K) {
    return lyne_cpu_isa() >= LYNE_ISA_AVX512 && M >= 64 && N >= 64 && K >= 64 && M * N >= 16384;
}

lyne_status lyne_emit_gemm(lyne_program *p, const lyne_node *n, lyne_gemm g, lyne_gemm_buffers b, lyne_error *err) {
    g.threads = omp_get_max_threads();
    const size_t scratch = sums_bytes(&g) + (b_floats(&g) + (size_t)g.threads * a_floats(&g)) * sizeof(float);
    const lyne_buffer buffers[] = {b.a, b.b, b.c, b.times, b.sums, lyne_scratch(p, scratch)};
    return lyne_emit_kernel(p, n, "gemm", run, &g, sizeof g, buffers, 6, err);
}
