/* losses/fused.h -- losses of a whole batch, as one fused op each: a function gives the term and, in the same pass, its
 * gradient with respect to source 0, which forward keeps and backward only scales.  (losses/rows.h has those that are a
 * mean over rows.)  Numbers between reading a float and writing one are in double. */
#ifndef LYNE_LOSSES_FUSED_H
#define LYNE_LOSSES_FUSED_H

#include "losses/loss.h"

typedef struct lyne_fused {
    const lyne_node *node;  /* its config, and its sources' shapes                       */
    const void *const *src; /* their numbers                                             */
    float *diff;            /* like source 0: d term / d source 0, to be overwritten; NULL: not asked for */
    double *scratch;        /* as much as was asked for                                  */
} lyne_fused;
/** Bits must not depend on the number of threads. */
typedef double lyne_fused_value(const lyne_fused *f);

/** The op's emit functions.  Only source 0 gets a gradient.  scratch: how many doubles. */
lyne_status lyne_fused_emit(lyne_program *p, const lyne_node *n, lyne_fused_value *value, int64_t scratch,
                            lyne_error *err);
lyne_status lyne_fused_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err);

/** Elements of one sample. */
static inline int64_t lyne_sample_size(const lyne_node *n) {
    return lyne_shape_size(&n->shape) / n->shape.dim[0];
}

/** Shape rule of a loss that compares two features: both f32 and of one batch; dst (1).  same: and of one shape. */
lyne_status lyne_features_shape(lyne_node *n, bool same, lyne_error *err);
/** Builder of such a loss: `op` over the features of student and teacher. */
lyne_node *lyne_features_build(lyne_graph *g, const lyne_op *op, const char *name, const void *config,
                               const lyne_loss_inputs *in);

#endif
