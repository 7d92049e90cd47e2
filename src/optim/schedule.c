/* optim/schedule.c -- warm-up, which every schedule has. */
#include "optim/schedule.h"

double lyne_schedule_at(const lyne_instance *schedule, double epoch, double epochs) {
    const lyne_schedule *row = (const lyne_schedule *)schedule->row;
    double warmup = ((const lyne_schedule_config *)schedule->config)->warmup;
    return epoch < warmup ? epoch / warmup : row->factor(schedule->config, epoch, epochs);
}
