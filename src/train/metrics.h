/* train/metrics.h -- metrics.jsonl: one line for each epoch of a training run.
 *
 *     {"epoch": 3, "step": 1407, "lr": 0.0497, "loss": {"kd": 0.81, "cross_entropy": 0.12}, "train_accuracy": 0.9713,
 *      "seconds": 7.1}
 *
 * All of it but `seconds` is the same after a kill and a resume. */
#ifndef LYNE_TRAIN_METRICS_H
#define LYNE_TRAIN_METRICS_H

#include "formats/jsonl.h"
#include "train/progress.h"

typedef struct lyne_epoch {
    double epoch; /* real-valued, at its end */
    uint64_t step;
    double learning_rate;
    int n_terms;
    const char *term_name[LYNE_MAX_TERMS];
    double term[LYNE_MAX_TERMS]; /* means over the epoch, unweighted */
    double accuracy;             /* on the samples trained on        */
    int64_t validation_errors;   /* -1: there is no validation split */
    double seconds;              /* since the start of the training  */
} lyne_epoch;

typedef struct lyne_metrics {
    lyne_jsonl file;
} lyne_metrics;

/** Open DIRECTORY/metrics.jsonl, cut to its first `keep` bytes. */
lyne_status lyne_metrics_open(lyne_metrics *m, const char *directory, uint64_t keep, lyne_error *err);
lyne_status lyne_metrics_write(lyne_metrics *m, const lyne_epoch *e, lyne_error *err);
/** On disk for good; *bytes: how long the file is then. */
lyne_status lyne_metrics_sync(lyne_metrics *m, uint64_t *bytes, lyne_error *err);
void lyne_metrics_close(lyne_metrics *m);

#endif
