/* optim/step.c -- the rate drops at given epochs: times factor^(how many of `at` have been reached). */
#include "optim/schedule.h"

typedef struct step_config {
    lyne_schedule_config base;
    lyne_floats at;
    double factor;
} step_config;

static const lyne_field fields[] = {
    LYNE_SCHEDULE_FIELDS,
    LYNE_ENTRY_WITH(FLOATS, step_config, at, "when the rate drops, rising [epochs]", LYNE_REQUIRED, LYNE_RANGE(0, 1e6)),
    LYNE_FLOAT(step_config, factor, "what the rate is multiplied by at each drop", "0.1", 0, 1),
    LYNE_FIELDS_END,
};

static const char *check(const void *config) {
    const step_config *c = config;
    for (size_t i = 1; i < c->at.n; i++)
        if (c->at.item[i] <= c->at.item[i - 1]) return "at must rise from each epoch to the next, as in [60, 120, 160]";
    return NULL;
}

static double factor(const void *config, double epoch, double epochs) {
    (void)epochs;
    const step_config *c = config;
    double product = 1;
    for (size_t i = 0; i < c->at.n && c->at.item[i] <= epoch; i++) product *= c->factor;
    return product;
}

const lyne_schedule lyne_schedule_step = {
    .component = {.kind = LYNE_SCHEDULE,
                  .name = "step",
                  .help = "the rate drops at given epochs",
                  .example = "{step: {at: [60, 120, 160], factor: 0.2}}",
                  .config_size = sizeof(step_config),
                  .fields = fields,
                  .check = check},
    .factor = factor,
};
