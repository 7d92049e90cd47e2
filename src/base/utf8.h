/* base/utf8.h -- characters of a text that need not be UTF-8: columns are counted in them, messages quote them. */
#ifndef LYNE_BASE_UTF8_H
#define LYNE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LYNE_UTF8_BAD 0xFFFDu

/** The character at p < end into *point; returns its length in bytes.  What is not UTF-8 counts one character a byte
 * and reads as U+FFFD. */
static inline size_t lyne_utf8_next(const char *p, const char *end, uint32_t *point) {
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)p;
    size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    *point = LYNE_UTF8_BAD;
    if (n == 0 || n > (size_t)(end - p)) return 1;
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (s[i] >> 6 != 2) return 1;
        c = c << 6 | (s[i] & 0x3Fu);
    }
    if (c < smallest[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 1;
    *point = c;
    return n;
}

/** How many characters. */
static inline size_t lyne_utf8_count(const char *p, const char *end) {
    size_t n = 0;
    for (uint32_t c; p < end; n++) p += lyne_utf8_next(p, end, &c);
    return n;
}

/** Moves the cursor on a terminal instead of showing something. */
static inline bool lyne_utf8_is_control(uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}

/** That, or turns what follows it around (bidirectional overrides and isolates): not for a terminal to see. */
static inline bool lyne_utf8_is_steering(uint32_t c) {
    return lyne_utf8_is_control(c) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

/** Ends a line, as YAML 1.1 (libyaml) counts lines; "\r\n" is one end, which the caller sees to. */
static inline bool lyne_utf8_is_break(uint32_t c) {
    return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

#endif
