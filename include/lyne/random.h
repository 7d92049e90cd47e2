/* lyne/random.h -- draws that are a function of where they are made: of seed, sample and view, say.
 *
 * A stream is Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3") at one
 * coordinate.  Whoever knows the coordinate draws the same numbers again, on any machine and any thread. */
#ifndef LYNE_RANDOM_H
#define LYNE_RANDOM_H

#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* A short run of draws at one coordinate.  Copying it copies the position. */
typedef struct lyne_stream {
    uint32_t key[2], counter[4], out[4];
    int left;
} lyne_stream;

uint32_t lyne_stream_bits(lyne_stream *s);
float lyne_stream_uniform(lyne_stream *s);                           /* [0, 1), 24 bits                           */
int64_t lyne_stream_between(lyne_stream *s, int64_t lo, int64_t hi); /* lo..hi inclusive, hi - lo < 2^32, unbiased */
float lyne_stream_normal(lyne_stream *s);                            /* mean 0, sd 1 (Box-Muller, two draws)      */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
