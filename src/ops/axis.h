/* ops/axis.h -- a value as it lies in memory, seen along one of its dimensions. */
#ifndef LYNE_OPS_AXIS_H
#define LYNE_OPS_AXIS_H

#include "ops/common.h"

/* (outer, n, inner) in memory, n being the dimension in question. */
typedef struct lyne_axis {
    int64_t outer, n, inner;
} lyne_axis;
lyne_axis lyne_axis_of(const lyne_shape *s, int64_t axis);

/** The dimensions in the order of memory: channels last for rank 4. */
lyne_shape lyne_memory_shape(const lyne_shape *s);

/** For each of `outer` runs, copy n numbers from one to the other, which advance by as many as given. */
void lyne_copy_runs(int64_t outer, int64_t n, const float *src, int64_t src_step, float *dst, int64_t dst_step);

#endif
