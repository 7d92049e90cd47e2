/* tests/formats/tar.h -- tars made by hand, so that their headers can say anything. */
#ifndef TESTS_FORMATS_TAR_H
#define TESTS_FORMATS_TAR_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct tar_entry {
    const char *name;
    char type; /* '0' file, '1' hard link, '2' symbolic link, '3' device, '5' folder, '6' pipe */
    const void *bytes;
    size_t size;
    const char *target; /* of a link */
} tar_entry;

/* Appends a ustar header and its bytes; returns what was appended. */
static inline size_t tar_append(uint8_t *out, tar_entry e) {
    memset(out, 0, 512 + (e.size + 511) / 512 * 512);
    char *h = (char *)out;
    snprintf(h, 100, "%s", e.name);
    memcpy(h + 100, "0000644", 8);
    memcpy(h + 108, "0000000", 8);
    memcpy(h + 116, "0000000", 8);
    snprintf(h + 124, 12, "%011llo", (unsigned long long)e.size);
    memcpy(h + 136, "00000000000", 12);
    h[156] = e.type;
    if (e.target) snprintf(h + 157, 100, "%s", e.target);
    memcpy(h + 257, "ustar", 6);
    memcpy(h + 263, "00", 2);
    memset(h + 148, ' ', 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; i++) sum += out[i];
    snprintf(h + 148, 8, "%06o", sum);
    if (e.size) memcpy(out + 512, e.bytes, e.size);
    return 512 + (e.size + 511) / 512 * 512;
}

/* A whole tar; out has room for all of it. */
static inline size_t tar_of(uint8_t *out, const tar_entry *entries, size_t n) {
    size_t size = 0;
    for (size_t i = 0; i < n; i++) size += tar_append(out + size, entries[i]);
    memset(out + size, 0, 1024);
    return size + 1024;
}

#endif
