/* tests/labels/f16.c -- f16 is what IEEE 754 says, with and without F16C. */
#include "base/random.h"
#include "labels/encoding.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The definition, in double: (-1)^s * 2^(e - 25) * (1024 + f), or 2^-24 * f. */
static double value_of(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 0x3FF;
    double v = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return half & 0x8000 ? -v : v;
}

Test(f16, every_half) {
    enum { N = 65536 };
    static uint16_t half[N], back[N], back_portable[N];
    static float fast[N], portable[N];
    for (int i = 0; i < N; i++) half[i] = (uint16_t)i;
    lyne_f16_decode(half, N, fast);
    lyne_f16_decode_portable(half, N, portable);
    cr_expect_arr_eq(fast, portable, sizeof fast, "also NaNs, bit by bit");
    lyne_f16_encode(fast, N, back);
    lyne_f16_encode_portable(fast, N, back_portable);
    cr_expect_arr_eq(back, back_portable, sizeof back);
    for (int i = 0; i < N; i++) {
        if ((i >> 10 & 31) == 31) continue;
        cr_assert_eq((double)fast[i], value_of((uint16_t)i), "half %04x", i);
        cr_assert_eq(back[i], i, "half %04x", i);
    }
}

/* Between two neighbouring halves: below the middle, the middle (to even), above it. */
Test(f16, rounding) {
    for (uint32_t i = 0; i < 0x7BFF; i++) {
        double low = value_of((uint16_t)i), high = value_of((uint16_t)(i + 1));
        float middle = (float)((low + high) / 2);
        float in[] = {nextafterf(middle, -INFINITY), middle, nextafterf(middle, INFINITY), -middle};
        uint16_t even = (uint16_t)(i + (i & 1)), out[4];
        uint16_t wanted[] = {(uint16_t)i, even, (uint16_t)(i + 1), (uint16_t)(even | 0x8000)};
        lyne_f16_encode_portable(in, 4, out);
        cr_assert_arr_eq(out, wanted, sizeof out, "after half %04x", i);
    }
}

static float float_of(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

Test(f16, fast_and_portable_agree) {
    enum { N = 1 << 20 };
    static float in[N + 16];
    static uint16_t fast[N + 16], portable[N + 16];
    static const float edges[] = {0,        -0.0f,    65504,        65519.996f, 65520,    65536,
                                  -65520,   0x1p-14f, 0x1.ffcp-15f, 0x1p-24f,   0x1p-25f, 0x1.000002p-25f,
                                  0x1p-26f, 1e-45f,   FLT_MAX,      INFINITY};
    lyne_stream s = lyne_stream_at(1, LYNE_FOR_CHECK, 0, 0);
    memcpy(in, edges, sizeof edges);
    for (int i = 16; i < N; i++) in[i] = float_of(lyne_stream_bits(&s)); /* all floats alike, NaNs among them */
    lyne_f16_encode(in, N, fast);
    lyne_f16_encode_portable(in, N, portable);
    cr_expect_arr_eq(fast, portable, N * sizeof *fast);
    for (int n = 0; n < 20; n++) { /* what is left over after the eights */
        memset(fast, 0xAB, 64);
        lyne_f16_encode(in, n, (unsigned char *)fast + 1);
        cr_expect_arr_eq((unsigned char *)fast + 1, portable, 2 * (size_t)n);
        cr_expect_eq(((unsigned char *)fast)[2 * n + 1], 0xAB, "nothing behind the end");
    }
}
