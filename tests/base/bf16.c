/* Rounding to bf16: to the nearest, ties to even, NaN stays NaN. */
#include "base/bf16.h"
#include <criterion/criterion.h>
#include <math.h>

static float from_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static const struct {
    uint32_t f32;
    uint16_t bf16;
} rows[] = {{0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x3f800000, 0x3f80}, /* 0, -0, 1               */
            {0x3f807fff, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f808001, 0x3f81}, /* below, at, above a half */
            {0x3f818000, 0x3f82}, {0xbf818000, 0xbf82},                       /* ties go to even         */
            {0x7f7fffff, 0x7f80}, {0x7f7f7fff, 0x7f7f},                       /* too large: infinite     */
            {0x7f800000, 0x7f80}, {0xff800000, 0xff80}, {0x00000001, 0x0000}, {0x0001ffff, 0x0002}};

Test(bf16, rounds_to_the_nearest) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(lyne_to_bf16(from_bits(rows[i].f32)) == rows[i].bf16, "%08x: %04x", rows[i].f32,
                  lyne_to_bf16(from_bits(rows[i].f32)));
}

Test(bf16, nan_stays_nan) {
    const uint32_t nan[] = {0x7f800001, 0x7fffffff, 0xff800001, 0xffffffff, 0x7fc00000};
    for (size_t i = 0; i < sizeof nan / sizeof *nan; i++)
        cr_expect(isnan(lyne_from_bf16(lyne_to_bf16(from_bits(nan[i])))), "%08x", nan[i]);
}

Test(bf16, every_bf16_is_itself) {
    for (uint32_t h = 0; h <= 0xffff; h++) {
        const float f = lyne_from_bf16((uint16_t)h);
        if (!isnan(f)) cr_expect(lyne_to_bf16(f) == h, "%04x", h);
    }
}

Test(bf16, arrays) {
    uint16_t half[4];
    float whole[4];
    for (int i = 0; i < 4; i++) {
        lyne_store(half, i, true, 1.5f * (float)i);
        lyne_store(whole, i, false, 1.5f * (float)i);
    }
    cr_expect(lyne_load(half, 3, true) == 4.5f && lyne_load(whole, 3, false) == 4.5f);
    cr_expect(lyne_at(half, 3, true) == &half[3] && lyne_at_mutable(whole, 3, false) == &whole[3]);
}
