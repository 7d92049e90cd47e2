/* base/log.h -- talk goes to stderr, data to stdout; and of a run, to its log as well. */
#ifndef LYNE_BASE_LOG_H
#define LYNE_BASE_LOG_H

#include "lyne/status.h"

/** Only warnings from now on. */
void lyne_log_quiet(void);
/** One line to stderr, the newline added. */
void lyne_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Printed even when quiet: "lyne: warning: ...". */
void lyne_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Open a file that all lines are added to from now on, each behind its date and time (UTC).  One at a time: another is closed. */
lyne_status lyne_log_open(const char *path, lyne_error *err);
/** Close it.  A line that could not be written is the failure, when nothing was open there is none. */
lyne_status lyne_log_close(lyne_error *err);
/** One line to the file alone. */
void lyne_log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define LYNE_DATE_TEXT 21
/** Now, as 2026-01-31T23:59:59Z. */
void lyne_date(char out[LYNE_DATE_TEXT]);

/** Seconds of a monotonic clock. */
double lyne_now(void);

#endif
