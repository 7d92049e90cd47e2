/* ops/broadcast.h -- sums and products of two values by numpy's rule: of one rank, and in each dimension of one size, or one
 * of them 1 and then repeated.  All values of a graph have the batch in front, so ranks are not extended; reshape does that.
 *   dst = a + b or a b
 *   diff_a = diff_dst, or b diff_dst, summed over where a was repeated, in double; diff_b likewise */
#ifndef LYNE_OPS_BROADCAST_H
#define LYNE_OPS_BROADCAST_H

#include "graph/op.h"

/** The shape rule of both. */
lyne_status lyne_broadcast_shape(lyne_node *n, lyne_error *err);
/** Whether a source is repeated in n's value. */
bool lyne_broadcasts(const lyne_node *n);

lyne_status lyne_broadcast_emit(lyne_program *p, const lyne_node *n, bool add, lyne_error *err);
lyne_status lyne_broadcast_emit_backward(lyne_program *p, const lyne_node *n, bool add, lyne_error *err);

#endif
