/* reference/forward.h -- every op once more, slowly: loops over logical indices in double. */
#ifndef LYNE_TESTS_REFERENCE_FORWARD_H
#define LYNE_TESTS_REFERENCE_FORWARD_H

#include "graph/op.h"

typedef struct reference_call {
    const lyne_node *node;
    const double *src[LYNE_MAX_SRC]; /* in logical order */
    const double *param[LYNE_MAX_PARAMS];
    bool training;
    lyne_clock clock;
    double *dst; /* in logical order */
} reference_call;

/** False if there is no reference for node->op. */
bool reference_forward(const reference_call *c);

#endif
