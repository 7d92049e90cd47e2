/* losses/loss.h -- the row of a loss is public: lyne/loss.h.  Its ops are written with graph/op.h. */
#ifndef LYNE_LOSSES_LOSS_H
#define LYNE_LOSSES_LOSS_H

#include "graph/op.h"
#include "lyne/loss.h"

/* The fields of those that compare softmax(logits / T) of student and teacher; first in their config structs. */
typedef struct lyne_softened_config {
    lyne_loss_config loss;
    double temperature;
} lyne_softened_config;
#define LYNE_SOFTENED_FIELDS                                                                                           \
    LYNE_LOSS_FIELDS, LYNE_FLOAT(lyne_softened_config, temperature,                                                    \
                                 "what both logits are divided by before the softmax", "4", 0.01, 1000)
static inline double lyne_temperature(const void *config) {
    return ((const lyne_softened_config *)config)->temperature;
}

#endif
