/* optim/limit_norms.c -- the max-norm constraint (Srivastava et al. 2014, section 5.1), after an update.
 *   row <- row * max_norm / |row|  where |row| > max_norm
 * A row is weight[o, ...]: all that comes into unit o.  Sums are in double, each row by one thread, so the bits do not
 * depend on the number of threads. */
#include "base/vector.h"
#include "optim/optimizer.h"

#include <math.h>

LYNE_VECTOR static void limit_row(float *row, int64_t n, double max_norm) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) sum += (double)row[i] * (double)row[i];
    if (sum <= max_norm * max_norm) return;
    float scale = (float)(max_norm / sqrt(sum));
    for (int64_t i = 0; i < n; i++) row[i] *= scale;
}

void lyne_limit_norms(lyne_weights *w, double max_norm) {
    if (max_norm <= 0) return;
    for (int i = 0; i < w->n; i++) {
        const lyne_param *p = &w->param[i];
        if (p->role != LYNE_WEIGHT || p->shape.rank < 2) continue;
        int64_t rows = p->shape.dim[0], n = lyne_shape_size(&p->shape) / rows;
        float *value = w->value + w->offset[i];
#pragma omp parallel for schedule(static) if ((size_t)(rows * n) > 2 * LYNE_UPDATE_BLOCK)
        for (int64_t row = 0; row < rows; row++) limit_row(value + row * n, n, max_norm);
    }
}
