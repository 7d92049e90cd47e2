/* ops/conv2d_winograd.h -- the inner loops of conv2d_winograd.c, for AVX-512: tiles of 4 x 4 pixels of dst, sixteen
 * channels to a vector.  Transformed numbers lie as POINTS planes of (WINOGRAD_TILES, channels), each plane a little
 * longer than that, so that a tile's numbers do not all fall into the same set of the cache. */
#ifndef LYNE_OPS_CONV2D_WINOGRAD_H
#define LYNE_OPS_CONV2D_WINOGRAD_H

#include <stdbool.h>
#include <stdint.h>

enum { WINOGRAD_POINTS = 36, WINOGRAD_TILES = 32 };

/* Floats from one plane of transformed numbers to the next. */
static inline int64_t winograd_plane(int64_t channels) {
    return WINOGRAD_TILES * channels + 16;
}

/* A batch of pictures, channels last, cut into tiles of 4 x 4 in order: (batch, down, across). */
typedef struct winograd_pictures {
    int64_t batch, height, width, channels, down, across;
} winograd_pictures;

/** B^T d B of the 6 x 6 pixels around each of WINOGRAD_TILES tiles from `first` on; tiles behind the last are zeros. */
void winograd_around(const winograd_pictures *p, const float *picture, int64_t first, float *out);
/** A y A^T of the 4 x 4 pixels of each tile. */
void winograd_spread(const winograd_pictures *p, const float *picture, int64_t first, float *out);
/* What becomes of A^T m A on its way into the pictures: min(max(0, A^T m A + bias + what is there), upper). */
typedef struct winograd_after {
    bool add, relu;
    float upper; /* 0: none */
} winograd_after;
/** The 4 x 4 pixels of each tile into the pictures; bias (channels) or NULL.  A NaN stays one. */
void winograd_gather(const winograd_pictures *p, const float *m, int64_t first, const float *bias, winograd_after after,
                     float *picture);

/** m (tiles, n) = v (tiles, k) u (k, n) for each point; u (POINTS, k, n).  tiles: of WINOGRAD_TILES those that count, at
 *  least. */
void winograd_multiply(int64_t tiles, int64_t k, int64_t n, const float *v, const float *u, float *m);
/** sum (k, n) += v^T (k, tiles) d (tiles, n) for each point; fresh: sum is overwritten. */
void winograd_correlate(int64_t k, int64_t n, const float *v, const float *d, int fresh, float *sum);

/** u (k, n) = G w G^T of one row: n filters w (9, n), to u + point step. */
void winograd_filters(int64_t n, const float *w, int64_t step, float *u);
/** G^T s G of one row back: w (9, n). */
void winograd_filters_back(int64_t n, const float *s, int64_t step, float *w);

#endif
