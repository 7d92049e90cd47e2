/* An optimizer and a schedule as one plug-in.
 * lion (Chen et al. 2023, arXiv:2302.06675, algorithm 2):
 *   c = b1 m + (1 - b1) g;   w = w - lr (sign(c) + decay w);   m = b2 m + (1 - b2) g
 * linear: the rate falls linearly to 0. */
#include <lyne/plugin.h>

typedef struct config {
    double lr, b1, b2, decay;
} config;

static const lyne_field fields[] = {LYNE_FLOAT(config, lr, "learning rate", "0.0003", 0, 10),
                                    LYNE_FLOAT(config, b1, "momentum in the update", "0.9", 0, 1),
                                    LYNE_FLOAT(config, b2, "momentum that is kept", "0.99", 0, 1),
                                    LYNE_FLOAT(config, decay, "decoupled weight decay", "0", 0, 10), LYNE_FIELDS_END};

static double base(const void *c) {
    return ((const config *)c)->lr;
}

static void step(const void *settings, const lyne_update *u) {
    const config *c = settings;
    lyne_weights *w = u->weights;
    float *m = u->slot[0];
    for (size_t i = 0; i < w->n_trained; i++) {
        const float d = (float)c->b1 * m[i] + (float)(1 - c->b1) * w->grad[i];
        w->value[i] -= (float)u->lr * ((float)((d > 0) - (d < 0)) + (float)c->decay * w->value[i]);
        m[i] = (float)c->b2 * m[i] + (float)(1 - c->b2) * w->grad[i];
    }
    w->version++;
}

static const lyne_optimizer lion = {.component = {.kind = LYNE_OPTIMIZER,
                                                  .name = "lion",
                                                  .help = "the sign of a momentum",
                                                  .source = "Chen et al. 2023, arXiv:2302.06675, algorithm 2",
                                                  .example = "{lion: {lr: 0.001}}",
                                                  .config_size = sizeof(config),
                                                  .fields = fields},
                                    .n_slots = 1,
                                    .slot_name = {"momentum"},
                                    .lr = base,
                                    .step = step};

static const lyne_field linear_fields[] = {LYNE_SCHEDULE_FIELDS, LYNE_FIELDS_END};

static double factor(const void *c, double epoch, double epochs) {
    const double warmup = ((const lyne_schedule_config *)c)->warmup;
    return epochs > warmup ? (epochs - epoch) / (epochs - warmup) : 1;
}

static const lyne_schedule linear = {.component = {.kind = LYNE_SCHEDULE,
                                                   .name = "linear",
                                                   .help = "the rate falls linearly to 0",
                                                   .example = "{linear: {warmup: 1}}",
                                                   .config_size = sizeof(lyne_schedule_config),
                                                   .fields = linear_fields},
                                     .factor = factor};

LYNE_PLUGIN("1.0", &lion.component, &linear.component);
