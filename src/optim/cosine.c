/* optim/cosine.c -- the schedule that falls along half a cosine (Loshchilov, Hutter 2017, arXiv:1608.03983, section 3,
 * without restarts):  factor = final + (1 - final) (1 + cos(pi epoch / epochs)) / 2. */
#include "optim/schedule.h"

#include <math.h>

typedef struct cosine_config {
    lyne_schedule_config base;
    double final;
} cosine_config;

static const lyne_field fields[] = {
    LYNE_SCHEDULE_FIELDS,
    {.name = "final",
     .type = LYNE_FIELD_FLOAT,
     .help = "the factor at the end",
     .fallback = "0",
     .offset = offsetof(cosine_config, final),
     LYNE_RANGE(0, 1)},
    LYNE_FIELDS_END,
};

static double factor(const void *config, double epoch, double epochs) {
    double final = ((const cosine_config *)config)->final;
    if (epoch >= epochs) return final; /* also when the warm-up has left nothing to fall along */
    return final + (1 - final) * (1 + cos(3.14159265358979323846 * epoch / epochs)) / 2;
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
