/* bench/subject.h -- a network at work for lyne_bench and bench_labels: compiled, with made-up inputs, an optimizer, and
 * one step of it. */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include "optim/optimizer.h"
#include "train/network.h"

typedef struct subject_options {
    const char *model, *optimizer, *precision, *picture; /* as on the command line of lyne_bench */
    int64_t tokens, classes, batch;
    bool infer, lean;
    bool features; /* what goes into the last layer can be read */
} subject_options;

typedef struct subject {
    lyne_registry *registry;
    lyne_arena arena;
    lyne_instance loss[2], optimizer;
    lyne_task task;
    lyne_network net;
    float *slot[LYNE_MAX_SLOTS];
    uint64_t steps;
} subject;

/** Losses are kd (T = 4, weight 0.9) and cross_entropy.  Close it in any case. */
lyne_status subject_open(subject *s, const subject_options *o, lyne_error *err);
void subject_close(subject *s);
/** What the trainer does between reading its inputs and the next, or an inference.
 *  seconds: as lyne_program_run_timed, and that of the optimizer behind them; or NULL. */
lyne_status subject_step(subject *s, double *seconds, lyne_error *err);

#endif
