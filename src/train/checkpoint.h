/* train/checkpoint.h -- where a training run stands, on disk: all that it cannot recompute.
 *
 * One safetensors file, checkpoint-NNNNNNNNN.safetensors, committed whole: the weights, the optimizer's slots, the step
 * number, the sums of the epoch under way, and the weights of the best epoch where a validation split tells which.  The
 * order of samples, augmentation and dropout are functions of the step, so nothing is kept of them.  The two newest are
 * kept; a damaged one is passed over with a warning. */
#ifndef LYNE_TRAIN_CHECKPOINT_H
#define LYNE_TRAIN_CHECKPOINT_H

#include "optim/optimizer.h"
#include "train/progress.h"

/* The numbers of a run besides its weights. */
typedef struct lyne_standing {
    uint64_t step;                     /* steps done                                      */
    uint64_t metrics_bytes;            /* of metrics.jsonl written for them               */
    uint64_t seen, correct;            /* samples of the epoch so far                     */
    double sum[LYNE_MAX_TERMS];        /* of each term over them                      */
    double seconds;                    /* spent in training, over all processes           */
    double teacher_seconds;            /* of these, asking teachers                       */
    uint64_t best_step;                /* of the best epoch on the validation split so far; 0: none */
    uint64_t best_errors, last_errors; /* on it, then and at the last epoch                  */
} lyne_standing;

typedef struct lyne_checkpoint {
    const char *directory;
    lyne_digest fingerprint; /* of the stage: another one's checkpoints are not ours */
    const char *environment; /* what bits depend on: library, instruction set, threads */
    lyne_weights *weights;
    float *best; /* as many values as weights has, of the best epoch; NULL: nobody asks */
    float *slot[LYNE_MAX_SLOTS];
    const char *slot_name[LYNE_MAX_SLOTS];
    int n_slots;
} lyne_checkpoint;

/** Commit, then remove all but this one and the one before it: others are older, another stage's or damaged. */
lyne_status lyne_checkpoint_save(const lyne_checkpoint *c, const lyne_standing *at, lyne_error *err);
/** Load the newest whole one into weights, slots and *at; at->step stays 0 when there is none.  A checkpoint of this
 *  stage made in another environment is LYNE_EENVIRONMENT, saying what differs, unless any_environment; one of a newer
 *  format is so whatever is asked. */
lyne_status lyne_checkpoint_load(const lyne_checkpoint *c, bool any_environment, lyne_standing *at, lyne_error *err);
/** Remove all of them. */
lyne_status lyne_checkpoint_clear(const char *directory, lyne_error *err);

#endif
