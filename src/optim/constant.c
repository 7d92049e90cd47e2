/* optim/constant.c -- the schedule that leaves the rate as it is: factor = 1. */
#include "optim/schedule.h"

static const lyne_field fields[] = {LYNE_SCHEDULE_FIELDS, LYNE_FIELDS_END};

static double factor(const void *config, double epoch, double epochs) {
    (void)config, (void)epoch, (void)epochs;
    return 1;
}

const lyne_schedule lyne_schedule_constant = {
    .component = {.kind = LYNE_SCHEDULE,
                  .name = "constant",
                  .help = "the same rate from start to end",
                  .example = "constant",
                  .config_size = sizeof(lyne_schedule_config),
                  .fields = fields},
    .factor = factor,
};
