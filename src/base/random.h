/* base/random.h -- randomness as arithmetic: a pure function of (seed, purpose, epoch, item, draw).
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"): a 128-bit counter
 * under a 64-bit key.  Nothing has a state, so nothing has to be saved, and a view of a picture can be drawn again by
 * whoever knows its coordinates. */
#ifndef LYNE_BASE_RANDOM_H
#define LYNE_BASE_RANDOM_H

#include "lyne/random.h"
#include <stddef.h>
#include <stdint.h>

/* What a draw is for.  Two purposes never share a draw.  Append only: these numbers are part of every result. */
typedef enum lyne_purpose {
    LYNE_FOR_INIT = 1,     /* initial weights: item = hash of the parameter's name  */
    LYNE_FOR_ORDER = 2,    /* order of the samples in an epoch                      */
    LYNE_FOR_AUGMENT = 3,  /* what an augmentation does to a sample in a view       */
    LYNE_FOR_DROPOUT = 4,  /* item = position in the sample stream, epoch = node    */
    LYNE_FOR_DATA = 5,     /* built-in data sets                                    */
    LYNE_FOR_CHECK = 6,    /* gradient checks, audits                               */
    LYNE_FOR_MIX = 7,      /* which sample is mixed into another in a view, and how */
    LYNE_FOR_PARTNER = 8,  /* what augmentations do to that one                     */
    LYNE_FOR_ENCODING = 16 /* what a soft label keeps: item = record               */
} lyne_purpose;

/** The bare generator: 10 rounds.  Known answers in tests/base/random.c. */
void lyne_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/** The stream at (seed, purpose, epoch, item).  Holds 2^24 * 4 draws. */
lyne_stream lyne_stream_at(uint64_t seed, lyne_purpose purpose, uint32_t epoch, uint64_t item);
/** The next n draws at once: the same numbers, in less than half the time. */
void lyne_stream_fill(lyne_stream *s, uint32_t *out, size_t n);

/** The i-th item of a permutation of 0..n-1 that belongs to (seed, epoch), 0 <= i < n: a keyed Feistel network with
 *  cycle walking, so an order of 10^9 samples costs no memory and can be entered anywhere. */
uint64_t lyne_permute(uint64_t seed, uint32_t epoch, uint64_t n, uint64_t i);

#endif
