/* losses/rows.h -- losses that are a mean over the rows of the logits, as one fused op each.
 *
 *   term = 1/B sum_b value(row b)         1/B is here and nowhere else
 *
 * A loss gives the function of one row; where the memory is, which thread does which row, the sum in a fixed order and
 * the backward pass are seen to here.  Softmax is at hand while the value is computed, so the forward pass of a
 * training program also keeps d value / d logits.
 *
 * Terms of the objective that read the same logits are one step: a row goes through all of their functions while it is
 * in the cache, and what is kept is the sum of the gradients, each times its weight / B.  Backward has nothing left to do.
 *
 * Everything between reading a float and writing one is in double: at a high temperature the two distributions of kd
 * are nearly the same, and their difference would lose the digits that matter.  lyne_exp (base/exponential.h) takes
 * 0.6 ns an element on one core with AVX-512 (gcc 12), so the loss of 128 rows of 1000 classes takes 0.2 ms.  A division
 * takes as long, so rows of 256 classes or more are multiplied by a reciprocal (lyne_row_reciprocal). */
#ifndef LYNE_LOSSES_ROWS_H
#define LYNE_LOSSES_ROWS_H

#include "base/exponential.h"
#include "base/vector.h"
#include "losses/loss.h"

typedef struct lyne_row {
    const void *config;  /* the loss's                                        */
    int64_t classes;     /* C                                                 */
    const float *logits; /* (C)                                               */
    const void *target;  /* of this row: an int32_t label, or (C) f32 logits  */
    const int32_t *mix;  /* of this row: lyne_loss_inputs.mix, the op's third source; NULL: it has none */
    double *scratch;     /* (2, C), the function's to use                     */
    float *diff;         /* (C), d value / d logits, to be overwritten; NULL: not asked for */
} lyne_row;
typedef double lyne_row_value(const lyne_row *row);

/* The op of such a loss; its lyne_op has .emit = lyne_rows_emit, .emit_backward = lyne_rows_emit_backward.  Source 1 is the
 * target, the same bytes for each row, and gets no gradient. */
typedef struct lyne_rows_op {
    lyne_op op;
    lyne_row_value *value;
} lyne_rows_op;

/** The shape rule: source 0 (B, C) f32 logits, dst (1). */
lyne_status lyne_rows_shape(lyne_node *n, lyne_error *err);
lyne_status lyne_rows_emit(lyne_program *p, const lyne_node *n, lyne_error *err);
lyne_status lyne_rows_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err);

#endif
