/* ops/conv2d_depthwise_rows.c -- see conv2d_depthwise.h.
 *
 * A block is LANES channels of up to ACROSS neighbouring pixels.  The compiler unrolls it, as its width, stride and type
 * are constants at every call; on CPUs with shorter registers a vector is two or four of them. */
#include "base/vector.h"
#include "ops/conv2d_depthwise.h"

enum { LANES = 16, ACROSS = 4 };

typedef float lanes __attribute__((vector_size(64)));
typedef uint32_t bits __attribute__((vector_size(64)));
typedef uint16_t halves __attribute__((vector_size(32)));

/* n < LANES: only those are read and written, the others count as 0. */
LYNE_INLINE void load(const void *from, int64_t at, bool bf16, int n, lanes *out) {
    if (!bf16) {
        *out = (lanes){0};
        memcpy(out, (const float *)from + at, (size_t)n * sizeof(float));
        return;
    }
    halves h = {0};
    memcpy(&h, (const uint16_t *)from + at, (size_t)n * sizeof(uint16_t));
    const bits wide = __builtin_convertvector(h, bits) << 16;
    memcpy(out, &wide, sizeof *out);
}

LYNE_INLINE void store(void *to, int64_t at, bool bf16, int n, const lanes *value) {
    if (!bf16) {
        memcpy((float *)to + at, value, (size_t)n * sizeof(float));
        return;
    }
    bits b;
    memcpy(&b, value, sizeof b);
    const bits rounded = (b + 0x7fff + (b >> 16 & 1)) >> 16, quiet = b >> 16 | 0x40;
    const bits nan = (bits)((b & 0x7fffffff) > 0x7f800000);
    const halves h = __builtin_convertvector((rounded & ~nan) | (quiet & nan), halves);
    memcpy((uint16_t *)to + at, &h, (size_t)n * sizeof(uint16_t));
}

/* The loops over taps and pixels are short and of constant length, and what they index must stay in registers. */
#define UNROLL _Pragma("GCC unroll 16")

/* Pixel j of row i of a picture, 0 where there is none; inside: there is. */
LYNE_INLINE void load_pixel(const depthwise_shape *s, const void *src, int64_t i, int64_t j, int64_t c, bool inside,
                            bool bf16, int n, lanes *out) {
    if (inside || (j >= 0 && j < s->width))
        load(src, (i * s->width + j) * s->channels + c, bf16, n, out);
    else
        *out = (lanes){0};
}

/* The channels of `across` pixels of dst, from x on. */
LYNE_INLINE void block_of(const depthwise_shape *s, int64_t y, int64_t x, int64_t c, const void *src, const float *w,
                          void *dst, int across, int stride, bool inside, bool bf16, int n) {
    lanes sum[ACROSS];
    UNROLL for (int k = 0; k < across; k++) sum[k] = (lanes){0};
    for (int u = 0; u < 3; u++) {
        const int64_t i = y * stride + u - 1;
        if (i < 0 || i >= s->height) continue;
        lanes pixel[(ACROSS - 1) * 2 + 3], tap[3];
        UNROLL for (int j = 0; j < (across - 1) * stride + 3; j++)
            load_pixel(s, src, i, x * stride - 1 + j, c, inside, bf16, n, &pixel[j]);
        UNROLL for (int v = 0; v < 3; v++) load(w, (u * 3 + v) * s->channels + c, false, n, &tap[v]);
        UNROLL for (int v = 0; v < 3; v++) UNROLL for (int k = 0; k < across; k++) sum[k] +=
            tap[v] * pixel[k * stride + v];
    }
    UNROLL for (int k = 0; k < across; k++) store(dst, (x + k) * s->channels + c, bf16, n, &sum[k]);
}

/* Whether a block reads no pixel that is not there. */
LYNE_INLINE bool is_inside(const depthwise_shape *s, int64_t x, int across, int stride) {
    return x > 0 && (x + across - 1) * stride + 1 < s->width;
}

LYNE_INLINE void block(const depthwise_shape *s, int64_t y, int64_t x, int64_t c, const void *src, const float *w,
                       void *dst, int across, int stride, bool bf16, int n) {
    if (is_inside(s, x, across, stride))
        block_of(s, y, x, c, src, w, dst, across, stride, true, bf16, n);
    else
        block_of(s, y, x, c, src, w, dst, across, stride, false, bf16, n);
}

LYNE_INLINE void row(const depthwise_shape *s, int64_t y, int64_t c, const void *src, const float *w, void *dst,
                     int stride, bool bf16, int n) {
    int64_t x = 0;
    for (; x + 4 <= s->columns; x += 4) block(s, y, x, c, src, w, dst, 4, stride, bf16, n);
    for (; x + 2 <= s->columns; x += 2) block(s, y, x, c, src, w, dst, 2, stride, bf16, n);
    for (; x < s->columns; x++) block(s, y, x, c, src, w, dst, 1, stride, bf16, n);
}

/* Row i of diff_src where positions of dst lie two apart. */
LYNE_INLINE void apart_row(const depthwise_shape *s, int64_t i, int64_t c, const void *diff_dst, const float *w,
                           void *diff_src, bool bf16, int n) {
    for (int64_t j = 0; j < s->width; j++) {
        lanes sum = {0};
        for (int u = (int)((i + 1) & 1); u < 3; u += 2) {
            const int64_t y = (i + 1 - u) / 2;
            if (i + 1 < u || y >= s->rows) continue;
            for (int v = (int)((j + 1) & 1); v < 3; v += 2) {
                const int64_t x = (j + 1 - v) / 2;
                if (j + 1 < v || x >= s->columns) continue;
                lanes diff, tap;
                load(diff_dst, (y * s->columns + x) * s->channels + c, bf16, n, &diff);
                load(w, (u * 3 + v) * s->channels + c, false, n, &tap);
                sum += tap * diff;
            }
        }
        store(diff_src, j * s->channels + c, bf16, n, &sum);
    }
}

/* What `across` pixels of diff_dst, from x on, add. */
LYNE_INLINE void diff_block_of(const depthwise_shape *s, int64_t y, int64_t x, int64_t c, const void *src,
                               const void *diff_dst, lanes sum[9], int across, int stride, bool inside, bool bf16,
                               int n) {
    lanes diff[ACROSS];
    UNROLL for (int k = 0; k < across; k++)
        load(diff_dst, (y * s->columns + x + k) * s->channels + c, bf16, n, &diff[k]);
    UNROLL for (int u = 0; u < 3; u++) {
        const int64_t i = y * stride + u - 1;
        if (i < 0 || i >= s->height) continue;
        lanes pixel[(ACROSS - 1) * 2 + 3];
        UNROLL for (int j = 0; j < (across - 1) * stride + 3; j++)
            load_pixel(s, src, i, x * stride - 1 + j, c, inside, bf16, n, &pixel[j]);
        UNROLL for (int v = 0; v < 3; v++) UNROLL for (int k = 0; k < across; k++) sum[u * 3 + v] +=
            diff[k] * pixel[k * stride + v];
    }
}

LYNE_INLINE void diff_block(const depthwise_shape *s, int64_t y, int64_t x, int64_t c, const void *src,
                            const void *diff_dst, lanes sum[9], int across, int stride, bool bf16, int n) {
    if (is_inside(s, x, across, stride))
        diff_block_of(s, y, x, c, src, diff_dst, sum, across, stride, true, bf16, n);
    else
        diff_block_of(s, y, x, c, src, diff_dst, sum, across, stride, false, bf16, n);
}

/* The first `done` of the channels have been added before. */
LYNE_INLINE void diff_sample(const depthwise_shape *s, int64_t c, const void *src, const void *diff_dst, float *to,
                             int stride, bool bf16, int n, int done) {
    lanes sum[9];
    UNROLL for (int t = 0; t < 9; t++) load(to, t * s->channels + c, false, n, &sum[t]);
    for (int64_t y = 0; y < s->rows; y++) {
        int64_t x = 0;
        for (; x + 4 <= s->columns; x += 4) diff_block(s, y, x, c, src, diff_dst, sum, 4, stride, bf16, n);
        for (; x + 2 <= s->columns; x += 2) diff_block(s, y, x, c, src, diff_dst, sum, 2, stride, bf16, n);
        for (; x < s->columns; x++) diff_block(s, y, x, c, src, diff_dst, sum, 1, stride, bf16, n);
    }
    UNROLL for (int t = 0; t < 9; t++) {
        const lanes all = sum[t];
        float *at = to + t * s->channels + c;
        if (done == 0)
            store(at, 0, false, n, &all);
        else
            memcpy(at + done, (const float *)&all + done, (size_t)(n - done) * sizeof(float));
    }
}

/* EACH(n, done) for every block of n channels from c on, of which `done` have been seen before. */
#define BLOCKS(channels, EACH)                                                                                         \
    int64_t c = 0;                                                                                                     \
    if (channels < LANES) {                                                                                            \
        for (; c < channels; c++) EACH(1, 0);                                                                          \
        return;                                                                                                        \
    }                                                                                                                  \
    for (; c + LANES <= channels; c += LANES) EACH(LANES, 0);                                                          \
    if (c < channels) {                                                                                                \
        const int done = (int)(LANES - (channels - c));                                                                \
        c = channels - LANES;                                                                                          \
        EACH(LANES, done);                                                                                             \
    }

#define ROW(n, done) (void)(done), row(s, y, c, src, w, dst, 1, bf16, n)
#define FORWARD(name, bf16_is)                                                                                         \
    LYNE_VECTOR static void name(const depthwise_shape *s, int64_t y, const void *src, const float *w, void *dst) {    \
        enum { bf16 = bf16_is };                                                                                       \
        BLOCKS(s->channels, ROW)                                                                                       \
    }
FORWARD(row_f32, 0)
FORWARD(row_bf16, 1)

#define APART(n, done) (void)(done), apart_row(s, i, c, diff_dst, w, diff_src, bf16, n)
#define DATA(name, bf16_is)                                                                                            \
    LYNE_VECTOR static void name(const depthwise_shape *s, int64_t i, const void *diff_dst, const float *w,            \
                                 void *diff_src) {                                                                     \
        enum { bf16 = bf16_is };                                                                                       \
        BLOCKS(s->channels, APART)                                                                                     \
    }
DATA(diff_row_f32, 0)
DATA(diff_row_bf16, 1)

void depthwise_diff_row(const depthwise_shape *s, int64_t y, const void *diff_dst, const float *w, void *diff_src) {
    if (s->stride == 1)
        (s->bf16 ? row_bf16 : row_f32)(s, y, diff_dst, w, diff_src);
    else
        (s->bf16 ? diff_row_bf16 : diff_row_f32)(s, y, diff_dst, w, diff_src);
}

#define SAMPLE(n, done) diff_sample(s, c, src, diff_dst, sum, stride, bf16, n, done)
#define WEIGHTS(name, stride_is, bf16_is)                                                                              \
    LYNE_VECTOR static void name(const depthwise_shape *s, const void *src, const void *diff_dst, float *sum) {        \
        enum { stride = stride_is, bf16 = bf16_is };                                                                   \
        BLOCKS(s->channels, SAMPLE)                                                                                    \
    }
WEIGHTS(weights_f32, 1, 0)
WEIGHTS(weights_bf16, 1, 1)
WEIGHTS(weights_apart_f32, 2, 0)
WEIGHTS(weights_apart_bf16, 2, 1)

void depthwise_diff_weights(const depthwise_shape *s, const void *src, const void *diff_dst, float *sum) {
    if (s->stride == 1)
        (s->bf16 ? weights_bf16 : weights_f32)(s, src, diff_dst, sum);
    else
        (s->bf16 ? weights_apart_bf16 : weights_apart_f32)(s, src, diff_dst, sum);
}
