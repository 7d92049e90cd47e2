/* formats/tar.c -- see tar.h; POSIX.1-2001, pax, "ustar Interchange Format", and GNU tar's manual. */
#include "formats/tar.h"

#include <stdio.h>
#include <string.h>

/* Fields of a header: where they begin, and how long they are. */
enum { NAME = 0, NAME_BYTES = 100, SIZE = 124, SIZE_BYTES = 12, SUM = 148, SUM_BYTES = 8, TYPE = 156, MAGIC = 257 };
enum { PREFIX = 345, PREFIX_BYTES = 155 };

/* Octal digits between spaces, up to a NUL or a space; or, after a first bit that is set, a number of 95 bits. */
static bool parse_number(const uint8_t *field, size_t n, uint64_t *out) {
    size_t i = 0;
    *out = 0;
    if (field[0] & 0x80) {
        uint64_t number = field[0] & 0x7F;
        for (i = 1; i < n && number >> 55 == 0; i++) number = number << 8 | field[i];
        *out = number;
        return i == n;
    }
    while (i < n && field[i] == ' ') i++;
    for (; i < n && field[i] >= '0' && field[i] <= '7'; i++) *out = *out << 3 | (uint64_t)(field[i] - '0');
    return i == n || field[i] == ' ' || field[i] == '\0';
}

/* The sum of all bytes, its own taken as spaces; some wrote it of signed bytes. */
static bool has_its_sum(const uint8_t *block) {
    int64_t sum = 0, of_signed = 0;
    uint64_t due;
    for (int i = 0; i < LYNE_TAR_BLOCK; i++) {
        const uint8_t byte = i >= SUM && i < SUM + SUM_BYTES ? ' ' : block[i];
        sum += byte;
        of_signed += (int8_t)byte;
    }
    return parse_number(block + SUM, SUM_BYTES, &due) && ((int64_t)due == sum || (int64_t)due == of_signed);
}

static lyne_tar_kind kind_of(char type, const char *name) {
    const size_t n = strlen(name);
    switch (type) {
    case '\0': /* of V7, which has no folders but names that end so */
    case '0':
    case '7': /* contiguous */
        return n && name[n - 1] == '/' ? LYNE_TAR_FOLDER : LYNE_TAR_FILE;
    case '5':
        return LYNE_TAR_FOLDER;
    case 'L':
        return LYNE_TAR_LONG_NAME;
    case 'x':
    case 'X': /* as Solaris wrote it */
        return LYNE_TAR_PAX;
    case 'A': /* who may read it */
    case 'K': /* where a link leads */
    case 'V': /* the name of the tar */
    case 'g': /* of all that follow, which cannot have one name or size */
        return LYNE_TAR_PASSED;
    default:
        return LYNE_TAR_OTHER;
    }
}

lyne_tar_header lyne_tar_parse(const uint8_t block[LYNE_TAR_BLOCK]) {
    static const uint8_t zeros[LYNE_TAR_BLOCK];
    lyne_tar_header h = {.kind = LYNE_TAR_BROKEN};
    if (memcmp(block, zeros, sizeof zeros) == 0) h.kind = LYNE_TAR_END;
    if (h.kind == LYNE_TAR_END || !has_its_sum(block) || !parse_number(block + SIZE, SIZE_BYTES, &h.size)) return h;
    const char *text = (const char *)block;
    const bool split = memcmp(text + MAGIC, "ustar", 6) == 0 && text[PREFIX]; /* GNU's has other things there */
    snprintf(h.name, sizeof h.name, "%.*s%s%.*s", split ? PREFIX_BYTES : 0, text + PREFIX, split ? "/" : "", NAME_BYTES,
             text + NAME);
    h.kind = kind_of(text[TYPE], h.name);
    if (h.kind == LYNE_TAR_FOLDER) h.size = 0; /* how much room it may need, if anything */
    return h;
}

/* ---- pax: records "LENGTH KEY=VALUE\n", the length that of all of it ---- */

/* Decimal digits up to `end`, which is behind them. */
static bool parse_decimal(const char *at, const char *end, uint64_t *out) {
    *out = 0;
    if (at == end || end - at > 18) return false;
    for (; at < end && *at >= '0' && *at <= '9'; at++) *out = *out * 10 + (uint64_t)(*at - '0');
    return at == end;
}

static bool take_record(const char *key, const char *value, const char *end, const char **name, uint64_t *size,
                        bool *has_size) {
    if (strcmp(key, "path") == 0) {
        *name = value;
        return strlen(value) == (size_t)(end - value);
    }
    if (strcmp(key, "size") == 0) {
        *has_size = true;
        return parse_decimal(value, end, size);
    }
    return strncmp(key, "GNU.sparse.", 11) != 0;
}

bool lyne_tar_extend(char *bytes, size_t n, const char **name, uint64_t *size, bool *has_size) {
    for (char *at = bytes, *end = bytes + n; at < end;) {
        uint64_t length;
        char *space = memchr(at, ' ', (size_t)(end - at));
        if (!space || !parse_decimal(at, space, &length) || length > (uint64_t)(end - at)) return false;
        char *next = at + length, *equals = next > space ? memchr(space, '=', (size_t)(next - space)) : NULL;
        if (!equals || next[-1] != '\n') return false;
        *equals = next[-1] = '\0';
        if (!take_record(space + 1, equals + 1, next - 1, name, size, has_size)) return false;
        at = next;
    }
    return true;
}
