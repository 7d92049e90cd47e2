/* ops/axis.c -- see axis.h. */
#include "ops/axis.h"

#include <string.h>

lyne_shape lyne_memory_shape(const lyne_shape *s) {
    const int64_t *d = s->dim;
    return s->rank == 4 ? LYNE_SHAPE(d[0], d[2], d[3], d[1]) : *s;
}

lyne_axis lyne_axis_of(const lyne_shape *s, int64_t axis) {
    static const int place[] = {0, 3, 1, 2}; /* of b, c, h, w in memory */
    const lyne_shape m = lyne_memory_shape(s);
    const int at = s->rank == 4 ? place[axis] : (int)axis;
    lyne_axis a = {.outer = 1, .n = m.dim[at], .inner = 1};
    for (int i = 0; i < at; i++) a.outer *= m.dim[i];
    for (int i = at + 1; i < m.rank; i++) a.inner *= m.dim[i];
    return a;
}

void lyne_copy_runs(int64_t outer, int64_t n, const float *src, int64_t src_step, float *dst, int64_t dst_step) {
#pragma omp parallel for schedule(static) if (outer * n > 16384)
    for (int64_t i = 0; i < outer; i++) memcpy(dst + i * dst_step, src + i * src_step, (size_t)n * sizeof *dst);
}
