/* base/log.c -- whole lines to stderr, whatever the threads do. */
#include "base/log.h"
#include "base/file.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { MOST = 8192 /* of what is said: two paths and words */ };

static atomic_bool quiet;

void lyne_log_quiet(void) {
    quiet = true;
}

/* ---- the log of a run; written while stderr is locked ---- */

static lyne_append file;
static bool is_open;
static lyne_error failure; /* the first */

void lyne_date(char out[LYNE_DATE_TEXT]) {
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, LYNE_DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* What is said may quote a file. */
static void print(char text[MOST], const char *fmt, va_list args) {
    vsnprintf(text, MOST, fmt, args);
    lyne_one_line(text);
}

static void add_line(const char *prefix, const char *text) {
    char date[LYNE_DATE_TEXT];
    lyne_text line = {0};
    if (!is_open || failure.status != LYNE_OK) return;
    lyne_date(date);
    lyne_text_add(&line, "%s %s%s\n", date, prefix, text);
    if (line.failed)
        lyne_fail_memory(&failure, "a line of the log");
    else
        lyne_append_write(&file, line.data, line.length, &failure);
    lyne_text_free(&line);
}

lyne_status lyne_log_open(const char *path, lyne_error *err) {
    lyne_log_close(NULL);
    const lyne_status status = lyne_append_open(&file, path, UINT64_MAX, err);
    is_open = status == LYNE_OK;
    return status;
}

lyne_status lyne_log_close(lyne_error *err) {
    const lyne_error was = failure;
    if (is_open) lyne_append_close(&file);
    is_open = false;
    failure = (lyne_error){0};
    return was.status == LYNE_OK ? LYNE_OK : lyne_fail(err, was.status, "%s", was.text);
}

void lyne_log_line(const char *fmt, ...) {
    char text[MOST];
    va_list args;
    va_start(args, fmt);
    print(text, fmt, args);
    flockfile(stderr);
    add_line("", text);
    funlockfile(stderr);
    va_end(args);
}

/* ---- stderr ---- */

static void say(const char *prefix, const char *fmt, va_list args) {
    char text[MOST];
    print(text, fmt, args);
    flockfile(stderr);
    fprintf(stderr, "%s%s\n", prefix, text);
    add_line(prefix, text);
    funlockfile(stderr);
}

void lyne_info(const char *fmt, ...) {
    if (quiet) return;
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
