/* optim/sgd.c -- stochastic gradient descent with momentum, as PyTorch's torch.optim.SGD without dampening:
 *   d = g + weight_decay w;   m = momentum m + d;   d = nesterov ? d + momentum m : m;   w = w - lr d
 * g is clipped before.  m starts at 0, so the first step's m is d. */
#include "base/vector.h"
#include "optim/optimizer.h"

typedef struct sgd_config {
    double lr, momentum, weight_decay, clip_norm, max_norm;
    bool nesterov, decay_all;
} sgd_config;

static const lyne_field fields[] = {
    LYNE_FLOAT(sgd_config, lr, "learning rate that the schedule multiplies", "0.05", 0, 1e6),
    LYNE_FLOAT(sgd_config, momentum, "share of the last update's direction that is kept", "0.9", 0, 1),
    LYNE_BOOL(sgd_config, nesterov, "look ahead by one momentum step (Sutskever et al. 2013)", "false"),
    LYNE_FLOAT(sgd_config, weight_decay, "this times the weight is added to its gradient", "0", 0, 1e3),
    LYNE_DECAY_ALL_FIELD(sgd_config),
    LYNE_CLIP_NORM_FIELD(sgd_config),
    LYNE_MAX_NORM_FIELD(sgd_config),
    LYNE_FIELDS_END,
};

static const char *check(const void *config) {
    const sgd_config *c = config;
    return c->nesterov && c->momentum == 0 ? "nesterov looks ahead along the momentum, which is 0; set momentum, or "
                                             "nesterov: false"
                                           : NULL;
}

static double base_lr(const void *config) {
    return ((const sgd_config *)config)->lr;
}

LYNE_VECTOR static void update(float clip, float keep, bool nesterov, float lr, float decay, int64_t n,
                               const float *restrict grad, float *restrict momentum, float *restrict value) {
    for (int64_t i = 0; i < n; i++) {
        float d = lyne_clipped(grad[i], clip) + decay * value[i];
        float m = keep * momentum[i] + d;
        momentum[i] = m;
        value[i] -= lr * (nesterov ? d + keep * m : m);
    }
}

static void step(const void *config, const lyne_update *u) {
    const sgd_config *c = config;
    lyne_weights *w = u->weights;
    const float clip = lyne_clip_factor(w, c->clip_norm);
    for (int i = 0; i < w->n; i++) {
        if (w->param[i].role == LYNE_STATE) continue;
        size_t begin = w->offset[i], end = begin + (size_t)lyne_shape_size(&w->param[i].shape);
        float decay = lyne_decays(w->param[i].role, c->decay_all) ? (float)c->weight_decay : 0.0f;
#pragma omp parallel for schedule(static) if (end - begin > 2 * LYNE_UPDATE_BLOCK)
        for (size_t k = begin; k < end; k += LYNE_UPDATE_BLOCK)
            update(clip, (float)c->momentum, c->nesterov, (float)u->lr, decay, lyne_update_block(k, end), w->grad + k,
                   u->slot[0] + k, w->value + k);
    }
    lyne_limit_norms(w, c->max_norm);
    w->version++;
}

const lyne_optimizer lyne_optimizer_sgd = {
    .component = {.kind = LYNE_OPTIMIZER,
                  .name = "sgd",
                  .help = "stochastic gradient descent with momentum",
                  .source = "Sutskever, Martens, Dahl, Hinton 2013, On the importance of initialization and momentum",
                  .example = "{sgd: {lr: 0.1, momentum: 0.9}}",
                  .config_size = sizeof(sgd_config),
                  .fields = fields,
                  .check = check},
    .n_slots = 1,
    .slot_name = {"momentum"},
    .lr = base_lr,
    .step = step,
};
