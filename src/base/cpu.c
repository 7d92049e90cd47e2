/* base/cpu.c -- see cpu.h. */
#include "base/cpu.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"base", "avx2", "avx512", "amx"};
enum { N_ISAS = sizeof names / sizeof *names };

const char *lyne_isa_name(lyne_isa isa) {
    return names[isa];
}

int lyne_isa_named(const char *name) {
    for (int i = 0; i < N_ISAS; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };

/* The processor has tiles and bf16 products of them, and Linux lets us use the registers, which it does not unasked. */
static int has_amx(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 22 & 1) || !(d >> 24 & 1)) return 0;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static lyne_isa found(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return LYNE_ISA_BASE;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return LYNE_ISA_AVX2;
    return has_amx() ? LYNE_ISA_AMX : LYNE_ISA_AVX512;
}

__attribute__((target("amx-tile"))) void lyne_cpu_tiles(void) {
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
}

void lyne_cpu_name(char out[LYNE_CPU_NAME]) {
    unsigned word[13] = {0}; /* and NUL */
    const char *name = (const char *)word;
    bool known = true;
    for (unsigned i = 0; i < 3; i++) /* 48 characters, 16 at a time */
        known =
            known && __get_cpuid(0x80000002 + i, &word[4 * i], &word[4 * i + 1], &word[4 * i + 2], &word[4 * i + 3]);
    while (*name == ' ') name++;
    snprintf(out, LYNE_CPU_NAME, "%.48s", known && *name ? name : "unknown");
}
#else
static lyne_isa found(void) {
    return LYNE_ISA_BASE;
}
void lyne_cpu_name(char out[LYNE_CPU_NAME]) {
    snprintf(out, LYNE_CPU_NAME, "unknown");
}
void lyne_cpu_tiles(void) {}
#endif

lyne_isa lyne_cpu_isa(void) {
    static int isa = -1;
    if (isa >= 0) return (lyne_isa)isa;
    int best = (int)found();
    const char *most = getenv("LYNE_MAX_ISA");
    if (most && *most) {
        const int named = lyne_isa_named(most);
        if (named < 0) lyne_warn("LYNE_MAX_ISA=%s is none of base, avx2, avx512, amx and is passed over", most);
        if (named >= 0 && named < best) best = named;
    }
    return (lyne_isa)(isa = best);
}

bool lyne_cpu_is_lowered(void) {
    return lyne_cpu_isa() < found();
}
