/* bench/probe.c -- see probe.h. */
#include "probe.h"
#include "base/log.h"
#include "base/vector.h"
#include <omp.h>
#include <string.h>

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

double probe_fma(void) {
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

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TILE_TURNS = 6000, ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };

/* The processor has it, and Linux lets us. */
static int has_amx(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 22 & 1) || !(d >> 24 & 1)) return 0;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

__attribute__((target("amx-tile,amx-bf16"))) static void tiles(void) {
    static const char zero[1024] __attribute__((aligned(64)));
    struct {
        unsigned char palette, start, reserved[14];
        unsigned short columns[16];
        unsigned char rows[16];
    } __attribute__((packed)) c;
    memset(&c, 0, sizeof c);
    c.palette = 1;
    for (int i = 0; i < 8; i++) c.columns[i] = 64, c.rows[i] = 16;
    __asm__ volatile("" ::"r"(&c) : "memory"); /* gcc 12 believes that 8 of the 64 bytes are read */
    _tile_loadconfig(&c);
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

double probe_amx(void) {
    static int amx = -1;
    if (amx < 0) amx = has_amx();
    if (!amx) return 0;
    const double start = lyne_now();
#pragma omp parallel
    tiles();
    return omp_get_max_threads() * (double)TILE_TURNS * 4 * 16 * 16 * 64 / (lyne_now() - start) / 1e9;
}
#else
double probe_amx(void) {
    return 0;
}
#endif
