/* labels/tally.c -- see tally.h. */
#include "labels/tally.h"
#include "base/hash.h"

#include <math.h>
#include <string.h>

const double lyne_labels_temperatures[LYNE_LABELS_TEMPERATURES] = {1, 2, 4, 8, 20};

/* Sixteen bins an octave are the upper 16 bits of the double: 11 of the exponent, 4 of the fraction. */
enum { SHIFT = 48, FIRST = (1023 - 64) * 16 };

static int bin_of(double kl) {
    uint64_t bits;
    memcpy(&bits, &kl, sizeof bits);
    const int64_t bin = (int64_t)(bits >> SHIFT) - FIRST + 1;
    return bin < 0 ? 0 : bin >= LYNE_TALLY_BINS ? LYNE_TALLY_BINS - 1 : (int)bin;
}

static double upper_edge(int bin) {
    const uint64_t bits = (uint64_t)(FIRST + bin) << SHIFT;
    double edge;
    memcpy(&edge, &bits, sizeof edge);
    return bin ? edge : 0;
}

void lyne_tally_record(lyne_tally *t, const double kl[LYNE_LABELS_TEMPERATURES]) {
    t->n++;
    for (int i = 0; i < LYNE_LABELS_TEMPERATURES; i++) {
        t->sum[i] += kl[i];
        t->max[i] = kl[i] > t->max[i] ? kl[i] : t->max[i];
        t->bin[i][bin_of(kl[i])]++;
    }
}

void lyne_tally_add(lyne_tally *into, const lyne_tally *t) {
    into->n += t->n;
    for (int i = 0; i < LYNE_LABELS_TEMPERATURES; i++) {
        into->sum[i] += t->sum[i];
        into->max[i] = t->max[i] > into->max[i] ? t->max[i] : into->max[i];
        for (int b = 0; b < LYNE_TALLY_BINS; b++) into->bin[i][b] += t->bin[i][b];
    }
}

lyne_labels_error lyne_tally_error(const lyne_tally *t) {
    lyne_labels_error error;
    for (int i = 0; i < LYNE_LABELS_TEMPERATURES; i++) {
        uint64_t up_to = t->bin[i][0];
        int b = 0;
        while (b + 1 < LYNE_TALLY_BINS && (double)up_to < 0.99 * (double)t->n) up_to += t->bin[i][++b];
        error.mean[i] = t->n ? t->sum[i] / (double)t->n : 0;
        error.max[i] = t->max[i];
        error.p99[i] = b == LYNE_TALLY_BINS - 1 || upper_edge(b) > t->max[i] ? t->max[i] : upper_edge(b);
    }
    return error;
}

/* ---- text ---- */

static uint64_t bits_of(double d) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

void lyne_tally_print(const lyne_tally *t, lyne_text *out) {
    const size_t start = out->length;
    for (int i = 0; i < LYNE_LABELS_TEMPERATURES; i++) {
        lyne_text_add(out, "%llu %016llx %016llx", (unsigned long long)t->n, (unsigned long long)bits_of(t->sum[i]),
                      (unsigned long long)bits_of(t->max[i]));
        for (int b = 0; b < LYNE_TALLY_BINS; b++)
            if (t->bin[i][b]) lyne_text_add(out, " %d:%llu", b, (unsigned long long)t->bin[i][b]);
        lyne_text_add(out, ";");
    }
    if (!out->failed) lyne_text_add(out, "%08x", lyne_crc32c(0, out->data + start, out->length - start));
}

/* A number of decimal or hexadecimal digits, `end` behind it; NULL if there is none. */
static const char *take(const char *at, int base, uint64_t *out) {
    const char *const start = at;
    *out = 0;
    for (;; at++) {
        const int c = (unsigned char)*at, digit = c >= '0' && c <= '9'   ? c - '0'
                                                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                                         : 99;
        if (digit >= base || at - start == 19) return at == start || digit < base ? NULL : at;
        *out = *out * (uint64_t)base + (uint64_t)digit;
    }
}

static const char *take_double(const char *at, double *out) {
    uint64_t bits;
    if (!(at = take(at, 16, &bits))) return NULL;
    memcpy(out, &bits, sizeof *out);
    return isfinite(*out) && *out >= 0 ? at : NULL;
}

/* " BIN:COUNT" as often as it stands there, bins ascending. */
static const char *take_bins(const char *at, uint64_t bin[LYNE_TALLY_BINS], uint64_t n) {
    uint64_t sum = 0, b, count;
    for (int64_t before = -1; *at == ' '; before = (int64_t)b) {
        if (!(at = take(at + 1, 10, &b)) || *at != ':' || b >= LYNE_TALLY_BINS || (int64_t)b <= before) return NULL;
        if (!(at = take(at + 1, 10, &count)) || count == 0 || count > n - sum) return NULL;
        bin[b] = count;
        sum += count;
    }
    return sum == n ? at : NULL;
}

bool lyne_tally_parse(const char *text, lyne_tally *out) {
    const char *at = text;
    uint64_t crc;
    *out = (lyne_tally){0};
    for (int i = 0; i < LYNE_LABELS_TEMPERATURES; i++) {
        uint64_t n;
        if (!(at = take(at, 10, &n)) || *at++ != ' ' || (i && n != out->n)) return false;
        out->n = n;
        if (!(at = take_double(at, &out->sum[i])) || *at++ != ' ' || !(at = take_double(at, &out->max[i])))
            return false;
        if (!(at = take_bins(at, out->bin[i], n)) || *at++ != ';') return false;
    }
    const size_t covered = (size_t)(at - text);
    const char *end = take(at, 16, &crc);
    return end && end - at == 8 && *end == '\0' && crc == lyne_crc32c(0, text, covered);
}
