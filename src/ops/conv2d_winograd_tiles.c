/* ops/conv2d_winograd_tiles.c -- see conv2d_winograd.h.  The matrices are those of F(4 x 4, 3 x 3) in Lavin and Gray
 * 2015, arXiv:1509.09308, section 4.3; each is applied to the columns of a tile, then to its rows. */
#include "base/bf16.h"
#include "ops/conv2d_winograd.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define WIDE __attribute__((target("arch=x86-64-v4")))
#else
#define WIDE
#endif
#define UNROLL _Pragma("GCC unroll 16")

enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t bits __attribute__((vector_size(LANES * sizeof(int32_t))));

LYNE_INLINE void get(const float *from, lanes *to) {
    memcpy(to, from, sizeof *to);
}
LYNE_INLINE void put(float *to, const lanes *from) {
    memcpy(to, from, sizeof *from);
}

/* B^T x */
LYNE_INLINE void around(const lanes x[6], lanes y[6]) {
    const lanes a = x[4] - 4 * x[2], b = x[3] - 4 * x[1], c = x[4] - x[2], d = 2 * (x[3] - x[1]);
    y[0] = 4 * x[0] - 5 * x[2] + x[4];
    y[1] = a + b;
    y[2] = a - b;
    y[3] = c + d;
    y[4] = c - d;
    y[5] = 4 * x[1] - 5 * x[3] + x[5];
}

/* A x */
LYNE_INLINE void spread(const lanes x[4], lanes y[6]) {
    const lanes even = x[0] + x[2], odd = x[1] + x[3], even4 = x[0] + 4 * x[2], odd8 = 2 * x[1] + 8 * x[3];
    y[0] = x[0];
    y[1] = even + odd;
    y[2] = even - odd;
    y[3] = even4 + odd8;
    y[4] = even4 - odd8;
    y[5] = x[3];
}

/* A^T x */
LYNE_INLINE void gather(const lanes x[6], lanes y[4]) {
    const lanes a = x[1] + x[2], b = x[1] - x[2], c = x[3] + x[4], d = x[3] - x[4];
    y[0] = x[0] + a + c;
    y[1] = b + 2 * d;
    y[2] = a + 4 * c;
    y[3] = b + 8 * d + x[5];
}

/* G x */
LYNE_INLINE void filter(const lanes x[3], lanes y[6]) {
    const lanes a = (x[0] + x[2]) * (-1.0f / 6), b = x[1] * (1.0f / 6), c = x[0] * (1.0f / 24) + x[2] * (1.0f / 6),
                d = x[1] * (1.0f / 12);
    y[0] = x[0] * 0.25f;
    y[1] = a - b;
    y[2] = a + b;
    y[3] = c + d;
    y[4] = c - d;
    y[5] = x[2];
}

/* G^T x */
LYNE_INLINE void filter_back(const lanes x[6], lanes y[3]) {
    const lanes a = (x[1] + x[2]) * (1.0f / 6), b = x[3] + x[4];
    y[0] = x[0] * 0.25f - a + b * (1.0f / 24);
    y[1] = (x[2] - x[1]) * (1.0f / 6) + (x[3] - x[4]) * (1.0f / 12);
    y[2] = b * (1.0f / 6) - a + x[5];
}

/* Where a tile is: its picture, and the row and column of its first pixel. */
typedef struct place {
    int64_t picture, row, column;
} place;
static inline place place_of(const winograd_pictures *p, int64_t tile) {
    const int64_t per = p->down * p->across, in = tile % per;
    return (place){tile / per, in / p->across * 4, in % p->across * 4};
}

/* Sixteen channels of a pixel, 0 outside the picture. */
LYNE_INLINE void pixel(const winograd_pictures *p, const float *picture, place at, int64_t i, int64_t j, int64_t c,
                       lanes *out) {
    i += at.row, j += at.column;
    if (i < 0 || j < 0 || i >= p->height || j >= p->width)
        *out = (lanes){0};
    else
        get(picture + ((at.picture * p->height + i) * p->width + j) * p->channels + c, out);
}

static void clear(float *at, int64_t plane, int64_t channels) {
    for (int k = 0; k < WINOGRAD_POINTS; k++) memset(at + k * plane, 0, (size_t)channels * sizeof *at);
}

WIDE void winograd_around(const winograd_pictures *p, const float *picture, int64_t first, float *out) {
    const int64_t plane = winograd_plane(p->channels), n = p->batch * p->down * p->across;
    for (int64_t t = 0; t < WINOGRAD_TILES; t++, out += p->channels) {
        if (first + t >= n) {
            clear(out, plane, p->channels);
            continue;
        }
        const place at = place_of(p, first + t);
        for (int64_t c = 0; c < p->channels; c += LANES) {
            lanes half[6][6];
            UNROLL for (int i = 0; i < 6; i++) {
                lanes x[6], y[6];
                UNROLL for (int j = 0; j < 6; j++) pixel(p, picture, at, i - 1, j - 1, c, &x[j]);
                around(x, y);
                UNROLL for (int j = 0; j < 6; j++) half[i][j] = y[j];
            }
            UNROLL for (int j = 0; j < 6; j++) {
                lanes x[6], y[6];
                UNROLL for (int i = 0; i < 6; i++) x[i] = half[i][j];
                around(x, y);
                UNROLL for (int i = 0; i < 6; i++) put(out + (i * 6 + j) * plane + c, &y[i]);
            }
        }
    }
}

WIDE void winograd_spread(const winograd_pictures *p, const float *picture, int64_t first, float *out) {
    const int64_t plane = winograd_plane(p->channels), n = p->batch * p->down * p->across;
    for (int64_t t = 0; t < WINOGRAD_TILES; t++, out += p->channels) {
        if (first + t >= n) {
            clear(out, plane, p->channels);
            continue;
        }
        const place at = place_of(p, first + t);
        for (int64_t c = 0; c < p->channels; c += LANES) {
            lanes half[4][6];
            UNROLL for (int i = 0; i < 4; i++) {
                lanes x[4], y[6];
                UNROLL for (int j = 0; j < 4; j++) pixel(p, picture, at, i, j, c, &x[j]);
                spread(x, y);
                UNROLL for (int j = 0; j < 6; j++) half[i][j] = y[j];
            }
            UNROLL for (int j = 0; j < 6; j++) {
                lanes x[4], y[6];
                UNROLL for (int i = 0; i < 4; i++) x[i] = half[i][j];
                spread(x, y);
                UNROLL for (int i = 0; i < 6; i++) put(out + (i * 6 + j) * plane + c, &y[i]);
            }
        }
    }
}

/* Sixteen channels of a pixel of dst. */
LYNE_INLINE void finish(const lanes *y, const lanes *bias, winograd_after after, float *to) {
    lanes sum = *y + *bias;
    if (after.add) {
        lanes there;
        get(to, &there);
        sum += there;
    }
    const lanes upper = (lanes){0} + after.upper;
    if (after.relu) sum = (lanes)((bits)sum & ~(sum < 0.0f));
    if (after.upper > 0) sum = (lanes)(((bits)sum & ~(sum > upper)) | ((bits)upper & (sum > upper)));
    put(to, &sum);
}

WIDE void winograd_gather(const winograd_pictures *p, const float *m, int64_t first, const float *bias,
                          winograd_after after, float *picture) {
    const int64_t plane = winograd_plane(p->channels), n = p->batch * p->down * p->across;
    for (int64_t t = 0; t < WINOGRAD_TILES && first + t < n; t++, m += p->channels) {
        const place at = place_of(p, first + t);
        for (int64_t c = 0; c < p->channels; c += LANES) {
            lanes half[6][4], add = {0};
            if (bias) get(bias + c, &add);
            UNROLL for (int i = 0; i < 6; i++) {
                lanes x[6], y[4];
                UNROLL for (int j = 0; j < 6; j++) get(m + (i * 6 + j) * plane + c, &x[j]);
                gather(x, y);
                UNROLL for (int j = 0; j < 4; j++) half[i][j] = y[j];
            }
            UNROLL for (int j = 0; j < 4; j++) {
                lanes x[6], y[4];
                if (at.column + j >= p->width) continue;
                UNROLL for (int i = 0; i < 6; i++) x[i] = half[i][j];
                gather(x, y);
                float *to = picture + ((at.picture * p->height + at.row) * p->width + at.column + j) * p->channels + c;
                UNROLL for (int i = 0; i < 4; i++) if (at.row + i < p->height)
                    finish(&y[i], &add, after, to + i * p->width * p->channels);
            }
        }
    }
}

/* ---- products: a block of rows times vectors is summed in registers ---- */

/* m (rows, n) = v (rows, k) u (k, n), for `vectors` vectors of its columns. */
LYNE_INLINE void multiply_block(int64_t k, int64_t n, const float *v, const float *u, float *m, int rows, int vectors) {
    lanes sum[16];
    UNROLL for (int i = 0; i < rows * vectors; i++) sum[i] = (lanes){0};
    for (int64_t i = 0; i < k; i++) {
        lanes at[2];
        UNROLL for (int j = 0; j < vectors; j++) get(u + i * n + j * LANES, &at[j]);
        UNROLL for (int t = 0; t < rows; t++) UNROLL for (int j = 0; j < vectors; j++) sum[t * vectors + j] +=
            at[j] * v[t * k + i];
    }
    UNROLL for (int t = 0; t < rows; t++) UNROLL for (int j = 0; j < vectors; j++)
        put(m + t * n + j * LANES, &sum[t * vectors + j]);
}

WIDE void winograd_multiply(int64_t tiles, int64_t k, int64_t n, const float *v, const float *u, float *m) {
    for (int point = 0; point < WINOGRAD_POINTS; point++) {
        int64_t c = 0;
        for (; c + 2 * LANES <= n; c += 2 * LANES)
            for (int t = 0; t < tiles; t += 8) multiply_block(k, n, v + t * k, u + c, m + t * n + c, 8, 2);
        for (; c < n; c += LANES)
            for (int t = 0; t < tiles; t += 16) multiply_block(k, n, v + t * k, u + c, m + t * n + c, 16, 1);
        v += winograd_plane(k), u += k * n, m += winograd_plane(n);
    }
}

/* sum (rows, n) += v^T (rows, tiles) d (tiles, n); v and sum begin at the block's first row. */
LYNE_INLINE void correlate_block(int64_t k, int64_t n, const float *v, const float *d, int fresh, float *to, int rows,
                                 int vectors) {
    lanes sum[16];
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int j = 0; j < vectors; j++) {
        lanes start = {0};
        if (!fresh) get(to + r * n + j * LANES, &start);
        sum[r * vectors + j] = start;
    }
    for (int t = 0; t < WINOGRAD_TILES; t++) {
        lanes at[2];
        UNROLL for (int j = 0; j < vectors; j++) get(d + t * n + j * LANES, &at[j]);
        UNROLL for (int r = 0; r < rows; r++) UNROLL for (int j = 0; j < vectors; j++) sum[r * vectors + j] +=
            at[j] * v[t * k + r];
    }
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int j = 0; j < vectors; j++)
        put(to + r * n + j * LANES, &sum[r * vectors + j]);
}

WIDE void winograd_correlate(int64_t k, int64_t n, const float *v, const float *d, int fresh, float *sum) {
    for (int point = 0; point < WINOGRAD_POINTS; point++) {
        int64_t c = 0;
        for (; c + 2 * LANES <= n; c += 2 * LANES)
            for (int64_t r = 0; r < k; r += 8) correlate_block(k, n, v + r, d + c, fresh, sum + r * n + c, 8, 2);
        for (; c < n; c += LANES)
            for (int64_t r = 0; r < k; r += 16) correlate_block(k, n, v + r, d + c, fresh, sum + r * n + c, 16, 1);
        v += winograd_plane(k), d += winograd_plane(n), sum += k * n;
    }
}

/* ---- filters ---- */

WIDE void winograd_filters(int64_t n, const float *w, int64_t step, float *u) {
    for (int64_t c = 0; c < n; c += LANES) {
        lanes half[3][6];
        UNROLL for (int i = 0; i < 3; i++) {
            lanes x[3];
            UNROLL for (int j = 0; j < 3; j++) get(w + (i * 3 + j) * n + c, &x[j]);
            filter(x, half[i]);
        }
        UNROLL for (int j = 0; j < 6; j++) {
            const lanes x[3] = {half[0][j], half[1][j], half[2][j]};
            lanes y[6];
            filter(x, y);
            UNROLL for (int i = 0; i < 6; i++) put(u + (i * 6 + j) * step + c, &y[i]);
        }
    }
}

WIDE void winograd_filters_back(int64_t n, const float *s, int64_t step, float *w) {
    for (int64_t c = 0; c < n; c += LANES) {
        lanes half[6][3];
        UNROLL for (int i = 0; i < 6; i++) {
            lanes x[6];
            UNROLL for (int j = 0; j < 6; j++) get(s + (i * 6 + j) * step + c, &x[j]);
            filter_back(x, half[i]);
        }
        UNROLL for (int j = 0; j < 3; j++) {
            lanes x[6], y[3];
            UNROLL for (int i = 0; i < 6; i++) x[i] = half[i][j];
            filter_back(x, y);
            UNROLL for (int i = 0; i < 3; i++) put(w + (i * 3 + j) * n + c, &y[i]);
        }
    }
}
