/* base/peaks.h -- how fast the machine is just now.  Shared hosts change speed by up to 2.7 times, AMX and FMA each by
 * itself, so a time means little without these beside it. */
#ifndef LYNE_BASE_PEAKS_H
#define LYNE_BASE_PEAKS_H

/** Multiply-adds in registers, f32, all threads [GFLOP/s]; about half a millisecond. */
double lyne_peak_fma(void);
/** bf16 tile products in registers, all threads [GFLOP/s]; 0 where there is no AMX. */
double lyne_peak_amx(void);
/** Reading and writing arrays that fit no core's own cache, as activations do, all threads [GB/s]; a few milliseconds.  0
 *  when memory is out. */
double lyne_peak_bandwidth(void);

#endif
