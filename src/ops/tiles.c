/* ops/tiles.c -- see tiles.h.
 * AMX: a tile is 16 rows of 64 bytes; 2 x 2 tiles of C stay in registers while K goes by in steps of 32.  Otherwise 8 rows
 * of 32 numbers of C do, in vectors that gcc makes of what the CPU has. */
#include "ops/tiles.h"
#include "base/bf16.h"
#include "base/cpu.h"
#include "base/vector.h"
#include "dnn/dnn.h"

#include <string.h>

enum { SIDE = 32, ROWS = 8, LANES = 16 };

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

static lyne_factor packed(const void *room, int64_t columns) {
    return (lyne_factor){.at = room, .row = lyne_tiles_round(columns), .column = 1};
}

lyne_factor lyne_tiles_a(const lyne_matrix *m, bool narrow, void *room) {
    if (!narrow && !m->bf16 && m->rows % ROWS == 0) return (lyne_factor){.at = m->at, .row = m->stride, .column = 1};
    copy_rows(m, narrow, room);
    return packed(room, m->columns);
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

lyne_factor lyne_tiles_b(const lyne_matrix *m, bool narrow, void *room) {
    /* it is read again for every few rows of A, and rows far apart would crowd each other out of the cache */
    if (lyne_tiles_fit(m, narrow) && m->stride == m->columns)
        return (lyne_factor){.at = m->at, .row = m->stride, .column = 1};
    if (!narrow) {
        copy_rows(m, false, room);
        return packed(room, m->columns);
    }
    const int64_t ld = lyne_tiles_round(m->columns), pairs = (m->rows + 1) / 2;
    uint32_t *dst = room;
    for (int64_t k = 0; k < pairs; k++) {
        const void *low = lyne_at(m->at, 2 * k * m->stride, m->bf16);
        const void *high = 2 * k + 1 < m->rows ? lyne_at(m->at, (2 * k + 1) * m->stride, m->bf16) : NULL;
        (m->bf16 ? pair_bf16 : pair_f32)(m->columns, low, high, dst + k * ld);
        memset(dst + k * ld + m->columns, 0, (size_t)(ld - m->columns) * sizeof *dst);
    }
    memset(dst + pairs * ld, 0, (size_t)((lyne_tiles_round(m->rows) / 2 - pairs) * ld) * sizeof *dst);
    return packed(room, m->columns);
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

/* 16 x 16 numbers, in vectors: each of four rounds changes the places of halves of pairs of rows. */
typedef float square_row __attribute__((vector_size(16 * sizeof(float)), aligned(4), may_alias));

/* Of rows i and i + distance, of each pair.  A macro, because the compilers want to see the places as constants. */
#define UNWRAP(...) __VA_ARGS__
#define EXCHANGE(distance, low, high)                                                                                  \
    for (int i = 0; i < 16; i++) {                                                                                     \
        if (i & (distance)) continue;                                                                                  \
        const square_row a = row[i], b = row[i + (distance)];                                                          \
        row[i] = __builtin_shufflevector(a, b, UNWRAP low);                                                            \
        row[i + (distance)] = __builtin_shufflevector(a, b, UNWRAP high);                                              \
    }

LYNE_VECTOR static void transpose_square(const float *restrict src, int64_t stride, float *restrict dst, int64_t ld) {
    square_row row[16];
    for (int r = 0; r < 16; r++) row[r] = *(const square_row *)(src + r * stride);
    EXCHANGE(8, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
             (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
    EXCHANGE(4, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
             (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
    EXCHANGE(2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
             (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
    EXCHANGE(1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
             (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
    for (int r = 0; r < 16; r++) *(square_row *)(dst + r * ld) = row[r];
}

void lyne_tiles_transpose(int64_t rows, int64_t columns, const float *src, int64_t stride, float *dst, int64_t ld) {
    for (int64_t r = 0; r < rows; r += 16)
        for (int64_t c = 0; c < columns; c += 16) {
            const int64_t last_r = rows - r < 16 ? rows : r + 16, last_c = columns - c < 16 ? columns : c + 16;
            if (last_r - r == 16 && last_c - c == 16)
                transpose_square(src + r * stride + c, stride, dst + c * ld + r, ld);
            else
                for (int64_t i = r; i < last_r; i++)
                    for (int64_t j = c; j < last_c; j++) dst[j * ld + i] = src[i * stride + j];
        }
}

/* m^T, padded. */
static lyne_factor pack_transposed(const lyne_matrix *m, bool narrow, void *room) {
    if (m->bf16 && narrow)
        transpose(m, room, true, true);
    else if (m->bf16)
        transpose(m, room, true, false);
    else if (narrow)
        transpose(m, room, false, true);
    else
        lyne_tiles_transpose(m->rows, m->columns, m->at, m->stride, room, lyne_tiles_round(m->rows));
    pad(room, m->columns, m->rows, narrow ? 2 : 4);
    return packed(room, m->rows);
}

lyne_factor lyne_tiles_a_transposed(const lyne_matrix *m, bool narrow, void *room) {
    if (!narrow && !m->bf16 && m->columns % ROWS == 0) return (lyne_factor){.at = m->at, .row = 1, .column = m->stride};
    return pack_transposed(m, narrow, room);
}

lyne_factor lyne_tiles_b_transposed(const lyne_matrix *m, bool narrow, void *room) {
    if (!narrow) return pack_transposed(m, false, room);
    const int64_t ld = lyne_tiles_round(m->rows), even = m->columns / 2, pairs = (m->columns + 1) / 2;
    uint32_t *restrict dst = room;
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
    return packed(room, m->rows);
}

/* ---- products in f32 ---- */

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

/* A's rows or its columns lie close: `row` or `column` is 1, which the compiler is to know. */
LYNE_INLINE void product(int64_t M, int64_t N, int64_t K, const float *a, int64_t row, int64_t column, const float *b,
                         int64_t b_row, float *c, int64_t ld) {
    for (int64_t m = 0; m < M; m += ROWS)
        for (int64_t n = 0; n < N; n += 2 * LANES) {
            lanes sum[ROWS][2] = {{{0}}};
            for (int64_t k = 0; k < K; k++) {
                const lanes b0 = *(const lanes *)(b + k * b_row + n), b1 = *(const lanes *)(b + k * b_row + n + LANES);
                for (int r = 0; r < ROWS; r++) {
                    const float x = a[(m + r) * row + k * column];
                    sum[r][0] += x * b0;
                    sum[r][1] += x * b1;
                }
            }
            for (int r = 0; r < ROWS; r++) {
                *(lanes *)(c + (m + r) * ld + n) = sum[r][0];
                *(lanes *)(c + (m + r) * ld + n + LANES) = sum[r][1];
            }
        }
}
LYNE_VECTOR static void product_f32(int64_t M, int64_t N, int64_t K, const float *a, int64_t row, const float *b,
                                    int64_t b_row, float *c, int64_t ld) {
    product(M, N, K, a, row, 1, b, b_row, c, ld);
}
LYNE_VECTOR static void product_f32_of_transposed(int64_t M, int64_t N, int64_t K, const float *a, int64_t column,
                                                  const float *b, int64_t b_row, float *c, int64_t ld) {
    product(M, N, K, a, 1, column, b, b_row, c, ld);
}

bool lyne_tiles_fit(const lyne_matrix *m, bool narrow) {
    return !narrow && !m->bf16 && m->rows % ROWS == 0 && m->columns % (2 * LANES) == 0;
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

void lyne_tiles_product(int64_t M, int64_t N, int64_t K, bool narrow, lyne_factor a, lyne_factor b, float *c,
                        int64_t ld) {
    const int64_t m = (M + ROWS - 1) / ROWS * ROWS, n = lyne_tiles_round(N);
    if (narrow)
        product_bf16(lyne_tiles_round(M), n, lyne_tiles_round(K), a.at, b.at, c);
    else if (a.column == 1)
        product_f32(m, n, K, a.at, a.row, b.at, b.row, c, ld);
    else
        product_f32_of_transposed(m, n, K, a.at, a.column, b.at, b.row, c, ld);
}
