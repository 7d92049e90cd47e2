/* optim/schedule.h -- the row of a schedule: what the base learning rate is multiplied by. */
#ifndef LYNE_OPTIM_SCHEDULE_H
#define LYNE_OPTIM_SCHEDULE_H

#include "lyne/component.h"

/* The field that every schedule has; first in its config struct. */
typedef struct lyne_schedule_config {
    double warmup;
} lyne_schedule_config;
#define LYNE_SCHEDULE_FIELDS                                                                                           \
    {.name = "warmup",                                                                                                 \
     .type = LYNE_FIELD_FLOAT,                                                                                         \
     .help = "the rate rises linearly from 0 over the first so many [epochs]",                                         \
     .fallback = "0",                                                                                                  \
     .offset = offsetof(lyne_schedule_config, warmup),                                                                 \
     LYNE_RANGE(0, 1e6)}

typedef struct lyne_schedule {
    lyne_component component;
    /** Without the warm-up: epoch is real-valued (2.5 = half-way through the third), 0 <= epoch <= epochs. */
    double (*factor)(const void *config, double epoch, double epochs);
} lyne_schedule;

/** Warm-up included: during it epoch / warmup, after it the schedule's factor over what remains:
 *  factor(epoch - warmup, epochs - warmup). */
double lyne_schedule_at(const lyne_instance *schedule, double epoch, double epochs);

#endif
