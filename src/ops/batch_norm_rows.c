/* ops/batch_norm_rows.c -- see batch_norm_rows.h. */
#include "ops/batch_norm_rows.h"
#include "base/bf16.h"
#include "base/vector.h"

/* Of bf16, so many rows are summed in f32 before they go to the sums in double: the error, 1e-6 of a sum, is far below
 * that of the values, and a vector register holds twice as many. */
enum { ROWS = 16, CHUNK = 128 };

/* Four rows a turn: the sums travel a quarter as often. */
LYNE_VECTOR static void moments(int64_t rows, int64_t columns, const float *restrict src, const float *restrict shift,
                                double *restrict sum) {
    double *restrict square = sum + columns;
    for (int64_t j = 0; j < columns; j++) sum[j] = square[j] = 0;
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        const float *a = src + i * columns, *b = a + columns, *c = b + columns, *d = c + columns;
        for (int64_t j = 0; j < columns; j++) {
            const double s = (double)shift[j];
            const double w = (double)a[j] - s, x = (double)b[j] - s, y = (double)c[j] - s, z = (double)d[j] - s;
            sum[j] += (w + x) + (y + z);
            square[j] += (w * w + x * x) + (y * y + z * z);
        }
    }
    for (; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const double w = (double)src[i * columns + j] - (double)shift[j];
            sum[j] += w;
            square[j] += w * w;
        }
}

LYNE_VECTOR static void moments_bf16(int64_t rows, int64_t columns, const uint16_t *restrict src,
                                     const float *restrict shift, double *restrict sum) {
    double *restrict square = sum + columns;
    for (int64_t j = 0; j < columns; j++) sum[j] = square[j] = 0;
    for (int64_t first = 0; first < rows; first += ROWS) {
        const int64_t end = rows - first < ROWS ? rows : first + ROWS;
        for (int64_t at = 0; at < columns; at += CHUNK) {
            const int64_t n = columns - at < CHUNK ? columns - at : CHUNK;
            float s[CHUNK] = {0}, q[CHUNK] = {0};
            for (int64_t i = first; i < end; i++)
                for (int64_t j = 0; j < n; j++) {
                    const float x = lyne_from_bf16(src[i * columns + at + j]) - shift[at + j];
                    s[j] += x;
                    q[j] += x * x;
                }
            for (int64_t j = 0; j < n; j++) {
                sum[at + j] += (double)s[j];
                square[at + j] += (double)q[j];
            }
        }
    }
}

LYNE_INLINE void normalize_rows(int64_t rows, int64_t columns, const void *restrict src, const void *restrict other,
                                norm_columns c, void *restrict dst, bool bf16, bool relu) {
    const float *restrict mean = c.mean, *restrict scale = c.scale, *restrict shift = c.shift;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const int64_t at = i * columns + j;
            float value = (lyne_load(src, at, bf16) - mean[j]) * scale[j] + shift[j];
            if (other) value += lyne_load(other, at, bf16);
            lyne_store(dst, at, bf16, relu && value < 0 ? 0 : value);
        }
}

/* diff, or 0 where a relu let nothing through. */
LYNE_INLINE float passed(const void *restrict diff, const void *restrict dst, int64_t at, bool bf16, bool relu) {
    const float d = lyne_load(diff, at, bf16);
    if (!relu) return d;
    uint32_t bits; /* as a mask: a choice of floats on the way to doubles would keep gcc 12 from using vectors */
    memcpy(&bits, &d, sizeof bits);
    bits &= -(uint32_t)(lyne_load(dst, at, bf16) > 0);
    float kept;
    memcpy(&kept, &bits, sizeof kept);
    return kept;
}

LYNE_INLINE void sum_diffs_f32(int64_t rows, int64_t columns, const void *restrict diff, const void *restrict src,
                               const void *restrict dst, const float *restrict mean, double *restrict sum, bool relu) {
    double *restrict product = sum + columns;
    const float *restrict x = src;
    int64_t i = 0;
    for (; i + 2 <= rows; i += 2)
        for (int64_t j = 0; j < columns; j++) {
            const int64_t a = i * columns + j, b = a + columns;
            const float d = passed(diff, dst, a, false, relu), e = passed(diff, dst, b, false, relu);
            sum[j] += (double)d + (double)e;
            product[j] += (double)d * (double)(x[a] - mean[j]) + (double)e * (double)(x[b] - mean[j]);
        }
    for (; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const int64_t a = i * columns + j;
            const double d = (double)passed(diff, dst, a, false, relu);
            sum[j] += d;
            product[j] += d * (double)(x[a] - mean[j]);
        }
}

LYNE_INLINE void sum_diffs_bf16(int64_t rows, int64_t columns, const void *restrict diff, const void *restrict src,
                                const void *restrict dst, const float *restrict mean, double *restrict sum, bool relu) {
    double *restrict product = sum + columns;
    for (int64_t first = 0; first < rows; first += ROWS) {
        const int64_t end = rows - first < ROWS ? rows : first + ROWS;
        for (int64_t at = 0; at < columns; at += CHUNK) {
            const int64_t n = columns - at < CHUNK ? columns - at : CHUNK;
            float s[CHUNK] = {0}, q[CHUNK] = {0};
            for (int64_t i = first; i < end; i++)
                for (int64_t j = 0; j < n; j++) {
                    const int64_t a = i * columns + at + j;
                    const float d = passed(diff, dst, a, true, relu);
                    s[j] += d;
                    q[j] += d * (lyne_load(src, a, true) - mean[at + j]);
                }
            for (int64_t j = 0; j < n; j++) {
                sum[at + j] += (double)s[j];
                product[at + j] += (double)q[j];
            }
        }
    }
}

LYNE_INLINE void diff_normalize_rows(int64_t rows, int64_t columns, const void *restrict diff, const void *restrict src,
                                     const void *restrict dst, norm_columns c, void *restrict diff_src, bool bf16,
                                     bool relu) {
    const float *restrict mean = c.mean, *restrict scale = c.scale, *restrict average = c.shift,
                          *restrict slope = c.slope;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const int64_t at = i * columns + j;
            const float d = passed(diff, dst, at, bf16, relu), x = lyne_load(src, at, bf16);
            lyne_store(diff_src, at, bf16, scale[j] * (d - average[j] - (x - mean[j]) * slope[j]));
        }
}

LYNE_INLINE void gather(int64_t n, const void *restrict diff, const void *restrict more, const void *restrict dst,
                        void *restrict out, bool bf16, bool relu) {
    for (int64_t i = 0; i < n; i++) {
        float d = lyne_load(diff, i, bf16);
        if (more) d += lyne_load(more, i, bf16);
        lyne_store(out, i, bf16, relu && !(lyne_load(dst, i, bf16) > 0) ? 0 : d);
    }
}

/* Each with its type and whether there is a relu as constants: name, bf16, relu. */
#define VARIANT(name, bf16, relu)                                                                                      \
    LYNE_VECTOR static void normalize_##name(int64_t rows, int64_t columns, const void *src, const void *other,        \
                                             norm_columns c, void *dst) {                                              \
        if (other)                                                                                                     \
            normalize_rows(rows, columns, src, other, c, dst, bf16, relu);                                             \
        else                                                                                                           \
            normalize_rows(rows, columns, src, NULL, c, dst, bf16, relu);                                              \
    }                                                                                                                  \
    LYNE_VECTOR static void gather_##name(int64_t n, const void *diff, const void *more, const void *dst, void *out) { \
        if (more)                                                                                                      \
            gather(n, diff, more, dst, out, bf16, relu);                                                               \
        else                                                                                                           \
            gather(n, diff, NULL, dst, out, bf16, relu);                                                               \
    }                                                                                                                  \
    LYNE_VECTOR static void diff_moments_##name(int64_t rows, int64_t columns, const void *diff, const void *src,      \
                                                const void *dst, const float *mean, double *sum) {                     \
        if (bf16)                                                                                                      \
            sum_diffs_bf16(rows, columns, diff, src, dst, mean, sum, relu);                                            \
        else                                                                                                           \
            sum_diffs_f32(rows, columns, diff, src, dst, mean, sum, relu);                                             \
    }                                                                                                                  \
    LYNE_VECTOR static void diff_normalize_##name(int64_t rows, int64_t columns, const void *diff, const void *src,    \
                                                  const void *dst, norm_columns c, void *diff_src) {                   \
        diff_normalize_rows(rows, columns, diff, src, dst, c, diff_src, bf16, relu);                                   \
    }
VARIANT(plain, false, false)
VARIANT(relu, false, true)
VARIANT(bf16, true, false)
VARIANT(bf16_relu, true, true)
#define OF_VARIANT(name, bf16, relu)                                                                                   \
    ((bf16) ? (relu) ? name##_bf16_relu : name##_bf16 : (relu) ? name##_relu : name##_plain)

void norm_moments(bool bf16, int64_t rows, int64_t columns, const void *src, const float *shift, double *sum) {
    if (bf16)
        moments_bf16(rows, columns, src, shift, sum);
    else
        moments(rows, columns, src, shift, sum);
}

void norm_normalize(bool bf16, bool relu, int64_t rows, int64_t columns, const void *src, const void *other,
                    norm_columns c, void *dst) {
    OF_VARIANT(normalize, bf16, relu)(rows, columns, src, other, c, dst);
}

void norm_gather(bool bf16, int64_t n, const void *diff, const void *more, const void *dst, void *out) {
    OF_VARIANT(gather, bf16, dst)(n, diff, more, dst, out);
}

void norm_diff_moments(bool bf16, int64_t rows, int64_t columns, const void *diff, const void *src, const void *dst,
                       const float *mean, double *sum) {
    OF_VARIANT(diff_moments, bf16, dst)(rows, columns, diff, src, dst, mean, sum);
}

void norm_diff_normalize(bool bf16, int64_t rows, int64_t columns, const void *diff, const void *src, const void *dst,
                         norm_columns c, void *diff_src) {
    OF_VARIANT(diff_normalize, bf16, dst)(rows, columns, diff, src, dst, c, diff_src);
}
