/* base/log.c -- whole lines to stderr, whatever the threads do. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic lyne_log_level current = LYNE_LOG_INFO;

void lyne_log_set(lyne_log_level level) {
    current = level;
}

static void say(const char *prefix, const char *fmt, va_list args) {
    flockfile(stderr);
    fputs(prefix, stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    funlockfile(stderr);
}

void lyne_info(const char *fmt, ...) {
    if (current < LYNE_LOG_INFO) return;
    va_list args;
    va_start(args, fmt);
    say("", fmt, args);
    va_end(args);
}

void lyne_debug(const char *fmt, ...) {
    if (current < LYNE_LOG_DEBUG) return;
    va_list args;
    va_start(args, fmt);
    say("", fmt, args);
    va_end(args);
}

void lyne_warn(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    say("lyne: warning: ", fmt, args);
    va_end(args);
}

double lyne_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
