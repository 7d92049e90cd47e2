/* bench/probe.h -- how fast the machine is just now.  Shared hosts change speed by up to 2.7 times, AMX and FMA each by
 * itself, so a time means little without these two beside it. */
#ifndef LYNE_BENCH_PROBE_H
#define LYNE_BENCH_PROBE_H

/** Multiply-adds in registers, f32, all threads [GFLOP/s]; about half a millisecond. */
double probe_fma(void);
/** bf16 tile products in registers, all threads [GFLOP/s]; 0 where there is no AMX. */
double probe_amx(void);

#endif
