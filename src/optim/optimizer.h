/* optim/optimizer.h -- the row of an optimizer: one pass over the flat array of numbers.
 *
 * An optimizer has no memory but its slots (momentum, moments), which the checkpoint saves, and the step number. */
#ifndef LYNE_OPTIM_OPTIMIZER_H
#define LYNE_OPTIM_OPTIMIZER_H

#include "graph/weights.h"

#define LYNE_MAX_SLOTS 2

typedef struct lyne_update {
    lyne_weights *weights; /* value is changed by grad; version goes up by one */
    float *slot[LYNE_MAX_SLOTS]; /* n_trained floats each, zero before step 1  */
    uint64_t step;               /* of this update, counts from 1              */
    double lr;                   /* for this update, schedule applied          */
} lyne_update;

typedef struct lyne_optimizer {
    lyne_component component;
    int n_slots;
    const char *slot_name[LYNE_MAX_SLOTS]; /* in the checkpoint: "momentum", "mean", "square" */
    double (*lr)(const void *config);      /* the base rate that a schedule multiplies        */
    /** One update.  Bits depend on the thread count alone.  Does not allocate. */
    void (*step)(const void *config, const lyne_update *u);
} lyne_optimizer;

/** Scale each row of every WEIGHT of rank >= 2 whose Euclidean norm exceeds max_norm down to it (a row is all that comes
 *  into one unit; Srivastava et al. 2014, section 5.1).  max_norm 0: nothing. */
void lyne_limit_norms(lyne_weights *w, double max_norm);

#endif
