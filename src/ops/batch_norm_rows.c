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

LYNE_INLINE void normalize_rows(int64_t rows, int64_t columns, const void *restrict src, norm_columns c,
                                void *restrict dst, bool bf16) {
    const float *restrict mean = c.mean, *restrict scale = c.scale, *restrict shift = c.shift;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const int64_t at = i * columns + j;
            lyne_store(dst, at, bf16, (lyne_load(src, at, bf16) - mean[j]) * scale[j] + shift[j]);
        }
}
LYNE_VECTOR static void normalize(int64_t rows, int64_t columns, const void *src, norm_columns c, void *dst) {
    normalize_rows(rows, columns, src, c, dst, false);
}
LYNE_VECTOR static void normalize_bf16(int64_t rows, int64_t columns, const void *src, norm_columns c, void *dst) {
    normalize_rows(rows, columns, src, c, dst, true);
}

LYNE_VECTOR static void diff_moments(int64_t rows, int64_t columns, const float *restrict diff,
                                     const float *restrict src, const float *restrict mean, double *restrict sum) {
    double *restrict product = sum + columns;
    for (int64_t j = 0; j < columns; j++) sum[j] = product[j] = 0;
    int64_t i = 0;
    for (; i + 2 <= rows; i += 2) {
        const float *d = diff + i * columns, *e = d + columns, *x = src + i * columns, *y = x + columns;
        for (int64_t j = 0; j < columns; j++) {
            sum[j] += (double)d[j] + (double)e[j];
            product[j] += (double)d[j] * (double)(x[j] - mean[j]) + (double)e[j] * (double)(y[j] - mean[j]);
        }
    }
    for (; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            sum[j] += (double)diff[i * columns + j];
            product[j] += (double)diff[i * columns + j] * (double)(src[i * columns + j] - mean[j]);
        }
}

LYNE_VECTOR static void diff_moments_bf16(int64_t rows, int64_t columns, const uint16_t *restrict diff,
                                          const uint16_t *restrict src, const float *restrict mean,
                                          double *restrict sum) {
    double *restrict product = sum + columns;
    for (int64_t j = 0; j < columns; j++) sum[j] = product[j] = 0;
    for (int64_t first = 0; first < rows; first += ROWS) {
        const int64_t end = rows - first < ROWS ? rows : first + ROWS;
        for (int64_t at = 0; at < columns; at += CHUNK) {
            const int64_t n = columns - at < CHUNK ? columns - at : CHUNK;
            float s[CHUNK] = {0}, q[CHUNK] = {0};
            for (int64_t i = first; i < end; i++)
                for (int64_t j = 0; j < n; j++) {
                    const float d = lyne_from_bf16(diff[i * columns + at + j]);
                    s[j] += d;
                    q[j] += d * (lyne_from_bf16(src[i * columns + at + j]) - mean[at + j]);
                }
            for (int64_t j = 0; j < n; j++) {
                sum[at + j] += (double)s[j];
                product[at + j] += (double)q[j];
            }
        }
    }
}

LYNE_INLINE void diff_normalize_rows(int64_t rows, int64_t columns, const void *restrict diff, const void *restrict src,
                                     norm_columns c, void *restrict diff_src, bool bf16) {
    const float *restrict mean = c.mean, *restrict scale = c.scale, *restrict average = c.shift,
                          *restrict slope = c.slope;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const int64_t at = i * columns + j;
            const float d = lyne_load(diff, at, bf16), x = lyne_load(src, at, bf16);
            lyne_store(diff_src, at, bf16, scale[j] * (d - average[j] - (x - mean[j]) * slope[j]));
        }
}
LYNE_VECTOR static void diff_normalize(int64_t rows, int64_t columns, const void *diff, const void *src, norm_columns c,
                                       void *diff_src) {
    diff_normalize_rows(rows, columns, diff, src, c, diff_src, false);
}
LYNE_VECTOR static void diff_normalize_bf16(int64_t rows, int64_t columns, const void *diff, const void *src,
                                            norm_columns c, void *diff_src) {
    diff_normalize_rows(rows, columns, diff, src, c, diff_src, true);
}

void norm_moments(bool bf16, int64_t rows, int64_t columns, const void *src, const float *shift, double *sum) {
    if (bf16)
        moments_bf16(rows, columns, src, shift, sum);
    else
        moments(rows, columns, src, shift, sum);
}

void norm_normalize(bool bf16, int64_t rows, int64_t columns, const void *src, norm_columns c, void *dst) {
    (bf16 ? normalize_bf16 : normalize)(rows, columns, src, c, dst);
}

void norm_diff_moments(bool bf16, int64_t rows, int64_t columns, const void *diff, const void *src, const float *mean,
                       double *sum) {
    if (bf16)
        diff_moments_bf16(rows, columns, diff, src, mean, sum);
    else
        diff_moments(rows, columns, diff, src, mean, sum);
}

void norm_diff_normalize(bool bf16, int64_t rows, int64_t columns, const void *diff, const void *src, norm_columns c,
                         void *diff_src) {
    (bf16 ? diff_normalize_bf16 : diff_normalize)(rows, columns, diff, src, c, diff_src);
}
