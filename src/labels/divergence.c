/* labels/divergence.c -- KL(stored || exact) at each temperature, without an array between.
 *
 * With d = z - max and e = exp(d / T):  KL = sum e_s (d_s - d_x) / (T sum e_s) + log(sum e_x / sum e_s).  The temperatures
 * 20, 8, 4, 2 and 1 divide 40, so one exponential is enough for a class: exp(d / 40) to the 2nd, 5th, 10th, 20th, 40th.
 *
 * Eight doubles go side by side: of few classes, which do not fill a vector, those of eight records; of many, eight classes
 * of one.  What all but a few classes of a record have in common, as topk and sampled store it, takes one exponential.
 *
 * Where all stored logits are near the exact ones, as halves are, sixteen floats do.  With the weights w = e_s / sum e_s and
 * x = (d_s - d_x) / T the divergence is a cumulant generating function,
 *     KL = log E_w[exp(-x)] + E_w[x] = k2 / 2 - k3 / 6 + k4 / 24 - ...
 * so there is one exponential a class, and no small number is left of large ones.
 *
 * A record's bits do not depend on who stands beside it. */
#include "base/exponential.h"
#include "base/vector.h"
#include "labels/tally.h"

#include <string.h>

enum { LANES = LYNE_HEAD_ROWS, FEW = 16, TEMPERATURES = LYNE_LABELS_TEMPERATURES };
typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t bits __attribute__((vector_size(LANES * sizeof(int64_t))));

/* base/exponential.h's sum, two terms longer, as the 40th power makes its error forty times as large; and 0 far below. */
static inline void exponential(const lanes *d, double scale, lanes *out) {
    const double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45, to_integer = 0x1.8p52;
    const lanes x = *d * scale;
    const bits there = x >= -700;
    const lanes shifted = x * 0x1.71547652b82fep0 + to_integer; /* k in the lowest bits */
    const lanes k = shifted - to_integer;
    const lanes r = (x - k * ln2_high) - k * ln2_low;
    lanes sum = r * (1.0 / 479001600) + 1.0 / 39916800;
    sum = sum * r + 1.0 / 3628800;
    sum = sum * r + 1.0 / 362880;
    sum = sum * r + 1.0 / 40320;
    sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 1.0 / 2;
    sum = sum * r + 1;
    sum = sum * r + 1;
    const lanes power = (lanes)(((bits)shifted + 1023) << 52);
    *out = (lanes)((bits)(sum * power) & there);
}

/* Of y > 0 that is neither tiny nor huge: y = 2^k m, sqrt(1/2) <= m < sqrt(2), log m = 2 atanh((m - 1) / (m + 1)). */
static inline void logarithm(const lanes *of, lanes *out) {
    const int64_t half = 0x3FE6A09E667F3BCC; /* the bits of sqrt(1/2) */
    const lanes y = *of;
    const bits k = ((bits)y - half) >> 52;
    const lanes m = (lanes)((bits)y - (k << 52)), f = (m - 1) / (m + 1), g = f * f;
    lanes sum = g * (1.0 / 21) + 1.0 / 19;
    sum = sum * g + 1.0 / 17;
    sum = sum * g + 1.0 / 15;
    sum = sum * g + 1.0 / 13;
    sum = sum * g + 1.0 / 11;
    sum = sum * g + 1.0 / 9;
    sum = sum * g + 1.0 / 7;
    sum = sum * g + 1.0 / 5;
    sum = sum * g + 1.0 / 3;
    sum = sum * g + 1;
    *out = __builtin_convertvector(k, lanes) * 0x1.62e42fefa39efp-1 + 2 * f * sum;
}

/* Sums over classes, at each temperature. */
typedef struct sums {
    lanes s[TEMPERATURES], x[TEMPERATURES], cross[TEMPERATURES];
} sums;

static inline void powers(const lanes *d, lanes e[TEMPERATURES]) {
    lanes first;
    exponential(d, 1.0 / 40, &first);
    const lanes second = first * first;
    e[4] = second;                  /* T = 20 */
    e[3] = second * second * first; /* 8 */
    e[2] = e[3] * e[3];             /* 4 */
    e[1] = e[2] * e[2];             /* 2 */
    e[0] = e[1] * e[1];             /* 1 */
}

static inline void add(sums *sum, const lanes *d_s, const lanes *d_x) {
    lanes e_s[TEMPERATURES], e_x[TEMPERATURES];
    const lanes d = *d_s - *d_x;
    powers(d_s, e_s);
    powers(d_x, e_x);
    for (int t = 0; t < TEMPERATURES; t++) {
        sum->s[t] += e_s[t];
        sum->x[t] += e_x[t];
        sum->cross[t] += e_s[t] * d;
    }
}

static inline void divergence(const lanes *T, const lanes *sum_s, const lanes *sum_x, const lanes *cross, lanes *out) {
    const lanes ratio = *sum_x / *sum_s;
    lanes log_ratio;
    logarithm(&ratio, &log_ratio);
    const lanes kl = *cross / (*T * *sum_s) + log_ratio;
    *out = (lanes)((bits)kl & ~(kl < 0)); /* below by rounding alone */
}

/* ---- few classes: a record in each lane ---- */

static inline void column(const float *z, const int64_t row[LANES], lanes *out) {
    double number[LANES];
    for (int r = 0; r < LANES; r++) number[r] = (double)z[row[r]];
    memcpy(out, number, sizeof number);
}

LYNE_VECTOR static void side_by_side(int64_t rows, int64_t classes, const float *stored, const float *exact,
                                     double (*out)[TEMPERATURES]) {
    int64_t row[LANES];
    lanes s[FEW], x[FEW], max_s, max_x, kl;
    sums sum = {0};
    for (int64_t r = 0; r < LANES; r++) row[r] = (r < rows ? r : 0) * classes; /* lanes that nobody asked for */
    column(stored, row, &max_s);
    column(exact, row, &max_x);
    for (int64_t c = 0; c < classes; c++) {
        column(stored + c, row, &s[c]);
        column(exact + c, row, &x[c]);
        const bits more_s = s[c] > max_s, more_x = x[c] > max_x;
        max_s = (lanes)(((bits)s[c] & more_s) | ((bits)max_s & ~more_s));
        max_x = (lanes)(((bits)x[c] & more_x) | ((bits)max_x & ~more_x));
    }
    for (int64_t c = 0; c < classes; c++) {
        s[c] -= max_s;
        x[c] -= max_x;
        add(&sum, &s[c], &x[c]);
    }
    for (int t = 0; t < TEMPERATURES; t++) {
        const lanes T = (lanes){0} + lyne_labels_temperatures[t];
        divergence(&T, &sum.s[t], &sum.x[t], &sum.cross[t], &kl);
        for (int64_t r = 0; r < rows; r++) out[r][t] = kl[r];
    }
}

/* ---- many: one record, a class in each lane ---- */

typedef struct range {
    float max_s, min_s, max_x, low, high; /* of stored, exact, stored - exact */
} range;

LYNE_VECTOR static range range_of(int64_t classes, const float *restrict s, const float *restrict x) {
    float max_s = s[0], min_s = s[0], max_x = x[0], low = s[0] - x[0], high = low;
#pragma omp simd reduction(max : max_s, max_x, high) reduction(min : min_s, low)
    for (int64_t c = 0; c < classes; c++) {
        const float difference = s[c] - x[c];
        max_s = s[c] > max_s ? s[c] : max_s;
        min_s = s[c] < min_s ? s[c] : min_s;
        max_x = x[c] > max_x ? x[c] : max_x;
        low = difference < low ? difference : low;
        high = difference > high ? difference : high;
    }
    return (range){max_s, min_s, max_x, low, high};
}

static inline double total(const lanes *v) {
    const lanes s = *v;
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

static inline void below_max(const float *z, double max, lanes *d) {
    double below[LANES];
    for (int i = 0; i < LANES; i++) below[i] = (double)z[i] - max;
    memcpy(d, below, sizeof below);
}

/* The last of them, and beside them lanes that weigh nothing. */
static inline void last_below_max(const float *z, int64_t n, double max, lanes *d) {
    double below[LANES];
    for (int i = 0; i < LANES; i++) below[i] = i < n ? (double)z[i] - max : -1e300;
    memcpy(d, below, sizeof below);
}

static inline bool all_are(const float *z, float value) {
    uint32_t others = 0;
#pragma omp simd reduction(| : others)
    for (int i = 0; i < LANES; i++) others |= z[i] != value;
    return !others;
}

LYNE_VECTOR static void far(int64_t classes, const float *stored, const float *exact, const range *of,
                            double out[TEMPERATURES]) {
    const double max_s = (double)of->max_s, max_x = (double)of->max_x;
    const lanes least = (lanes){0} + ((double)of->min_s - max_s);
    lanes T = {1, 1, 1, 1, 1, 1, 1, 1}, sum_s = T, sum_x = T, cross = {0}; /* a temperature in each lane */
    lanes s, x, kl, e_least[TEMPERATURES], e_x[TEMPERATURES], d_least = {0};
    sums sum = {0};
    int64_t c = 0, n_least = 0;
    powers(&least, e_least);
    for (; c + LANES <= classes; c += LANES) {
        below_max(exact + c, max_x, &x);
        if (all_are(stored + c, of->min_s)) { /* e_s is left to the end */
            powers(&x, e_x);
            for (int t = 0; t < TEMPERATURES; t++) sum.x[t] += e_x[t];
            d_least += least - x;
            n_least += LANES;
        } else {
            below_max(stored + c, max_s, &s);
            add(&sum, &s, &x);
        }
    }
    if (c < classes) {
        last_below_max(stored + c, classes - c, max_s, &s);
        last_below_max(exact + c, classes - c, max_x, &x);
        add(&sum, &s, &x);
    }
    for (int t = 0; t < TEMPERATURES; t++) {
        T[t] = lyne_labels_temperatures[t];
        sum_s[t] = total(&sum.s[t]) + (double)n_least * e_least[t][0];
        sum_x[t] = total(&sum.x[t]);
        cross[t] = total(&sum.cross[t]) + total(&d_least) * e_least[t][0];
    }
    divergence(&T, &sum_s, &sum_x, &cross, &kl);
    for (int t = 0; t < TEMPERATURES; t++) out[t] = kl[t];
}

/* ---- many, and near ---- */

/* Differences within NEAR of one another: what the series leaves out is less than 1e-4 of it.  Logits within SPAN: none of
 * the powers of exp(d / 40) that count is denormal. */
#define NEAR 0.125f
#define SPAN 640.0f
enum { WIDE = 2 * LANES, PIECE = 64 * WIDE, ORDERS = 5 };
typedef float floats __attribute__((vector_size(WIDE * sizeof(float))));
typedef int32_t words __attribute__((vector_size(WIDE * sizeof(int32_t))));
typedef float half __attribute__((vector_size(LANES * sizeof(float))));

/* sum e x^k by temperature and k; the 4th counts at T = 1 and 2 alone. */
static inline int orders(int t) {
    return t < 2 ? ORDERS : ORDERS - 1;
}

/* exp(d / 40) = 2^r 2^k */
static inline void exponential_near(const floats *d, floats *out) {
    const float scale = 0x1.71547652b82fep0f / 40, to_integer = 0x1.8p23f;
    const floats shifted = *d * scale + to_integer; /* k in the lowest bits */
    const floats r = *d * scale - (shifted - to_integer);
    floats sum = r * 1.5403530e-4f + 1.3333558e-3f; /* log(2)^n / n! */
    sum = sum * r + 9.6181291e-3f;
    sum = sum * r + 5.5504109e-2f;
    sum = sum * r + 2.4022651e-1f;
    sum = sum * r + 6.9314718e-1f;
    sum = sum * r + 1;
    *out = (floats)((words)sum + ((words)shifted << 23));
}

static inline void add_near(floats sum[TEMPERATURES][ORDERS], const floats *first, const floats *x) {
    const float tiny = 0x1p-50f; /* what is added so that the next power is not denormal, which takes long */
    const floats second = *first * *first;
    floats e[TEMPERATURES], power[ORDERS];
    e[4] = second;
    e[3] = second * second * *first + tiny;
    e[2] = e[3] * e[3] + tiny;
    e[1] = e[2] * e[2] + tiny;
    e[0] = e[1] * e[1];
    power[1] = *x;
    for (int k = 2; k < ORDERS; k++) power[k] = power[k - 1] * *x;
    for (int t = TEMPERATURES; t-- > 0;) {
        sum[t][0] += e[t];
        for (int k = 1; k < orders(t); k++) sum[t][k] += e[t] * power[k];
    }
}

/* At most PIECE classes, whose sums lose next to nothing in floats.  middle: some difference, which all others are near.
 * Exponentials come first: what waits for nothing else goes through the CPU at full width. */
static inline void add_piece(int64_t n, const float *stored, const float *exact, float max, float middle,
                             lanes out[TEMPERATURES][ORDERS]) {
    floats sum[TEMPERATURES][ORDERS] = {0}, first[PIECE / WIDE], d, x;
    const int64_t vectors = n / WIDE, left = n % WIDE;
    for (int64_t i = 0; i < vectors; i++) {
        memcpy(&d, stored + i * WIDE, sizeof d);
        d -= max;
        exponential_near(&d, &first[i]);
    }
    for (int64_t i = 0; i < vectors; i++) {
        memcpy(&d, stored + i * WIDE, sizeof d);
        memcpy(&x, exact + i * WIDE, sizeof x);
        x = d - x - middle;
        add_near(sum, &first[i], &x);
    }
    if (left) { /* and beside them lanes without a difference, of next to no weight */
        float below[WIDE], difference[WIDE];
        for (int64_t i = 0, c = n - left; i < WIDE; i++) {
            below[i] = i < left ? stored[c + i] - max : -SPAN;
            difference[i] = i < left ? stored[c + i] - exact[c + i] - middle : 0;
        }
        memcpy(&d, below, sizeof d);
        memcpy(&x, difference, sizeof x);
        exponential_near(&d, &first[0]);
        add_near(sum, &first[0], &x);
    }
    for (int t = 0; t < TEMPERATURES; t++)
        for (int k = 0; k < orders(t); k++) {
            half low, high;
            memcpy(&low, &sum[t][k], sizeof low);
            memcpy(&high, (char *)&sum[t][k] + sizeof low, sizeof high);
            out[t][k] += __builtin_convertvector(low, lanes) + __builtin_convertvector(high, lanes);
        }
}

/* False: they are not near, or hardly any of the weight is where the differences are, so that floats say little of them. */
LYNE_VECTOR static bool near(int64_t classes, const float *stored, const float *exact, const range *of,
                             double out[TEMPERATURES]) {
    lanes sum[TEMPERATURES][ORDERS] = {0};
    if (!(of->high - of->low <= NEAR && of->max_s - of->min_s <= SPAN)) return false;
    for (int64_t c = 0; c < classes; c += PIECE)
        add_piece(classes - c < PIECE ? classes - c : PIECE, stored + c, exact + c, of->max_s, of->max_s - of->max_x,
                  sum);
    for (int t = 0; t < TEMPERATURES; t++) {
        const double T = lyne_labels_temperatures[t], mass = total(&sum[t][0]);
        double m[ORDERS], scale = 1 / mass;
        for (int k = 1; k < ORDERS; k++) m[k] = total(&sum[t][k]) * (scale /= T);
        const double k2 = m[2] - m[1] * m[1], k3 = m[3] - 3 * m[1] * m[2] + 2 * m[1] * m[1] * m[1];
        const double k4 =
            m[4] - 4 * m[1] * m[3] - 3 * m[2] * m[2] + 12 * m[1] * m[1] * m[2] - 6 * m[1] * m[1] * m[1] * m[1];
        if (!(k2 >= m[2] / 1024)) return false;
        out[t] = k2 / 2 - k3 / 6 + (orders(t) == ORDERS ? k4 / 24 : 0);
    }
    return true;
}

static void one(int64_t classes, const float *stored, const float *exact, double out[TEMPERATURES]) {
    const range of = range_of(classes, stored, exact);
    if (!near(classes, stored, exact, &of, out)) far(classes, stored, exact, &of, out);
}

void lyne_divergence(int64_t rows, int64_t classes, const float *stored, const float *exact,
                     double (*out)[TEMPERATURES]) {
    if (memcmp(stored, exact, (size_t)(rows * classes) * sizeof *stored) == 0)
        memset(out, 0, (size_t)rows * sizeof *out);
    else if (classes < FEW)
        side_by_side(rows, classes, stored, exact, out);
    else
        for (int64_t r = 0; r < rows; r++) one(classes, stored + r * classes, exact + r * classes, out[r]);
}
