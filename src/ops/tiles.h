/* ops/tiles.h -- products of matrices that fit the cache of one core, for kernels that do many of them in one go: a call
 * of oneDNN for each would cost more than the product, and a batch of them would go through memory between any two.
 *
 *     C (M, N) f32 = A (M, K) B (K, N)
 *
 * One thread.  Factors are f32, or `narrow`, bf16, which needs AMX; sums are f32 always.  A factor that is f32 and whose sides
 * are whole numbers of registers is read where it stands; others are packed, padded with zeros to multiples of 32 in both
 * dimensions, a narrow B with pairs of rows interleaved. */
#ifndef LYNE_OPS_TILES_H
#define LYNE_OPS_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Whether factors may be narrow: the CPU has AMX, oneDNN is allowed to use it (ONEDNN_MAX_CPU_ISA), Linux lets us. */
bool lyne_tiles_can_be_narrow(void);

static inline int64_t lyne_tiles_round(int64_t n) {
    return (n + 31) / 32 * 32;
}
/** Bytes of a factor, or of C, with room for f32. */
static inline size_t lyne_tiles_bytes(int64_t rows, int64_t columns) {
    return (size_t)(lyne_tiles_round(rows) * lyne_tiles_round(columns)) * sizeof(float);
}

/* A matrix to be packed: row-major, rows `stride` numbers apart. */
typedef struct lyne_matrix {
    const void *at;
    int64_t rows, columns, stride;
    bool bf16;
} lyne_matrix;

/* A factor as a product reads it: where, and how many numbers it is to the next row and to the next column. */
typedef struct lyne_factor {
    const void *at;
    int64_t row, column;
} lyne_factor;

/** m as the factor A or B, or its transpose as that.  It is m itself, or made in `room`, lyne_tiles_bytes of it. */
lyne_factor lyne_tiles_a(const lyne_matrix *m, bool narrow, void *room);
lyne_factor lyne_tiles_b(const lyne_matrix *m, bool narrow, void *room);
lyne_factor lyne_tiles_a_transposed(const lyne_matrix *m, bool narrow, void *room);
lyne_factor lyne_tiles_b_transposed(const lyne_matrix *m, bool narrow, void *room);

/** Whether a product can be written straight into m, else into memory for lyne_tiles_bytes whose rows are
 *  lyne_tiles_round(columns) apart. */
bool lyne_tiles_fit(const lyne_matrix *m, bool narrow);

/** C = A B, rows of C `ld` numbers apart; M, N, K as they are, before padding. */
void lyne_tiles_product(int64_t M, int64_t N, int64_t K, bool narrow, lyne_factor a, lyne_factor b, float *c,
                        int64_t ld);

/** dst (columns, rows), rows `ld` numbers apart, is the transpose of src (rows, columns), rows `stride` apart. */
void lyne_tiles_transpose(int64_t rows, int64_t columns, const float *src, int64_t stride, float *dst, int64_t ld);

#endif
