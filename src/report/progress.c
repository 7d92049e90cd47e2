/* report/progress.c -- drawing a lyne_progress. */
#include "report/progress.h"
#include "base/log.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Between plain lines, when stderr is no terminal [s]. */
#define SPEAK_SECONDS 10.0
/* Between drawings of the bar [s]. */
#define DRAW_SECONDS 0.1
#define BAR_WIDTH    20
#define NARROW       100 /* columns, below which the bar is half as wide */

void lyne_display_init(lyne_display *d, bool quiet) {
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    *d = (lyne_display){.quiet = quiet};
    d->bar = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
    d->colour = d->bar && !(no_colour && *no_colour);
}

void lyne_display_close(lyne_display *d) {
    if (d->open) fputc('\n', stderr);
    d->open = false;
}

void lyne_display_starting(void *self, const char *label, const char *done) {
    lyne_display *d = self;
    d->spoken = d->logged = lyne_now();
    lyne_log_line("%s: %s", label, done ? done : "starts");
    if (d->quiet || !done) return;
    lyne_display_close(d);
    fprintf(stderr, "%s: %s\n", label, done);
}

/* "epoch 3.4 of 10, 12 s left, accuracy 97.1%, 45.2k samples/s, kd 0.811, cross_entropy 0.122": a narrow terminal shows
 * the first parts. */
static void describe(lyne_text *t, const lyne_progress *p) {
    char speed[16], left[32];
    lyne_human(p->samples_per_second, speed);
    lyne_human_time(p->seconds_left, left);
    if (p->epochs > 0)
        lyne_text_add(t, "epoch %.*f of %g, ", p->epochs < 1 ? 3 : 1, fmin(p->epoch, p->epochs), p->epochs);
    if (!p->ends) lyne_text_add(t, "%s left, ", left);
    if (p->accuracy >= 0) lyne_text_add(t, "accuracy %.1f%%, ", 100 * p->accuracy);
    lyne_text_add(t, "%s samples/s", speed);
    for (int i = 0; i < p->n_terms; i++) lyne_text_add(t, ", %s %.4g", p->term_name[i], p->term[i]);
}

/* How much of text, parts between commas, fits into so many columns: whole parts. */
static int whole_parts(const char *text, int columns) {
    int n = 0;
    for (int i = 0; i <= columns; i++) {
        if (text[i] == '\0') return i;
        if (text[i] == ',') n = i;
    }
    return n;
}

static void draw_bar(lyne_display *d, const lyne_progress *p, const char *text) {
    char bar[BAR_WIDTH + 1];
    struct winsize size = {0};
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
    const int columns = known ? size.ws_col : 80, width = columns < NARROW ? BAR_WIDTH / 2 : BAR_WIDTH;
    const int filled = p->total ? (int)(p->done * (uint64_t)width / p->total) : 0;
    for (int i = 0; i < width; i++) bar[i] = i < filled ? '#' : '.';
    bar[width] = '\0';
    const int room = columns - 1 - (int)strlen(p->stage) - width - 4;
    fprintf(stderr, "\r%s%s%s [%s] %.*s\033[K", d->colour ? "\033[1m" : "", p->stage, d->colour ? "\033[0m" : "", bar,
            whole_parts(text, room), text);
    d->open = true;
    if (p->ends) lyne_display_close(d);
    fflush(stderr);
}

void lyne_display_tell(void *self, const lyne_progress *p) {
    lyne_display *d = self;
    const double now = lyne_now();
    const bool speak = !d->quiet && (p->ends || now - d->spoken >= (d->bar ? DRAW_SECONDS : SPEAK_SECONDS));
    const bool log = p->ends || now - d->logged >= SPEAK_SECONDS;
    if (!speak && !log) return;
    lyne_text text = {0};
    describe(&text, p);
    if (text.failed) {
        lyne_text_free(&text);
        return;
    }
    if (speak) d->spoken = now;
    if (log) d->logged = now;
    if (log) lyne_log_line("%s: %s, %s", p->stage, p->doing, text.data);
    if (speak && d->bar)
        draw_bar(d, p, text.data);
    else if (speak)
        fprintf(stderr, "%s: %s, %s\n", p->stage, p->doing, text.data);
    lyne_text_free(&text);
}
