/* lyne/optim.h -- the rows of optimizers and schedules, and the numbers they change.  tests/plugins/lion.c is whole:
 *
 *     static void step(const void *config, const lyne_update *u) {
 *         lyne_weights *w = u->weights;
 *         for (size_t i = 0; i < w->n_trained; i++) w->value[i] -= (float)u->lr * w->grad[i];
 *         w->version++;
 *     } */
#ifndef LYNE_OPTIM_H
#define LYNE_OPTIM_H

#include "lyne/graph.h"
#include "lyne/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers of a model: every parameter in one flat array, so an optimizer is one loop.  Trained parameters come first,
 * then STATE (running statistics); each starts on a 64-byte line. */
typedef struct lyne_weights {
    lyne_arena arena;
    int n; /* parameters, in the graph's order                    */
    const lyne_param *param;
    const size_t *offset; /* of each, in floats                                  */
    size_t n_trained;     /* floats before the first STATE, padding included     */
    size_t n_values;      /* floats in all                                       */
    float *value;         /* n_values; padding is zero and stays so              */
    float *grad;          /* n_trained                                           */
    uint64_t version;     /* whoever changes value adds one: copies are then refreshed */
} lyne_weights;

#define LYNE_MAX_SLOTS 2

typedef struct lyne_update {
    lyne_weights *weights;       /* value is changed by grad; version goes up by one */
    float *slot[LYNE_MAX_SLOTS]; /* n_trained floats each, zero before step 1  */
    uint64_t step;               /* of this update, counts from 1              */
    double lr;                   /* for this update, schedule applied          */
} lyne_update;

/* An optimizer: one pass over the flat array.  It has no memory but its slots (momentum, moments), which the checkpoint
 * saves, and the step number. */
typedef struct lyne_optimizer {
    lyne_component component;
    int n_slots;
    const char *slot_name[LYNE_MAX_SLOTS]; /* in the checkpoint: "momentum", "mean", "square" */
    double (*lr)(const void *config);      /* the base rate that a schedule multiplies        */
    /** One update.  Bits depend on the thread count alone.  Does not allocate. */
    void (*step)(const void *config, const lyne_update *u);
} lyne_optimizer;

/* The field that every schedule has; first in its config struct. */
typedef struct lyne_schedule_config {
    double warmup;
} lyne_schedule_config;
#define LYNE_SCHEDULE_FIELDS                                                                                           \
    LYNE_FLOAT(lyne_schedule_config, warmup, "the rate rises linearly from 0 over the first so many [epochs]", "0", 0, \
               1e6)

/* A schedule: what the base learning rate is multiplied by. */
typedef struct lyne_schedule {
    lyne_component component;
    /** Behind the warm-up.  epoch is real-valued (2.5 = half-way through the third) and counts from the start of the
     *  training, warmup <= epoch <= epochs. */
    double (*factor)(const void *config, double epoch, double epochs);
} lyne_schedule;

#ifdef __cplusplus
}
#endif
#endif
