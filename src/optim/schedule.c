/* optim/schedule.c -- warm-up, which every schedule has, and the end, beyond which none is asked: the middle of a last batch
 * that is only partly needed lies behind it. */
#include "optim/schedule.h"

#include <math.h>

double lyne_schedule_at(const lyne_instance *schedule, double epoch, double epochs) {
    const lyne_schedule *row = (const lyne_schedule *)schedule->row;
    double warmup = ((const lyne_schedule_config *)schedule->config)->warmup;
    const double at = fmin(epoch, epochs);
    return at < warmup ? at / warmup : row->factor(schedule->config, at, epochs);
}
