/* ops/gemm.c -- see gemm.h.  As in Goto, van de Geijn 2008, Anatomy of high-performance matrix multiplication: for each
 * block of K, all of B is packed in panels of 32 columns; a thread then packs some rows of A in panels of 12, and a panel of A
 * stays in the first cache while those of B go by.  12 x 32 sums fill 24 of the 32 registers of AVX-512. */
#include "ops/gemm.h"
#include "base/bf16.h"
#include "base/cpu.h"
#include "base/vector.h"
#include "ops/tiles.h"

#include <omp.h>
#include <string.h>

enum { ROWS = 12, LANES = 16, COLUMNS = 2 * LANES, DEPTH = 256, PART = 32, MOST_ROWS = 192, GROUP = 8 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

static int64_t up(int64_t n, int64_t unit) {
    return (n + unit - 1) / unit * unit;
}
static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Rows of A that a thread packs at a time: as many for each. */
static int64_t rows_at_once(const lyne_gemm *g) {
    const int64_t pieces = up((g->M + MOST_ROWS - 1) / MOST_ROWS, g->threads);
    return up((g->M + pieces - 1) / pieces, ROWS);
}

/* Scratch: sums (M) f64, B, then A of each thread. */
static size_t sums_bytes(const lyne_gemm *g) {
    return (size_t)up(g->M, 8) * sizeof(double);
}
static size_t b_floats(const lyne_gemm *g) {
    return (size_t)(up(g->N, COLUMNS) * DEPTH);
}
static size_t a_floats(const lyne_gemm *g) {
    return (size_t)(rows_at_once(g) * DEPTH + LANES);
}

/* ---- packing ---- */

/* Lines that lie across K, all panels, numbers k to last of each: what is read and what is written then both lie close. */
LYNE_INLINE void pack_across(int64_t lines, int64_t k, int64_t last, int64_t depth, const float *restrict src,
                             int64_t stride, int width, float *restrict dst) {
    for (int64_t first = 0; first < lines; first += width) {
        const int64_t n = least(width, lines - first);
        float *to = dst + first * depth;
        for (int64_t i = k; i < last; i++)
            if (n == width) {
                memcpy(to + i * width, src + i * stride + first, (size_t)width * sizeof *to);
            } else {
                memset(to + i * width, 0, (size_t)width * sizeof *to);
                memcpy(to + i * width, src + i * stride + first, (size_t)n * sizeof *to);
            }
    }
}

/* One panel of lines that lie along K.  Squares of 16 x 16 are turned where there are 16 lines: what is too many is written
 * over by the next. */
LYNE_INLINE void pack_along(int64_t lines, bool more, int64_t depth, const float *restrict src, int64_t stride,
                            float *restrict dst) {
    const int64_t whole = more ? depth / LANES * LANES : 0;
    if (whole) lyne_tiles_transpose(LANES, whole, src, stride, dst, ROWS);
    if (lines < ROWS) memset(dst, 0, (size_t)(depth * ROWS) * sizeof *dst);
    for (int64_t k = whole; k < depth; k++)
        for (int64_t i = 0; i < lines; i++) dst[k * ROWS + i] = src[i * stride + k];
}

LYNE_VECTOR static void pack_a(const lyne_gemm *g, const float *a, int64_t first, int64_t rows, int64_t k,
                               int64_t depth, float *dst) {
    if (g->a_transposed)
        for (int64_t i = 0; i < depth; i += GROUP)
            pack_across(rows, i, least(i + GROUP, depth), depth, a + k * g->M + first, g->M, ROWS, dst);
    else
        for (int64_t r = 0; r < rows; r += ROWS)
            pack_along(least(ROWS, rows - r), first + r + LANES <= g->M, depth, a + (first + r) * g->K + k, g->K,
                       dst + r * depth);
}

/* Rows k + i to k + last of B. */
LYNE_VECTOR static void pack_b(const lyne_gemm *g, const float *b, int64_t k, int64_t i, int64_t last, int64_t depth,
                               float *dst) {
    pack_across(g->N, i, last, depth, b + k * g->N, g->N, COLUMNS, dst);
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

/* A panel of A times one of B, added to the rows x columns of C that there are unless it is the first block of K. */
LYNE_INLINE void panels(int64_t depth, const float *restrict a, const float *restrict b, float *c, int64_t stride,
                        int64_t rows, int64_t columns, bool add) {
    lanes sum[ROWS][2] = {{{0}}};
    for (int r = 0; r < ROWS; r++)
        for (int h = 0; h < 2; h++) __builtin_prefetch(c + r * stride + h * LANES, 1);
    for (int64_t k = 0; k < depth; k++) {
        const lanes b0 = *(const lanes *)(b + k * COLUMNS), b1 = *(const lanes *)(b + k * COLUMNS + LANES);
        for (int r = 0; r < ROWS; r++) {
            const float x = a[k * ROWS + r];
            sum[r][0] += x * b0;
            sum[r][1] += x * b1;
        }
    }
    if (rows == ROWS && columns == COLUMNS) {
        for (int r = 0; r < ROWS; r++)
            for (int h = 0; h < 2; h++) {
                lanes *to = (lanes *)(c + r * stride + h * LANES);
                if (add) sum[r][h] += *to;
                *to = sum[r][h];
            }
        return;
    }
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < columns; j++) {
            const float x = sum[r][j / LANES][j % LANES];
            c[r * stride + j] = add ? c[r * stride + j] + x : x;
        }
}

LYNE_VECTOR static void multiply(const lyne_gemm *g, int64_t rows, int64_t depth, const float *a, const float *b,
                                 float *c, bool add) {
    for (int64_t m = 0; m < rows; m += ROWS)
        for (int64_t n = 0; n < g->N; n += COLUMNS)
            panels(depth, a + m * depth, b + n * depth, c + m * g->N + n, g->N, least(ROWS, rows - m),
                   least(COLUMNS, g->N - n), add);
}

/* a, b, c, sums or none, scratch */
static void run(const lyne_call *call) {
    const lyne_gemm *g = call->config;
    const int64_t at_once = rows_at_once(g);
    float *c = call->buffer[2], *sums = call->buffer[3];
    double *all = call->buffer[4];
    float *b = (float *)((char *)call->buffer[4] + sums_bytes(g)), *a = b + b_floats(g);
    if (sums) memset(all, 0, sums_bytes(g));
#pragma omp parallel num_threads(g->threads)
    for (int64_t k = 0; k < g->K; k += DEPTH) {
        const int64_t depth = least(DEPTH, g->K - k);
        float *mine = a + (size_t)omp_get_thread_num() * a_floats(g);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < depth; i += GROUP) pack_b(g, call->buffer[1], k, i, least(i + GROUP, depth), depth, b);
#pragma omp for schedule(static)
        for (int64_t m = 0; m < g->M; m += at_once) {
            const int64_t rows = least(at_once, g->M - m);
            pack_a(g, call->buffer[0], m, rows, k, depth, mine);
            if (sums) add_sums(rows, depth, mine, all + m);
            multiply(g, rows, depth, mine, b, c + m * g->N, k > 0);
        }
    }
    for (int64_t m = 0; sums && m < g->M; m++) sums[m] = (float)all[m];
}

bool lyne_gemm_pays(int64_t M, int64_t N, int64_t K) {
    return lyne_cpu_isa() >= LYNE_ISA_AVX512 && M >= 64 && N >= 64 && K >= 64 && M * N >= 16384;
}

lyne_status lyne_emit_gemm(lyne_program *p, const lyne_node *n, lyne_gemm g, lyne_buffer a, lyne_buffer b,
                           lyne_buffer c, lyne_buffer sums, lyne_error *err) {
    g.threads = omp_get_max_threads();
    const size_t scratch = sums_bytes(&g) + (b_floats(&g) + (size_t)g.threads * a_floats(&g)) * sizeof(float);
    const lyne_buffer buffers[] = {a, b, c, sums, lyne_scratch(p, scratch)};
    return lyne_emit_kernel(p, n, "gemm", run, &g, sizeof g, buffers, 5, err);
}
