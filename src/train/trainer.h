/* train/trainer.h -- the loop: batch, forward, backward, update; checkpoints and metrics on the way. */
#ifndef LYNE_TRAIN_TRAINER_H
#define LYNE_TRAIN_TRAINER_H

#include "train/checkpoint.h"
#include "train/network.h"
#include "train/progress.h"
#include "train/teacher.h"

typedef struct lyne_training {
    const char *name; /* of the stage, for messages: "student, seed 2" */
    lyne_instance model;
    const lyne_task *task;
    const lyne_loader *loader;
    const lyne_dataset *validation; /* scored at the end of each epoch; NULL: not */
    lyne_teachers *teachers;        /* NULL: nobody teaches */
    lyne_instances losses;
    /* For losses that read features: the model that is asked about each batch, and its model.safetensors. */
    lyne_instance teacher; /* row NULL: nobody can be asked */
    const char *teacher_weights;
    lyne_instance optimizer, schedule;
    double epochs;
    int64_t batch;
    bool lean;             /* less memory for more time, the same bits */
    uint64_t seed;         /* of initial weights and dropout */
    const char *directory; /* metrics.jsonl, checkpoints     */
    lyne_digest fingerprint;
    const char *environment;
    bool any_environment;
    double checkpoint_seconds; /* how much work may be lost to a kill [s] */
    FILE *kernels;             /* where a rehearsal says what each kernel of a step takes; NULL: nowhere */
    lyne_listener listener;
} lyne_training;

typedef struct lyne_trained {
    lyne_weights *weights; /* of the model alone; caller frees */
    /* Of the validation split, where there is one: the state of the epoch with the fewest errors, of several the first. */
    float *best; /* (weights->n_values) caller frees with lyne_free; NULL: none */
    double best_epoch;
    int64_t best_errors, last_errors; /* -1: none */
    uint64_t steps;
    double seconds, samples_per_second;
    double teacher_seconds;   /* of these, spent asking teachers */
    int64_t parameters, macs; /* of one sample's forward pass */
    size_t memory;            /* of the training program [bytes] */
} lyne_trained;

/** Train to the end, or go on from the newest checkpoint in the directory.  The result is the same bits either way.
 *  LYNE_STOPPED: a stop was requested and a checkpoint is on disk.  LYNE_ENOTFINITE names the step and the term. */
lyne_status lyne_train(const lyne_training *t, lyne_trained *out, lyne_error *err);

/* What training will need, of what its first steps took. */
typedef struct lyne_rehearsal {
    uint64_t steps;            /* in all                                            */
    uint64_t memory;           /* of programs, weights, gradients and optimizer [bytes] */
    uint64_t model_bytes;      /* of model.safetensors                              */
    uint64_t checkpoint_bytes; /* of one */
    double step_seconds;       /* mean; 0: not measured                             */
} lyne_rehearsal;

/** Make everything ready and train for at least `seconds`, leaving nothing on disk; 0: not at all, and nothing that grows
 *  with the model or the batch is allocated.  t->labels and
 *  t->directory are not looked at: soft labels are all zero. */
lyne_status lyne_train_rehearse(const lyne_training *t, double seconds, lyne_rehearsal *out, lyne_error *err);

/** Steps in all: enough batches to show every sample `epochs` times. */
uint64_t lyne_training_steps(double epochs, int64_t n_samples, int64_t batch);

#endif
