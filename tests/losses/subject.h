/* Every loss row, and a loss on the bench: sources are the student's logits and the labels or the teacher's logits. */
#ifndef LYNE_TESTS_LOSSES_SUBJECT_H
#define LYNE_TESTS_LOSSES_SUBJECT_H

#include "losses/loss.h"
#include "reference/bench.h"

extern const lyne_loss lyne_loss_cross_entropy, lyne_loss_kd;
static const lyne_loss *const rows[] = {&lyne_loss_cross_entropy, &lyne_loss_kd};
enum { N_ROWS = sizeof rows / sizeof *rows };

typedef struct loss_context {
    const lyne_loss *loss;
    const void *config;
    bool rest_is_class; /* of the teacher's logits */
} loss_context;

lyne_node *build_loss(lyne_graph *g, const void *context, lyne_node *const *src);
bench_subject loss_subject(const loss_context *context, int64_t batch, int64_t classes);

/* Value and gradient (B, C) of a loss at given numbers; target: labels or the teacher's logits. */
double run_loss(const loss_context *context, int64_t batch, int64_t classes, const float *logits, const void *target,
                double *grad);

#endif
