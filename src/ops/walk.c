/* ops/walk.c -- see walk.h. */
#include "ops/walk.h"

/* Position in memory -> dimension. */
static int axis_at(int rank, bool plain, int position) {
    static const int picture[] = {0, 2, 3, 1};
    return rank == 4 && !plain ? picture[position] : position;
}

lyne_walk lyne_walk_of(const lyne_shape *src, const int from[LYNE_MAX_RANK], bool plain_src, bool plain_dst) {
    int64_t stride[LYNE_MAX_RANK], step = 1;
    for (int k = src->rank - 1; k >= 0; k--) {
        const int axis = axis_at(src->rank, plain_src, k);
        stride[axis] = step;
        step *= src->dim[axis];
    }
    lyne_walk w = {.rank = src->rank};
    for (int k = 0; k < w.rank; k++) {
        const int axis = from[axis_at(w.rank, plain_dst, k)];
        w.dim[k] = src->dim[axis];
        w.step[k] = stride[axis];
    }
    return w;
}

static void copy(const lyne_call *call) {
    const lyne_walk *w = call->config;
    const float *src = call->buffer[0];
    float *dst = call->buffer[1];
    const int last = w->rank - 1;
    const int64_t width = w->dim[last], step = w->step[last];
    int64_t rows = 1;
    for (int k = 0; k < last; k++) rows *= w->dim[k];
#pragma omp parallel for schedule(static) if (rows * width > 16384)
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = 0, left = r;
        for (int k = last - 1; k >= 0; k--) {
            at += left % w->dim[k] * w->step[k];
            left /= w->dim[k];
        }
        for (int64_t i = 0; i < width; i++) dst[r * width + i] = src[at + i * step];
    }
}

lyne_status lyne_emit_walk(lyne_program *p, const lyne_node *n, lyne_walk w, lyne_buffer src, lyne_buffer dst,
                           lyne_error *err) {
    return lyne_emit_kernel(p, n, "walk", copy, &w, sizeof w, (lyne_buffer[]){src, dst}, 2, err);
}
