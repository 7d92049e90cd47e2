/* ops/conv2d_tiles_products.c -- see conv2d_tiles.h. */
#include "base/cpu.h"
#include "base/turn.h"
#include "ops/conv2d_tiles.h"

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl")))

/* Sixteen channels of two pixels, interleaved. */
WIDE static inline __m512i pair(const uint16_t *first, const uint16_t *second) {
    const __m512i a = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)first));
    const __m512i b = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)second));
    return _mm512_or_si512(a, _mm512_slli_epi32(b, 16));
}

WIDE void tiles_by_channel(const uint16_t *const pixel[TILE_PIXELS], int64_t channels, int64_t ld, uint16_t *to) {
    for (int64_t c = 0; c < channels; c += 16) {
        __m512i r[16];
        for (int i = 0; i < 16; i++) r[i] = pair(pixel[2 * i] + c, pixel[2 * i + 1] + c);
        lyne_turn(r);
        for (int i = 0; i < 16; i++) _mm512_storeu_si512(to + (c + i) * ld, r[i]);
    }
}

WIDE void tiles_by_pair(const uint16_t *const pixel[TILE_PIXELS], int64_t channels, int64_t step, uint16_t *to) {
    for (int64_t c = 0; c < channels; c += 16, to += step)
        for (int i = 0; i < 16; i++) _mm512_storeu_si512(to + i * 32, pair(pixel[2 * i] + c, pixel[2 * i + 1] + c));
}

__attribute__((target("amx-tile,amx-bf16"))) void tiles_multiply(const uint16_t *a, int64_t ld_a, const uint16_t *b,
                                                                 int64_t b_step, int64_t n, int fresh, float *sum,
                                                                 int64_t ld_sum) {
    float *const low = sum + 16 * ld_sum;
    const long row = (long)(ld_sum * (int64_t)sizeof *sum), a_row = (long)(ld_a * 2);
    lyne_cpu_tiles();
    if (fresh) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, sum, row);
        _tile_loadd(1, sum + 16, row);
        _tile_loadd(2, low, row);
        _tile_loadd(3, low + 16, row);
    }
    for (int64_t k = 0; k < n; k++) {
        _tile_loadd(4, a + k * 32, a_row);
        _tile_loadd(6, b + k * 512, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b + b_step + k * 512, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a + 16 * ld_a + k * 32, a_row);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sum, row);
    _tile_stored(1, sum + 16, row);
    _tile_stored(2, low, row);
    _tile_stored(3, low + 16, row);
    _tile_release();
}
#else
/* Never called: lyne_cpu_isa() has no AMX to offer. */
void tiles_by_channel(const uint16_t *const pixel[TILE_PIXELS], int64_t channels, int64_t ld, uint16_t *to) {
    (void)pixel, (void)channels, (void)ld, (void)to;
}
void tiles_by_pair(const uint16_t *const pixel[TILE_PIXELS], int64_t channels, int64_t step, uint16_t *to) {
    (void)pixel, (void)channels, (void)step, (void)to;
}
void tiles_multiply(const uint16_t *a, int64_t ld_a, const uint16_t *b, int64_t b_step, int64_t n, int fresh,
                    float *sum, int64_t ld_sum) {
    (void)a, (void)ld_a, (void)b, (void)b_step, (void)n, (void)fresh, (void)sum, (void)ld_sum;
}
#endif
