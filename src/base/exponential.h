/* base/exponential.h -- exp over a row of logits: what softmax, losses and soft labels are made of.  Inlined, so that
 * it is compiled for the CPU of the LYNE_VECTOR function that calls it. */
#ifndef LYNE_BASE_EXPONENTIAL_H
#define LYNE_BASE_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

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

/** exp(x) in single precision for x <= 0, relative error below 3e-7; 0 to all purposes below -87; NaN stays NaN. */
static inline float lyne_exp_f32(float x) {
    const float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f, to_integer = 0x1.8p23f;
    x = x < -87 ? -87 : x;
    const float shifted = x * 0x1.715476p0f + to_integer; /* k in the lowest bits */
    const float k = shifted - to_integer;
    const float r = (x - k * ln2_high) - k * ln2_low;
    float sum = 1.0f / 720;
    sum = sum * r + 1.0f / 120;
    sum = sum * r + 1.0f / 24;
    sum = sum * r + 1.0f / 6;
    sum = sum * r + 0.5f;
    sum = sum * r + 1;
    sum = sum * r + 1;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127) << 23;
    float power;
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

/** What to multiply by instead of dividing by x, where a row of n numbers is long: the divisions would take longer than the
 *  exponentials, and it differs in the last bit of a double.  Else 0: the results of short rows keep their bits. */
static inline double lyne_row_reciprocal(int64_t n, double x) {
    return n < 256 ? 0 : 1 / x;
}

#endif
