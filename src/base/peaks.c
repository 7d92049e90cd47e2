/* base/peaks.c -- see peaks.h. */
#include "base/peaks.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/vector.h"
#include <omp.h>

enum { SUMS = 12, LANES = 16, TURNS = 100000 };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

/* Twelve chains of multiply-adds that do not wait for each other. */
LYNE_VECTOR static float chains(float x, float y) {
    lanes a = {x}, b = {y}, s0 = b, s1 = b + 1, s2 = b + 2, s3 = b + 3, s4 = b + 4, s5 = b + 5, s6 = b + 6, s7 = b + 7,
          s8 = b + 8, s9 = b + 9, sa = b + 10, sb = b + 11; /* different, or they would be one */
    for (int i = 0; i < TURNS; i++) {
        s0 = s0 * a + b, s1 = s1 * a + b, s2 = s2 * a + b, s3 = s3 * a + b;
        s4 = s4 * a + b, s5 = s5 * a + b, s6 = s6 * a + b, s7 = s7 * a + b;
        s8 = s8 * a + b, s9 = s9 * a + b, sa = sa * a + b, sb = sb * a + b;
    }
    const lanes all = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)) + ((s8 + s9) + (sa + sb));
    return all[0] + all[LANES - 1];
}

double lyne_peak_fma(void) {
    volatile float x = 0.5f, sink;
    const double start = lyne_now();
#pragma omp parallel
    {
        const float got = chains(x, x);
#pragma omp critical
        sink = got;
    }
    (void)sink;
    return omp_get_max_threads() * (double)TURNS * SUMS * LANES * 2 / (lyne_now() - start) / 1e9;
}

/* ---- bandwidth ---- */

enum { MEGABYTES = 8, PASSES = 4 };

LYNE_VECTOR static void shift(int64_t n, const float *restrict src, float *restrict dst) {
    for (int64_t i = 0; i < n; i++) dst[i] = src[i] + 1;
}

double lyne_peak_bandwidth(void) {
    const int64_t n = (MEGABYTES << 20) / (int64_t)sizeof(float), block = 8192;
    float *src = lyne_alloc((size_t)n, sizeof *src), *dst = lyne_alloc((size_t)n, sizeof *dst);
    double least = 0;
    for (int pass = 0; src && dst && pass <= PASSES; pass++) { /* the first one maps the pages */
        const double start = lyne_now();
#pragma omp parallel for schedule(static)
        for (int64_t at = 0; at < n; at += block) shift(block, src + at, dst + at);
        const double took = lyne_now() - start;
        if (pass == 1 || (pass > 1 && took < least)) least = took;
    }
    const double bytes = src && dst ? 2.0 * (double)n * sizeof(float) : 0;
    lyne_free(src);
    lyne_free(dst);
    return bytes == 0 ? 0 : bytes / least / 1e9;
}

/* ---- AMX ---- */

#if defined(__x86_64__)
#include <immintrin.h>

enum { TILE_TURNS = 6000 };

__attribute__((target("amx-tile,amx-bf16"))) static void tiles(void) {
    static const char zero[1024] __attribute__((aligned(64)));
    lyne_cpu_tiles();
    _tile_loadd(0, zero, 64);
    _tile_loadd(1, zero, 64);
    _tile_loadd(2, zero, 64);
    _tile_loadd(3, zero, 64);
    _tile_loadd(4, zero, 64);
    _tile_loadd(5, zero, 64);
    _tile_loadd(6, zero, 64);
    _tile_loadd(7, zero, 64);
    for (int i = 0; i < TILE_TURNS; i++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
}

double lyne_peak_amx(void) {
    if (lyne_cpu_isa() < LYNE_ISA_AMX) return 0;
    const double start = lyne_now();
#pragma omp parallel
    tiles();
    return omp_get_max_threads() * (double)TILE_TURNS * 4 * 16 * 16 * 64 / (lyne_now() - start) / 1e9;
}
#else
double lyne_peak_amx(void) {
    return 0;
}
#endif
