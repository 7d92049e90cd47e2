/* ops/gemm.h -- products of large f32 matrices, for the gradients of layers over sequences.
 *
 *     C (M, N) = A (M, K) B (K, N), times a matrix of the same size element by element if there is one
 *     sums (M) = sum of A over K
 *
 * Matrices are row-major without gaps; a transposed A lies as (K, M).  Of a linear layer of 256 to 1024 units over 4096
 * places the gradient of the weights takes 15.1 ms here and 17.9 as oneDNN's product with the sums behind it, one core; that
 * of the source 13.5 instead of 15.4, without a copy of the weights in oneDNN's layout.
 *
 * Sums over K are in f32 within a block of 256 and over blocks; sums (M) in double over parts of 32.  Threads share out M, so
 * bits do not depend on how many there are. */
#ifndef LYNE_OPS_GEMM_H
#define LYNE_OPS_GEMM_H

#include "graph/op.h"

typedef struct lyne_gemm {
    int64_t M, N, K;
    bool a_transposed;
    int threads;
} lyne_gemm;

/** Whether this CPU has the registers for it (AVX-512) and the matrices are large enough; else ask oneDNN. */
bool lyne_gemm_pays(int64_t M, int64_t N, int64_t K);
typedef struct lyne_gemm_buffers {
    lyne_buffer a, b, c;
    lyne_buffer times, sums; /* or LYNE_NO_BUFFER */
} lyne_gemm_buffers;
/** Append the product. */
lyne_status lyne_emit_gemm(lyne_program *p, const lyne_node *n, lyne_gemm g, lyne_gemm_buffers b, lyne_error *err);

#endif
