/* base/bf16.h -- bfloat16: the upper half of a float, 8 bits of exponent, 7 of mantissa.
 *
 * Arithmetic is in f32; bf16 is how numbers lie in memory.  A kernel for both types is written once, over lyne_load and
 * lyne_store, as an LYNE_INLINE function with the type as its argument, and called with a constant from a LYNE_VECTOR
 * function for each type: the compiler then sees two plain loops. */
#ifndef LYNE_BASE_BF16_H
#define LYNE_BASE_BF16_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LYNE_INLINE static inline __attribute__((always_inline))

LYNE_INLINE float lyne_from_bf16(uint16_t h) {
    const uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/** To the nearest, ties to even.  NaN stays NaN; what is too large becomes infinite. */
LYNE_INLINE uint16_t lyne_to_bf16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

/** Element i of an array of f32, or of bf16. */
LYNE_INLINE float lyne_load(const void *array, int64_t i, bool bf16) {
    return bf16 ? lyne_from_bf16(((const uint16_t *)array)[i]) : ((const float *)array)[i];
}
LYNE_INLINE void lyne_store(void *array, int64_t i, bool bf16, float value) {
    if (bf16)
        ((uint16_t *)array)[i] = lyne_to_bf16(value);
    else
        ((float *)array)[i] = value;
}

/** The address of element i of such an array. */
LYNE_INLINE const void *lyne_at(const void *array, int64_t i, bool bf16) {
    return (const char *)array + i * (bf16 ? 2 : 4);
}
LYNE_INLINE void *lyne_at_mutable(void *array, int64_t i, bool bf16) {
    return (char *)array + i * (bf16 ? 2 : 4);
}

#endif
