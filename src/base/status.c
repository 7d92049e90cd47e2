/* base/status.c -- include/lyne/status.h: failures recorded on the caller's stack, the first one wins. */
#include "lyne/status.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A text that did not fit ends in the middle of nothing: cut before a UTF-8 character that lost its tail. */
static void trim_utf8(char *text, size_t length) {
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) start--;
    if (start == 0) return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t due = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (due > length - start + 1) text[start - 1] = '\0';
}

static void set_text(lyne_error *err, const char *fmt, va_list args) {
    int length = vsnprintf(err->text, sizeof err->text, fmt, args);
    if (length >= (int)sizeof err->text) trim_utf8(err->text, sizeof err->text - 1);
    lyne_one_line(err->text); /* it may quote a file */
}

lyne_status lyne_fail(lyne_error *err, lyne_status status, const char *fmt, ...) {
    assert(status != LYNE_OK);
    if (!err) return status;
    if (err->status != LYNE_OK) return err->status;
    err->status = status;
    va_list args;
    va_start(args, fmt);
    set_text(err, fmt, args);
    va_end(args);
    return status;
}

lyne_status lyne_fail_errno(lyne_error *err, const char *path, const char *doing) {
    int cause = errno;
    char buffer[128];
    bool full = cause == ENOSPC || cause == EDQUOT || cause == ENOMEM;
    if (err && err->status == LYNE_OK) err->cause = cause;
    return lyne_fail(err, full ? LYNE_ENOSPACE : LYNE_EDATA, "%s: cannot %s: %s", path, doing,
                     strerror_r(cause, buffer, sizeof buffer));
}

bool lyne_may_be_good(const lyne_error *why) {
    const int of_the_file[] = {0, ENOENT, ENOTDIR, EISDIR, ELOOP, ENXIO /* a socket */};
    for (size_t i = 0; i < sizeof of_the_file / sizeof *of_the_file; i++)
        if (why->cause == of_the_file[i]) return why->status == LYNE_ENOSPACE;
    return true;
}

lyne_status lyne_fail_memory(lyne_error *err, const char *what) {
    (void)lyne_malloc_failed(); /* is told now */
    return lyne_fail(err, LYNE_ENOSPACE, "out of memory for %s", what);
}

lyne_status lyne_error_context(lyne_error *err, const char *fmt, ...) {
    if (!err) return LYNE_EOTHER;
    if (err->status == LYNE_OK) return LYNE_OK;
    lyne_error longer = {.status = err->status};
    va_list args;
    va_start(args, fmt);
    set_text(&longer, fmt, args);
    va_end(args);
    size_t used = strlen(longer.text), room = sizeof longer.text - used;
    int more = snprintf(longer.text + used, room, ": %s", err->text);
    if (more >= (int)room) trim_utf8(longer.text, sizeof longer.text - 1);
    longer.cause = err->cause;
    *err = longer;
    return err->status;
}
