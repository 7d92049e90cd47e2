/* labels/tally.c -- see tally.h. */
#include "labels/tally.h"
#include "base/exponential.h"
#include "base/hash.h"
#include "base/vector.h"

#include <math.h>

const double lyne_labels_temperatures[LYNE_LABELS_TEMPERATURES] = {1, 2, 4, 8, 20};

/* ---- a few records ---- */

/* With d = z - max and e = exp(d / T):  KL = sum e_s (d_s - d_x) / (T sum e_s) - log sum e_s + log sum e_x. */
static double divergence(double T, double sum_s, double sum_x, double cross) {
    const double kl = cross / (T * sum_s) - log(sum_s) + log(sum_x);
    return kl > 0 ? kl : 0; /* below by rounding alone */
}

/* Of one record; with `square`, e is squared on the way, for T / 2. */
LYNE_VECTOR static double one_at(int64_t n, const float *restrict s, const float *restrict x, double max_s,
                                 double max_x, double T, double *restrict e_s, double *restrict e_x, bool square) {
    double sum_s = 0, sum_x = 0, cross = 0;
#pragma omp simd reduction(+ : sum_s, sum_x, cross)
    for (int64_t i = 0; i < n; i++) {
        sum_s += e_s[i];
        sum_x += e_x[i];
        cross += e_s[i] * (((double)s[i] - max_s) - ((double)x[i] - max_x));
    }
    if (square)
        for (int64_t i = 0; i < n; i++) {
            e_s[i] *= e_s[i];
            e_x[i] *= e_x[i];
        }
    return divergence(T, sum_s, sum_x, cross);
}

LYNE_VECTOR static void one(int64_t classes, const float *stored, const float *exact, double *scratch,
                            double out[LYNE_LABELS_TEMPERATURES]) {
    double *e_s = scratch, *e_x = scratch + classes;
    const double max_s = lyne_row_max(classes, stored), max_x = lyne_row_max(classes, exact);
    for (int t = LYNE_LABELS_TEMPERATURES - 1; t >= 0; t--) {
        const double T = lyne_labels_temperatures[t];
        if (T >= 8) { /* 20 and 8; 4, 2 and 1 are squares of 8's */
            lyne_row_exp(classes, stored, max_s, 1 / T, e_s);
            lyne_row_exp(classes, exact, max_x, 1 / T, e_x);
        }
        out[t] = one_at(classes, stored, exact, max_s, max_x, T, e_s, e_x, T <= 8);
    }
}

/* Of few classes a row does not fill a vector, so eight records stand side by side in the lanes: (class, lane). */
enum { LANES = LYNE_HEAD_ROWS, FEW = 16 };
typedef struct lanes {
    double d[FEW * LANES], e[FEW * LANES], sum[LANES];
} lanes;

static inline void spread(int64_t rows, int64_t classes, const float *z, lanes *l) {
    for (int64_t r = 0; r < LANES; r++) {
        const float *row = z + (r < rows ? r : 0) * classes; /* lanes that nobody asked for */
        float max = row[0];
        for (int64_t c = 1; c < classes; c++) max = row[c] > max ? row[c] : max;
        for (int64_t c = 0; c < classes; c++) l->d[c * LANES + r] = (double)row[c] - (double)max;
    }
}

static inline void sum_exponentials(int64_t classes, double T, lanes *l) {
    if (T >= 8)
        for (int64_t i = 0; i < classes * LANES; i++) l->e[i] = lyne_exp(l->d[i] * (1 / T));
    else
        for (int64_t i = 0; i < classes * LANES; i++) l->e[i] *= l->e[i];
    for (int r = 0; r < LANES; r++) l->sum[r] = 0;
    for (int64_t c = 0; c < classes; c++)
        for (int r = 0; r < LANES; r++) l->sum[r] += l->e[c * LANES + r];
}

LYNE_VECTOR static void side_by_side(int64_t rows, int64_t classes, const float *stored, const float *exact,
                                     double (*out)[LYNE_LABELS_TEMPERATURES]) {
    lanes s, x;
    spread(rows, classes, stored, &s);
    spread(rows, classes, exact, &x);
    for (int t = LYNE_LABELS_TEMPERATURES - 1; t >= 0; t--) {
        const double T = lyne_labels_temperatures[t];
        double cross[LANES] = {0};
        sum_exponentials(classes, T, &s);
        sum_exponentials(classes, T, &x);
        for (int64_t c = 0; c < classes; c++)
            for (int r = 0; r < LANES; r++) cross[r] += s.e[c * LANES + r] * (s.d[c * LANES + r] - x.d[c * LANES + r]);
        for (int64_t r = 0; r < rows; r++) out[r][t] = divergence(T, s.sum[r], x.sum[r], cross[r]);
    }
}

void lyne_divergence(int64_t rows, int64_t classes, const float *stored, const float *exact, double *scratch,
                     double (*out)[LYNE_LABELS_TEMPERATURES]) {
    if (memcmp(stored, exact, (size_t)(rows * classes) * sizeof *stored) == 0)
        memset(out, 0, (size_t)rows * sizeof *out);
    else if (classes < FEW)
        side_by_side(rows, classes, stored, exact, out);
    else
        for (int64_t r = 0; r < rows; r++) one(classes, stored + r * classes, exact + r * classes, scratch, out[r]);
}

/* ---- many ---- */

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
