/* losses/rows.h -- losses that are a mean over the rows of the logits, as one fused op each.
 *
 *   term = 1/B sum_b value(row b)         1/B is here and nowhere else
 *
 * A loss gives the function of one row; where the memory is, which thread does which row, the sum in a fixed order and
 * the backward pass are seen to here.  Softmax is at hand while the value is computed, so the forward pass of a
 * training program also keeps d value / d logits, and backward only multiplies.
 *
 * Everything between reading a float and writing one is in double: at a high temperature the two distributions of kd
 * are nearly the same, and their difference would lose the digits that matter.  exp() as below takes 0.6 ns an element
 * on one core with AVX-512 (gcc 12), so the loss of 128 rows of 1000 classes takes 0.2 ms. */
#ifndef LYNE_LOSSES_ROWS_H
#define LYNE_LOSSES_ROWS_H

#include "base/vector.h"
#include "losses/loss.h"
#include <string.h>

typedef struct lyne_row {
    const void *config;  /* the loss's                                        */
    int64_t classes;     /* C                                                 */
    const float *logits; /* (C)                                               */
    const void *target;  /* of this row: an int32_t label, or (C) f32 logits  */
    double *scratch;     /* (2, C), the function's to use                     */
    float *diff;         /* (C), d value / d logits, to be overwritten; NULL: not asked for */
} lyne_row;
typedef double lyne_row_value(const lyne_row *row);

/** The op's shape rule (source 0 (B, C) f32 logits, dst (1)) and emit functions.  target_bytes: of one row of source 1,
 *  which gets no gradient. */
lyne_status lyne_rows_shape(lyne_node *n, lyne_error *err);
lyne_status lyne_rows_emit(lyne_program *p, const lyne_node *n, lyne_row_value *value, size_t target_bytes,
                           lyne_error *err);
lyne_status lyne_rows_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err);

/** exp(x) for x <= 0, relative error below 1e-12; 0 to all purposes below -708; NaN stays NaN.  Arithmetic alone, so
 * gcc vectorises it and it does not depend on libm.  x = k ln 2 + r, |r| <= ln 2 / 2: 2^k times the Taylor sum of e^r.
 */
static inline double lyne_exp(double x) {
    const double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45, to_integer = 0x1.8p52;
    x = x < -708 ? -708 : x;
    const double shifted = x * 0x1.71547652b82fep0 + to_integer; /* k in the lowest bits */
    const double k = shifted - to_integer;
    const double r = (x - k * ln2_high) - k * ln2_low;
    double sum = 1.0 / 3628800;
    sum = sum * r + 1.0 / 362880;
    sum = sum * r + 1.0 / 40320;
    sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 1.0 / 2;
    sum = sum * r + 1;
    sum = sum * r + 1;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

static inline double lyne_row_max(int64_t n, const float *z) {
    float max = z[0];
#pragma omp simd reduction(max : max)
    for (int64_t i = 0; i < n; i++) max = z[i] > max ? z[i] : max;
    return (double)max;
}

/** e = exp((z - max) scale); returns its sum.  scale > 0, max that of z. */
static inline double lyne_row_exp(int64_t n, const float *restrict z, double max, double scale, double *restrict e) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        e[i] = lyne_exp(((double)z[i] - max) * scale);
        sum += e[i];
    }
    return sum;
}

#endif
