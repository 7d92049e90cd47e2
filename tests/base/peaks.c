/* tests/base/peaks.c -- numbers that a machine can have. */
#include "base/peaks.h"
#include "base/cpu.h"

#include <criterion/criterion.h>

Test(peaks, are_plausible) {
    const double fma = lyne_peak_fma(), amx = lyne_peak_amx(), bandwidth = lyne_peak_bandwidth();
    cr_expect(fma > 0.1 && fma < 1e6, "%g GFLOP/s", fma);
    cr_expect((amx > 0) == (lyne_cpu_isa() == LYNE_ISA_AMX) && amx < 1e7, "%g GFLOP/s", amx);
    cr_expect(bandwidth > 0.01 && bandwidth < 1e5, "%g GB/s", bandwidth);
}
