/* optim/clip_norm.c -- by what the gradients are scaled so that their norm is bounded.
 * Squares are summed in double, in PARTS sums of which each is one thread's, so the bits do not depend on the number of
 * threads.  Padding between the gradients is zero. */
#include "base/vector.h"
#include "optim/optimizer.h"

#include <math.h>

enum { PARTS = 64 };

LYNE_VECTOR static double sum_of_squares(int64_t n, const float *restrict grad) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += (double)grad[i] * (double)grad[i];
    return sum;
}

float lyne_clip_factor(const lyne_weights *w, double clip_norm) {
    if (clip_norm <= 0) return 1;
    double part[PARTS], all = 0;
#pragma omp parallel for schedule(static) if (w->n_trained > 2 * LYNE_UPDATE_BLOCK)
    for (int p = 0; p < PARTS; p++) {
        part[p] = 0;
        for (size_t k = (size_t)p * LYNE_UPDATE_BLOCK; k < w->n_trained; k += PARTS * LYNE_UPDATE_BLOCK)
            part[p] += sum_of_squares(lyne_update_block(k, w->n_trained), w->grad + k);
    }
    for (int p = 0; p < PARTS; p++) all += part[p];
    return (float)fmin(1, clip_norm / (sqrt(all) + 1e-6));
}
