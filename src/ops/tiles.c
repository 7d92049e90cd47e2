/* ops/tiles.c -- see tiles.h.
 * AMX: a tile is 16 rows of 64 bytes; 2 x 2 tiles of C stay in registers while K goes by in steps of 32.  Otherwise 8 rows
 * of 32 numbers of C do, in vectors that gcc makes of what the CPU has. */
#include "ops/tiles.h"
#include "base/bf16.h"
#include "base/cpu.h"
#include "base/vector.h"
#include "dnn/dnn.h"

#include <string.h>

enum { SIDE = 32 };

/* ---- packing ---- */

/* Zeros behind the columns of each row, and below the rows. */
static void pad(void *dst, int64_t rows, int64_t columns, size_t size) {
    const size_t row = (size_t)lyne_tiles_round(columns) * size, used = (size_t)columns * size;
    for (int64_t r = 0; r < rows; r++) memset((char *)dst + (size_t)r * row + used, 0, row - used);
    memset((char *)dst + (size_t)rows * row, 0, (size_t)(lyne_tiles_round(rows) - rows) * row);
}

LYNE_INLINE void copy_row(int64_t n, const void *restrict src, void *restrict dst, bool from, bool to) {
    for (int64_t i = 0; i < n; i++) lyne_store(dst, i, to, lyne_load(src, i, from));
}
LYNE_VECTOR static void widen(int64_t n, const void *src, void *dst) {
    copy_row(n, src, dst, true, false);
}
LYNE_VECTOR static void narrow_row(int64_t n, const void *src, void *dst) {
    copy_row(n, src, dst, false, true);
}

static void copy_rows(const lyne_matrix *m, bool narrow, void *dst) {
    const int64_t ld = lyne_tiles_round(m->columns);
    for (int64_t r = 0; r < m->rows; r++) {
        const void *from = lyne_at(m->at, r * m->stride, m->bf16);
        void *to = lyne_at_mutable(dst, r * ld, narrow);
        if (m->bf16 == narrow)
            memcpy(to, from, (size_t)m->columns * (narrow ? 2 : 4));
        else
            (narrow ? narrow_row : widen)(m->columns, from, to);
    }
    pad(dst, m->rows, m->columns, narrow ? 2 : 4);
}

void lyne_tiles_a(const lyne_matrix *m, bool narrow, void *a) {
    copy_rows(m, narrow, a);
}

/* The numbers of row r + 1 in the upper halves; there is none: zeros. */
LYNE_INLINE void pair_rows(int64_t n, const void *restrict low, const void *restrict high, uint32_t *restrict dst,
                           bool from) {
    for (int64_t i = 0; i < n; i++) {
        const uint32_t l = from ? ((const uint16_t *)low)[i] : lyne_to_bf16(((const float *)low)[i]);
        const uint32_t h = !high ? 0 : from ? ((const uint16_t *)high)[i] : lyne_to_bf16(((const float *)high)[i]);
        dst[i] = l | h << 16;
    }
}
LYNE_VECTOR static void pair_f32(int64_t n, const void *low, const void *high, uint32_t *dst) {
    pair_rows(n, low, high, dst, false);
}
LYNE_VECTOR static void pair_bf16(int64_t n, const void *low, const void *high, uint32_t *dst) {
    pair_rows(n, low, high, dst, true);
}

void lyne_tiles_b(const lyne_matrix *m, bool narrow, void *b) {
    if (!narrow) {
        copy_rows(m, false, b);
        return;
    }
    const int64_t ld = lyne_tiles_round(m->columns), pairs = (m->rows + 1) / 2;
    uint32_t *dst = b;
    for (int64_t k = 0; k < pairs; k++) {
        const void *low = lyne_at(m->at, 2 * k * m->stride, m->bf16);
        const void *high = 2 * k + 1 < m->rows ? lyne_at(m->at, (2 * k + 1) * m->stride, m->bf16) : NULL;
        (m->bf16 ? pair_bf16 : pair_f32)(m->columns, low, high, dst + k * ld);
        memset(dst + k * ld + m->columns, 0, (size_t)(ld - m->columns) * sizeof *dst);
    }
    memset(dst + pairs * ld, 0, (size_t)((lyne_tiles_round(m->rows) / 2 - pairs) * ld) * sizeof *dst);
}

/* Row-major (columns, rows). */
LYNE_INLINE void transpose(const lyne_matrix *m, void *restrict dst, bool from, bool to) {
    const int64_t ld = lyne_tiles_round(m->rows);
    for (int64_t r = 0; r < m->rows; r++) {
        const void *row = lyne_at(m->at, r * m->stride, from);
        for (int64_t i = 0; i < m->columns; i++)
            if (from && to)
                ((uint16_t *)dst)[i * ld + r] = ((const uint16_t *)row)[i];
            else
                lyne_store(dst, i * ld + r, to, lyne_load(row, i, from));
    }
}

void lyne_tiles_a_transposed(const lyne_matrix *m, bool narrow, void *a) {
    if (m->bf16 && narrow)
        transpose(m, a, true, true);
    else if (m->bf16)
        transpose(m, a, true, false);
    else if (narrow)
        transpose(m, a, false, true);
    else
        transpose(m, a, false, false);
    pad(a, m->columns, m->rows, narrow ? 2 : 4);
}

void lyne_tiles_b_transposed(const lyne_matrix *m, bool narrow, void *b) {
    if (!narrow) {
        lyne_tiles_a_transposed(m, false, b);
        return;
    }
    const int64_t ld = lyne_tiles_round(m->rows), even = m->columns / 2, pairs = (m->columns + 1) / 2;
    uint32_t *restrict dst = b;
    for (int64_t r = 0; r < m->rows; r++) {
        const void *row = lyne_at(m->at, r * m->stride, m->bf16);
        if (m->bf16)
            for (int64_t k = 0; k < even; k++) memcpy(dst + k * ld + r, (const uint16_t *)row + 2 * k, sizeof *dst);
        else
            for (int64_t k = 0; k < even; k++)
                dst[k * ld + r] = lyne_to_bf16(lyne_load(row, 2 * k, false)) |
                                  (uint32_t)lyne_to_bf16(lyne_load(row, 2 * k + 1, false)) << 16;
        if (even < pairs) dst[even * ld + r] = lyne_to_bf16(lyne_load(row, m->columns - 1, m->bf16));
    }
    for (int64_t k = 0; k < pairs; k++) memset(dst + k * ld + m->rows, 0, (size_t)(ld - m->rows) * sizeof *dst);
    memset(dst + pairs * ld, 0, (size_t)((lyne_tiles_round(m->columns) / 2 - pairs) * ld) * sizeof *dst);
}

/* ---- products in f32 ---- */

enum { ROWS = 8, LANES = 16 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

LYNE_VECTOR static void product_f32(int64_t M, int64_t N, int64_t K, const float *a, const float *b, float *c) {
    for (int64_t m = 0; m < M; m += ROWS)
        for (int64_t n = 0; n < N; n += 2 * LANES) {
            lanes sum[ROWS][2] = {{{0}}};
            for (int64_t k = 0; k < K; k++) {
                const lanes b0 = *(const lanes *)(b + k * N + n), b1 = *(const lanes *)(b + k * N + n + LANES);
                for (int r = 0; r < ROWS; r++) {
                    const float x = a[(m + r) * K + k];
                    sum[r][0] += x * b0;
                    sum[r][1] += x * b1;
                }
            }
            for (int r = 0; r < ROWS; r++) {
                *(lanes *)(c + (m + r) * N + n) = sum[r][0];
                *(lanes *)(c + (m + r) * N + n + LANES) = sum[r][1];
            }
        }
}

/* ---- products in bf16 ---- */

#if defined(__x86_64__)
#include <immintrin.h>

bool lyne_tiles_can_be_narrow(void) {
    return strstr(dnn_isa(), "amx") && lyne_cpu_isa() == LYNE_ISA_AMX;
}

/* Strides in bytes. */
__attribute__((target("amx-tile,amx-bf16"))) static void product_bf16(int64_t M, int64_t N, int64_t K,
                                                                      const uint16_t *a, const uint16_t *b, float *c) {
    lyne_cpu_tiles();
    for (int64_t m = 0; m < M; m += SIDE)
        for (int64_t n = 0; n < N; n += SIDE) {
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
            for (int64_t k = 0; k < K; k += SIDE) {
                _tile_loadd(4, a + m * K + k, 2 * K);
                _tile_loadd(5, a + (m + 16) * K + k, 2 * K);
                _tile_loadd(6, b + k * N + 2 * n, 4 * N);
                _tile_loadd(7, b + k * N + 2 * (n + 16), 4 * N);
                _tile_dpbf16ps(0, 4, 6);
                _tile_dpbf16ps(1, 4, 7);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
            _tile_stored(0, c + m * N + n, 4 * N);
            _tile_stored(1, c + m * N + n + 16, 4 * N);
            _tile_stored(2, c + (m + 16) * N + n, 4 * N);
            _tile_stored(3, c + (m + 16) * N + n + 16, 4 * N);
        }
    _tile_release();
}
#else
bool lyne_tiles_can_be_narrow(void) {
    return false;
}
static void product_bf16(int64_t M, int64_t N, int64_t K, const uint16_t *a, const uint16_t *b, float *c) {
    (void)M, (void)N, (void)K, (void)a, (void)b, (void)c;
}
#endif

void lyne_tiles_product(int64_t M, int64_t N, int64_t K, bool narrow, const void *a, const void *b, float *c) {
    const int64_t m = lyne_tiles_round(M), n = lyne_tiles_round(N), k = lyne_tiles_round(K);
    if (narrow)
        product_bf16(m, n, k, a, b, c);
    else
        product_f32(m, n, k, a, b, c);
}
