/* base/cpu.h -- which of our own kernels this CPU can run.
 *
 * A build is for any x86-64, so a kernel that is written for a set of instructions asks here before it offers itself.
 * LYNE_MAX_ISA=avx2|avx512|amx in the environment lowers the answer, for tests and for comparing CPUs; oneDNN has a
 * switch of its own, ONEDNN_MAX_CPU_ISA. */
#ifndef LYNE_BASE_CPU_H
#define LYNE_BASE_CPU_H

#include <stdbool.h>

/* From poor to rich: each has all before it.  AMX: tiles of bf16, with the kernel's leave to use them. */
typedef enum lyne_isa { LYNE_ISA_BASE, LYNE_ISA_AVX2, LYNE_ISA_AVX512, LYNE_ISA_AMX } lyne_isa;

/** Asked once and remembered; the first call is to be made by one thread. */
lyne_isa lyne_cpu_isa(void);
/** Whether LYNE_MAX_ISA lowers it: other kernels, other bits. */
bool lyne_cpu_is_lowered(void);
/** "base", "avx2", "avx512", "amx". */
const char *lyne_isa_name(lyne_isa isa);
/** The set called NAME, or -1. */
int lyne_isa_named(const char *name);

/** As its maker calls it; "unknown" where it does not say. */
#define LYNE_CPU_NAME 49
void lyne_cpu_name(char out[LYNE_CPU_NAME]);

/** AMX: make this thread's registers eight tiles of 16 rows of 64 bytes; who is done says _tile_release. */
void lyne_cpu_tiles(void);

#endif
