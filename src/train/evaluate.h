/* train/evaluate.h -- a trained model over a whole split, in data-set order, unaugmented. */
#ifndef LYNE_TRAIN_EVALUATE_H
#define LYNE_TRAIN_EVALUATE_H

#include "train/network.h"
#include "train/progress.h"

typedef struct lyne_scores {
    int64_t n, errors; /* rows: samples, or tokens where each has a label */
    double accuracy; /* 1 - errors / n                                   */
    double loss;     /* mean cross-entropy, nats                         */
    double samples_per_second;
} lyne_scores;

/** net is an inference network of any batch size.  LYNE_ENOTFINITE names the first sample whose logits are not numbers;
 *  LYNE_STOPPED: a stop was requested. */
lyne_status lyne_evaluate(lyne_network *net, const lyne_dataset *dataset, lyne_scores *out, lyne_error *err);

/** LYNE_STOPPED if a stop was requested, with where scoring was and that the same command goes on. */
lyne_status lyne_scoring_stopped(int64_t done, int64_t samples, lyne_error *err);

/** The class with the largest logit; of equal ones the lowest. */
int64_t lyne_argmax(const float *logits, int64_t n);

#endif
