/* ops/fold.h -- inference: what stands behind a convolution or a linear layer is done in it.
 *
 *   weight'[o] = weight[o] weight_n[o] / sqrt(running_var[o] + epsilon)          batch_norm, folded into the weights
 *   bias'[o]   = (bias[o] - running_mean[o]) weight_n[o] / sqrt(...) + bias_n[o]    whenever they have changed
 *   dst        = min(max(0, conv(src; weight', bias') + other), 6)              add, relu or relu6, by the primitive
 *
 * Each step where it is there and its source has no other reader; the add writes over its other source, so this must be
 * there already and read by nobody later. */
#ifndef LYNE_OPS_FOLD_H
#define LYNE_OPS_FOLD_H

#include "graph/op.h"

/** In n's emit: take over what can be. */
void lyne_fold_readers(lyne_program *p, const lyne_node *n);
/** What its primitive then does behind itself; in training nothing. */
dnn_after lyne_folded(const lyne_program *p, const lyne_node *n);
bool lyne_folds_norm(const lyne_program *p, const lyne_node *n);
/** Emit what makes weight' and bias' when weights have changed: weight' plain and there no longer than that, for
 *  lyne_refreshed or a step of the refresh to read, bias' for the passes.  Where this fails, err says why. */
lyne_status lyne_emit_fold(lyne_program *p, const lyne_node *n, lyne_buffer *weights, lyne_buffer *bias,
                           lyne_error *err);

#endif
