/* ops/conv2d_tiles.h -- the inner loops of conv2d_tiles.c: pixels into the layouts that AMX tiles are loaded from, and
 * the products.  All are for a CPU with AMX and AVX-512 alone. */
#ifndef LYNE_OPS_CONV2D_TILES_H
#define LYNE_OPS_CONV2D_TILES_H

#include <stdint.h>

enum { TILE_PIXELS = 32 }; /* along which one product of tiles sums */

/* Put 32 pixels in channel order: row c of `to` (channels, ld) gets channel c of pixel[0..31]; channels % 16 = 0. */
void tiles_by_channel(const uint16_t *const pixel[TILE_PIXELS], int64_t channels, int64_t ld, uint16_t *to);
/* Put them in pairs: for every sixteen channels a block of 16 pairs x 16 channels x 2, `step` numbers apart. */
void tiles_by_pair(const uint16_t *const pixel[TILE_PIXELS], int64_t channels, int64_t step, uint16_t *to);
/* sum (32, 32) of rows ld_sum += a (32, 32 n) of rows ld_a times b: two columns of n blocks of tiles_by_pair, b_step
 * apart.  fresh: sum is overwritten. */
void tiles_multiply(const uint16_t *a, int64_t ld_a, const uint16_t *b, int64_t b_step, int64_t n, int fresh,
                    float *sum, int64_t ld_sum);

#endif
