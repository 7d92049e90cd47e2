/* base/log.h -- talk goes to stderr, data to stdout. */
#ifndef LYNE_BASE_LOG_H
#define LYNE_BASE_LOG_H

typedef enum lyne_log_level { LYNE_LOG_QUIET, LYNE_LOG_INFO, LYNE_LOG_DEBUG } lyne_log_level;

void lyne_log_set(lyne_log_level level); /* default LYNE_LOG_INFO */
/** One line to stderr, the newline added. */
void lyne_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void lyne_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Printed at every level: "lyne: warning: ...". */
void lyne_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Seconds of a monotonic clock. */
double lyne_now(void);

#endif
