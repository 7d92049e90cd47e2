/* optim/adamw.c -- Adam with decoupled weight decay (Loshchilov, Hutter 2019, arXiv:1711.05101, algorithm 2), in the
 * order of PyTorch's torch.optim.AdamW; t is the step, from 1; g is clipped before:
 *   w = w (1 - lr weight_decay)
 *   m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g^2
 *   w = w - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon) */
#include "base/vector.h"
#include "optim/optimizer.h"

#include <math.h>

typedef struct adamw_config {
    double lr, beta1, beta2, epsilon, weight_decay, clip_norm, max_norm;
    bool decay_all;
} adamw_config;

static const lyne_field fields[] = {
    LYNE_FLOAT(adamw_config, lr, "learning rate that the schedule multiplies", "0.001", 0, 1e6),
    LYNE_FLOAT(adamw_config, beta1, "share of the mean gradient that is kept at each step", "0.9", 0, 0.999999),
    LYNE_FLOAT(adamw_config, beta2, "share of the mean squared gradient that is kept at each step", "0.999", 0,
               0.999999),
    LYNE_FLOAT(adamw_config, epsilon, "added to the root of the mean squared gradient", "1e-8", 1e-30, 1),
    LYNE_FLOAT(adamw_config, weight_decay, "share of each weight that is taken off, times the learning rate", "0.01", 0,
               1e3),
    LYNE_DECAY_ALL_FIELD(adamw_config),
    LYNE_CLIP_NORM_FIELD(adamw_config),
    LYNE_MAX_NORM_FIELD(adamw_config),
    LYNE_FIELDS_END,
};

static double base_lr(const void *config) {
    return ((const adamw_config *)config)->lr;
}

/* The numbers of one step that are the same for every weight of a parameter. */
typedef struct factors {
    float clip, shrink, rate, beta1, rest1, beta2, rest2, root2, epsilon;
} factors;

LYNE_VECTOR static void update(const factors *restrict factors_of_step, int64_t n, const float *restrict grad,
                               float *restrict mean, float *restrict square, float *restrict value) {
    const factors f = *factors_of_step;
    for (int64_t i = 0; i < n; i++) {
        float g = lyne_clipped(grad[i], f.clip);
        float m = f.beta1 * mean[i] + f.rest1 * g;
        float v = f.beta2 * square[i] + f.rest2 * (g * g);
        mean[i] = m;
        square[i] = v;
        value[i] = value[i] * f.shrink - f.rate * m / (sqrtf(v) * f.root2 + f.epsilon);
    }
}

static void step(const void *config, const lyne_update *u) {
    const adamw_config *c = config;
    lyne_weights *w = u->weights;
    double t = (double)u->step;
    factors f = {.clip = lyne_clip_factor(w, c->clip_norm),
                 .rate = (float)(u->lr / (1 - pow(c->beta1, t))),
                 .beta1 = (float)c->beta1,
                 .rest1 = (float)(1 - c->beta1),
                 .beta2 = (float)c->beta2,
                 .rest2 = (float)(1 - c->beta2),
                 .root2 = (float)(1 / sqrt(1 - pow(c->beta2, t))),
                 .epsilon = (float)c->epsilon};
    for (int i = 0; i < w->n; i++) {
        if (w->param[i].role == LYNE_STATE) continue;
        size_t begin = w->offset[i], end = begin + (size_t)lyne_shape_size(&w->param[i].shape);
        f.shrink = lyne_decays(w->param[i].role, c->decay_all) ? (float)(1 - u->lr * c->weight_decay) : 1.0f;
#pragma omp parallel for schedule(static) if (end - begin > 2 * LYNE_UPDATE_BLOCK)
        for (size_t k = begin; k < end; k += LYNE_UPDATE_BLOCK)
            update(&f, lyne_update_block(k, end), w->grad + k, u->slot[0] + k, u->slot[1] + k, w->value + k);
    }
    lyne_limit_norms(w, c->max_norm);
    w->version++;
}

const lyne_optimizer lyne_optimizer_adamw = {
    .component = {.kind = LYNE_OPTIMIZER,
                  .name = "adamw",
                  .help = "Adam with decoupled weight decay",
                  .source = "Loshchilov, Hutter 2019, arXiv:1711.05101, algorithm 2",
                  .example = "{adamw: {lr: 0.001, weight_decay: 0.01}}",
                  .config_size = sizeof(adamw_config),
                  .fields = fields},
    .n_slots = 2,
    .slot_name = {"mean", "square"},
    .lr = base_lr,
    .step = step,
};
