/* ops/tiles.h -- products of matrices that fit the cache of one core, for kernels that do many of them in one go: a call
 * of oneDNN for each would cost more than the product, and a batch of them would go through memory between any two.
 *
 *     C (M, N) f32 = A (M, K) B (K, N)
 *
 * One thread.  Factors are f32, or `narrow`, bf16, which needs AMX; sums are f32 always.  Factors and C lie padded to
 * multiples of 32 in both dimensions, the factors with zeros; a narrow B has pairs of rows interleaved. */
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

/** m as the factor A or B, or its transpose as that. */
void lyne_tiles_a(const lyne_matrix *m, bool narrow, void *a);
void lyne_tiles_b(const lyne_matrix *m, bool narrow, void *b);
void lyne_tiles_a_transposed(const lyne_matrix *m, bool narrow, void *a);
void lyne_tiles_b_transposed(const lyne_matrix *m, bool narrow, void *b);

/** C = A B; M, N, K as they are, before padding. */
void lyne_tiles_product(int64_t M, int64_t N, int64_t K, bool narrow, const void *a, const void *b, float *c);

#endif
