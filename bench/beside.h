/* bench/beside.h -- what writing and reading soft labels cost beside the networks, as a section of bench/labels.md. */
#ifndef BENCH_BESIDE_H
#define BENCH_BESIDE_H

#include "lyne/status.h"

/** Measure and print. */
lyne_status bench_beside(lyne_error *err);

#endif
