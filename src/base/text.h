/* base/text.h -- text: a growing string, numbers from text, the nearest name. */
#ifndef LYNE_BASE_TEXT_H
#define LYNE_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A growing string.  Zeroed is empty.  When memory is out `failed` is set and further additions do nothing, so a long
 * chain needs one check at its end. */
typedef struct lyne_text {
    char *data; /* NUL-terminated once anything was added; NULL before */
    size_t length, capacity;
    bool failed;
} lyne_text;
void lyne_text_add(lyne_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lyne_text_bytes(lyne_text *t, const char *bytes, size_t n);
void lyne_text_free(lyne_text *t);

/** Whole text as a number, by strtoll / strtod: no leading space, no trailing anything, in range.  Decimal integers
 *  only; floats decimal, also "inf" and "nan" refused.  False leaves *out alone. */
bool lyne_parse_int(const char *text, int64_t *out);
bool lyne_parse_float(const char *text, double *out);

/** The candidate within edit distance 2 (1 for words up to 3 letters, and fewer than the word has letters) of `word`;
 *  NULL if none is near.  Transposed neighbours count 1, and so does whatever follows 3 letters or more.  Of those as near
 *  one with the same first letter, then the first. */
const char *lyne_nearest(const char *word, const char *const *candidates, size_t n);

enum { LYNE_HINT_TEXT = 160 };
/** "; did you mean 'NEAREST'?", to be put behind what is wrong with `word`; or, where none is near, `otherwise`. */
const char *lyne_hint(const char *word, const char *const *candidates, size_t n, const char *otherwise,
                      char out[LYNE_HINT_TEXT]);

/** 12345678 as "12.3M", 4096 as "4.1k": at most 6 characters and NUL. */
void lyne_human(double value, char out[16]);
/** Seconds as "8.3 s", "4 min 12 s", "2 h 5 min"; "?" when negative, not finite or beyond 30 years. */
void lyne_human_time(double seconds, char out[32]);

/** Make a text one harmless line, in place, and hand it back: what could steer a terminal becomes a space, what is not
 *  UTF-8 a question mark.  For what a file said and a person is to see. */
char *lyne_one_line(char *text);
/** Print it so, with a newline, and empty it: a line of a table.  False, and nothing printed, when memory was out. */
bool lyne_text_line(lyne_text *t, FILE *to);

/** A name that may become part of a path: 1..64 of [A-Za-z0-9_-.], not starting with a dot. */
bool lyne_name_ok(const char *name);

#endif
