/* labels/f16.c -- logits as IEEE 754 halves: 2 bytes each, 11 significant bits, rounded to nearest, ties to even.
 * F16C does eight at a time where the CPU has it; the portable functions give the same bits. */
#include "labels/encoding.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static uint32_t bits_of(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint16_t encode_one(float f) {
    uint32_t sign = bits_of(f) >> 16 & 0x8000, magnitude = bits_of(f) & 0x7FFFFFFF, half;
    if (magnitude > 0x7F800000) /* NaN: quiet, with the upper bits of its payload */
        half = 0x7E00 | (magnitude >> 13 & 0x3FF);
    else if (magnitude >= 0x47800000) /* 2^16 and more: infinity */
        half = 0x7C00;
    else if (magnitude >= 0x38800000) /* 2^-14 and more: another exponent, 13 bits rounded off */
        half = (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
    else /* subnormal: the last bit of 0.5 + |f| is 2^-24, that of a half, so the sum rounds */
        half = bits_of(0.5f + float_of(magnitude)) - bits_of(0.5f);
    return (uint16_t)(sign | half);
}

static float decode_one(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3FF;
    if (exponent == 0) return float_of(sign | bits_of((float)fraction * 0x1p-24f));
    if (exponent == 31) return float_of(sign | 0x7F800000 | (fraction ? 0x400000 | fraction << 13 : 0));
    return float_of(sign | (exponent + 112) << 23 | fraction << 13);
}

void lyne_f16_encode_portable(const float *logits, int64_t n, void *stored) {
    for (int64_t i = 0; i < n; i++) {
        uint16_t half = encode_one(logits[i]);
        memcpy((unsigned char *)stored + 2 * i, &half, sizeof half);
    }
}

void lyne_f16_decode_portable(const void *stored, int64_t n, float *logits) {
    for (int64_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, (const unsigned char *)stored + 2 * i, sizeof half);
        logits[i] = decode_one(half);
    }
}

#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) static void encode_f16c(const float *logits, int64_t n, unsigned char *stored) {
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(stored + 2 * i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(logits + i), _MM_FROUND_TO_NEAREST_INT));
    lyne_f16_encode_portable(logits + i, n - i, stored + 2 * i);
}

__attribute__((target("avx,f16c"))) static void decode_f16c(const unsigned char *stored, int64_t n, float *logits) {
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(logits + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(stored + 2 * i))));
    lyne_f16_decode_portable(stored + 2 * i, n - i, logits + i);
}

static bool has_f16c(void) {
    static _Atomic int known; /* 0: not asked yet; asking twice does no harm */
    if (!known) {
        unsigned a, b, c = 0, d;
        known = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) && __builtin_cpu_supports("avx") ? 1 : -1;
    }
    return known > 0;
}

void lyne_f16_encode(const float *logits, int64_t n, void *stored) {
    if (has_f16c())
        encode_f16c(logits, n, stored);
    else
        lyne_f16_encode_portable(logits, n, stored);
}

void lyne_f16_decode(const void *stored, int64_t n, float *logits) {
    if (has_f16c())
        decode_f16c(stored, n, logits);
    else
        lyne_f16_decode_portable(stored, n, logits);
}
#else
void lyne_f16_encode(const float *logits, int64_t n, void *stored) {
    lyne_f16_encode_portable(logits, n, stored);
}
void lyne_f16_decode(const void *stored, int64_t n, float *logits) {
    lyne_f16_decode_portable(stored, n, logits);
}
#endif

static lyne_status layout(lyne_record *r, lyne_error *err) {
    (void)err;
    r->part[r->n_parts++] = (lyne_part){.name = "logits", .dtype = LYNE_DTYPE_F16, .width = r->classes};
    return LYNE_OK;
}

static void encode(const lyne_record *r, uint64_t number, const float *logits, void *const part[], double *scratch) {
    (void)number, (void)scratch;
    lyne_f16_encode(logits, r->classes, part[0]);
}

static bool decode(const lyne_record *r, const void *const part[], float *logits) {
    lyne_f16_decode(part[0], r->classes, logits);
    return true;
}

const lyne_encoding lyne_encoding_f16 = {
    .component = {.kind = LYNE_ENCODING,
                  .name = "f16",
                  .help = "2 bytes a logit, to 1 part in 2,000, up to 65,504",
                  .example = "f16"},
    .largest = 65504,
    .layout = layout,
    .encode = encode,
    .decode = decode,
};
