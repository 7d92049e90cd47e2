/* train/progress.h -- what a long job tells while it runs, and how it is asked to stop. */
#ifndef LYNE_TRAIN_PROGRESS_H
#define LYNE_TRAIN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#define LYNE_MAX_TERMS 8

typedef struct lyne_progress {
    const char *stage;    /* "student, seed 2"                              */
    const char *doing;    /* "training", "labelling", "evaluating"          */
    uint64_t done, total; /* samples                                     */
    double epoch, epochs; /* real-valued; epochs 0: not a matter of epochs */
    int n_terms;
    const char *term_name[LYNE_MAX_TERMS];
    double term[LYNE_MAX_TERMS]; /* mean over the epoch so far, unweighted */
    double accuracy;             /* on the samples trained on, this epoch so far; below 0: unknown */
    double samples_per_second;
    double seconds_left;
    bool epoch_ends, ends; /* the last report of an epoch, of the job */
} lyne_progress;

/* Who listens.  tell may be NULL; what its argument points to lives as long as the call. */
typedef struct lyne_listener {
    void (*tell)(void *self, const lyne_progress *p);
    void *self;
} lyne_listener;

/** Ask every job of this process to commit a checkpoint at its next step and return LYNE_STOPPED.  Safe in a signal
 *  handler. */
void lyne_request_stop(void);
bool lyne_stop_requested(void);
/** Take the request back: for a process that goes on after its job has stopped. */
void lyne_clear_stop(void);

#endif
