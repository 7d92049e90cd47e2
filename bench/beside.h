/* bench/beside.h -- what writing and reading soft labels cost beside the networks, as sections of bench/labels.md. */
#ifndef BENCH_BESIDE_H
#define BENCH_BESIDE_H

#include "lyne/status.h"

/** Measure and print. */
lyne_status bench_writing(lyne_error *err);
lyne_status bench_reading(lyne_error *err);

#endif
