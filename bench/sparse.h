/* bench/sparse.h -- students of sparse soft labels at equal bytes, as a section of bench/labels.md. */
#ifndef BENCH_SPARSE_H
#define BENCH_SPARSE_H

#include "lyne/status.h"

/** Train and print.  directory: made, filled and removed. */
lyne_status bench_sparse(const char *directory, lyne_error *err);

#endif
