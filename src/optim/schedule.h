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
    /** Behind the warm-up.  epoch is real-valued (2.5 = half-way through the third) and counts from the start of the
     *  training, warmup <= epoch <= epochs. */
    double (*factor)(const void *config, double epoch, double epochs);
} lyne_schedule;

/** Warm-up included: during it epoch / warmup, behind it the schedule's factor. */
double lyne_schedule_at(const lyne_instance *schedule, double epoch, double epochs);

#endif
