/* report/progress.h -- a long job on stderr: a bar that is drawn over itself in a terminal, else a plain line now and
 * then.  Nothing when quiet; no colour under NO_COLOR; no bar under TERM=dumb. */
#ifndef LYNE_REPORT_PROGRESS_H
#define LYNE_REPORT_PROGRESS_H

#include "train/progress.h"

typedef struct lyne_display {
    bool quiet, bar, colour;
    bool open;     /* a bar stands on the line     */
    double spoken; /* clock at the last drawing    */
    double logged; /* at the last line for the log */
} lyne_display;

/** Looks at stderr and the environment. */
void lyne_display_init(lyne_display *d, bool quiet);
/** For lyne_listener: self is the lyne_display. */
void lyne_display_tell(void *self, const lyne_progress *p);
/** For lyne_run_options.starting. */
void lyne_display_starting(void *self, const char *label, const char *done);
/** End an open bar, before something else is printed. */
void lyne_display_close(lyne_display *d);

#endif
