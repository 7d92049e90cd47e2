/* optim/cosine.c -- the schedule that falls along half a cosine (Loshchilov, Hutter 2017, arXiv:1608.03983, section 3,
 * without restarts):  factor = final + (1 - final) (1 + cos(pi x)) / 2,  x = (epoch - warmup) / (epochs - warmup). */
#include "optim/schedule.h"

#include <math.h>

typedef struct cosine_config {
    lyne_schedule_config base;
    double final;
} cosine_config;

static const lyne_field fields[] = {
    LYNE_SCHEDULE_FIELDS,
    LYNE_FLOAT(cosine_config, final, "the factor at the end", "0", 0, 1),
    LYNE_FIELDS_END,
};

static double factor(const void *config, double epoch, double epochs) {
    const cosine_config *c = config;
    if (epoch >= epochs) return c->final; /* also when the warm-up has left nothing to fall along */
    const double x = (epoch - c->base.warmup) / (epochs - c->base.warmup);
    return c->final + (1 - c->final) * (1 + cos(3.14159265358979323846 * x)) / 2;
}

const lyne_schedule lyne_schedule_cosine = {
    .component = {.kind = LYNE_SCHEDULE,
                  .name = "cosine",
                  .help = "the rate falls along half a cosine",
                  .source = "Loshchilov, Hutter 2017, arXiv:1608.03983, section 3",
                  .example = "{cosine: {warmup: 2}}",
                  .config_size = sizeof(cosine_config),
                  .fields = fields},
    .factor = factor,
};
