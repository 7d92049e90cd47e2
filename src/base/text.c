/* base/text.c -- text in, text out; nothing here knows what the text is about. */
#include "base/text.h"

#include "base/memory.h"
#include "base/utf8.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for n more bytes and the NUL. */
static bool reserve(lyne_text *t, size_t n) {
    size_t need;
    bool fits = !t->failed && lyne_size_add(t->length, n, &need) && lyne_size_add(need, 1, &need) &&
                lyne_grow(&t->data, &t->capacity, need, 1);
    t->failed = !fits;
    return fits;
}

void lyne_text_add(lyne_text *t, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (length < 0) t->failed = true;
    if (length < 0 || !reserve(t, (size_t)length)) return;
    va_start(args, fmt);
    vsnprintf(t->data + t->length, (size_t)length + 1, fmt, args);
    va_end(args);
    t->length += (size_t)length;
}

void lyne_text_bytes(lyne_text *t, const char *bytes, size_t n) {
    if (!reserve(t, n)) return;
    if (n) memcpy(t->data + t->length, bytes, n);
    t->length += n;
    t->data[t->length] = '\0';
}

void lyne_text_free(lyne_text *t) {
    if (!t) return;
    lyne_free(t->data);
    *t = (lyne_text){0};
}

/* ---- numbers ---- */

bool lyne_parse_int(const char *text, int64_t *out) {
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits < '0' || *digits > '9') return false; /* strtoll would skip spaces */
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end) return false;
    *out = value;
    return true;
}

bool lyne_parse_float(const char *text, double *out) {
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text)) return false; /* no space, hexadecimal, inf, nan */
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    bool lost = errno == ERANGE && (value == 0 || !isfinite(value)); /* a denormal sets ERANGE too, and is welcome */
    if (lost || end == text || *end) return false;
    *out = value;
    return true;
}

/* ---- the nearest name ---- */

enum { NEAREST_MAX = 64 };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours.  Both at most NEAREST_MAX long. */
static size_t edit_distance(const char *a, size_t n, const char *b, size_t m) {
    size_t row[3][NEAREST_MAX + 1]; /* row i is row[i % 3] */
    for (size_t j = 0; j <= m; j++) row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *twice = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = smaller(before[j - 1] + (a[i - 1] != b[j - 1]), smaller(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], twice[j - 2] + 1);
        }
    }
    return row[n % 3][m];
}

const char *lyne_nearest(const char *word, const char *const *candidates, size_t n) {
    size_t length = strlen(word);
    if (length == 0 || length > NEAREST_MAX) return NULL;
    size_t limit = smaller(length <= 3 ? 1 : 2, length - 1), best = 2 * (limit + 1);
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(candidates[i]);
        if (other > NEAREST_MAX) continue;
        const bool begins = length >= 3 && other > length && strncmp(word, candidates[i], length) == 0;
        const size_t distance = begins ? 1 : edit_distance(word, length, candidates[i], other);
        const size_t rank = 2 * distance + (word[0] != candidates[i][0]);
        if (distance <= limit && rank < best) best = rank, found = candidates[i];
    }
    return found;
}

const char *lyne_hint(const char *word, const char *const *candidates, size_t n, const char *otherwise,
                      char out[LYNE_HINT_TEXT]) {
    const char *near = lyne_nearest(word, candidates, n);
    if (!near) return otherwise;
    snprintf(out, LYNE_HINT_TEXT, "; did you mean '%s'?", near);
    return out;
}

/* ---- for people ---- */

/* A unit is left once its rounded value would have four digits: 999.6 is "1.0k". */
void lyne_human(double value, char out[16]) {
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
    size_t unit = 0, last = sizeof units / sizeof *units - 1;
    double scaled = value;
    if (!isfinite(value)) {
        snprintf(out, 16, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    for (; fabs(scaled) >= 999.5 && unit < last; unit++) scaled /= 1000;
    if (fabs(scaled) >= 999.5)
        snprintf(out, 16, "%s", value < 0 ? "<-999E" : ">999E");
    else if (fabs(scaled) >= 99.95 || (unit == 0 && scaled == nearbyint(scaled)))
        snprintf(out, 16, "%.0f%s", scaled, units[unit]);
    else
        snprintf(out, 16, "%.1f%s", scaled, units[unit]);
}

void lyne_human_time(double seconds, char out[32]) {
    double whole = nearbyint(seconds), minutes = nearbyint(seconds / 60);
    if (!(seconds >= 0 && seconds < 1e9))
        snprintf(out, 32, "?");
    else if (seconds < 59.95)
        snprintf(out, 32, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(out, 32, "%.0f min %.0f s", floor(whole / 60), fmod(whole, 60));
    else
        snprintf(out, 32, "%.0f h %.0f min", floor(minutes / 60), fmod(minutes, 60));
}

char *lyne_one_line(char *text) {
    char *to = text;
    uint32_t c;
    for (const char *p = text, *end = text + strlen(text); p < end;) {
        const size_t n = lyne_utf8_next(p, end, &c);
        if (lyne_utf8_is_steering(c) || (c == LYNE_UTF8_BAD && n == 1))
            *to++ = c == LYNE_UTF8_BAD ? '?' : ' ';
        else
            to = (char *)memmove(to, p, n) + n;
        p += n;
    }
    *to = '\0';
    return text;
}

bool lyne_text_line(lyne_text *t, FILE *to) {
    const bool good = !t->failed;
    if (good) fprintf(to, "%s\n", t->data ? lyne_one_line(t->data) : "");
    lyne_text_free(t);
    return good;
}

bool lyne_name_ok(const char *name) {
    size_t length = strlen(name);
    size_t good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
    return length >= 1 && length <= 64 && good == length && name[0] != '.';
}
