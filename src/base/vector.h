/* base/vector.h -- inner loops for the CPU that runs them.
 *
 * A build is for any x86-64, so gcc would vectorise with SSE2.  LYNE_VECTOR before a function has it compiled also for
 * AVX2 and AVX-512, and the one that fits is chosen when the program is loaded.  A loop that OpenMP divides is not
 * covered by the attribute (its body becomes another function): give each thread a call to a LYNE_VECTOR function. */
#ifndef LYNE_BASE_VECTOR_H
#define LYNE_BASE_VECTOR_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LYNE_VECTOR __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define LYNE_VECTOR
#endif

#endif
