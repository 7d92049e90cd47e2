/* optim/schedule.h -- the learning rate at a place of the training; the row of a schedule is in lyne/optim.h. */
#ifndef LYNE_OPTIM_SCHEDULE_H
#define LYNE_OPTIM_SCHEDULE_H

#include "lyne/optim.h"

/** Warm-up included: during it epoch / warmup, behind it the schedule's factor. */
double lyne_schedule_at(const lyne_instance *schedule, double epoch, double epochs);

#endif
