/* train/progress.c -- the one flag that a signal handler may set. */
#include "train/progress.h"
#include <signal.h>

static volatile sig_atomic_t stop;

void lyne_request_stop(void) {
    stop = 1;
}
bool lyne_stop_requested(void) {
    return stop != 0;
}
void lyne_clear_stop(void) {
    stop = 0;
}
