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

/* The op of such a loss.  Only source 0 gets a gradient. */
typedef struct lyne_fused_op {
    lyne_op op;
    double (*value)(const lyne_fused *f);   /* bits must not depend on the number of threads */
    int64_t (*scratch)(const lyne_node *n); /* how many doubles                              */
} lyne_fused_op;
lyne_status lyne_fused_emit(lyne_program *p, const lyne_node *n, lyne_error *err);
lyne_status lyne_fused_emit_backward(lyne_program *p, const lyne_node *n, lyne_error *err);
#define LYNE_FUSED_OP(NAME, SOURCES, SHAPE, CONFIG, FIELDS)                                                            \
    {.component = {.kind = LYNE_OP, .name = (NAME), .config_size = sizeof(CONFIG), .fields = (FIELDS)},                \
     .n_src = (SOURCES),                                                                                               \
     .shape = (SHAPE),                                                                                                 \
     .emit = lyne_fused_emit,                                                                                          \
     .emit_backward = lyne_fused_emit_backward}

/** Elements of one sample. */
static inline int64_t lyne_sample_size(const lyne_node *n) {
    return lyne_shape_size(&n->shape) / n->shape.dim[0];
}

/** Shape rules: sources 0 and 1 both f32 and of one batch, or of one shape; dst (1). */
lyne_status lyne_one_batch(lyne_node *n, lyne_error *err);
lyne_status lyne_one_shape(lyne_node *n, lyne_error *err);

/* ---- losses that compare features ---- */

extern const lyne_field lyne_feature_loss_fields[];
#define LYNE_FEATURE_OP(NAME, SHAPE) LYNE_FUSED_OP(NAME, 2, SHAPE, lyne_feature_loss_config, lyne_feature_loss_fields)

#endif
