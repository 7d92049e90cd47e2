/* base/random.c -- Philox4x32-10, streams at a coordinate, and a permutation that is computed, not stored. */
#include "base/random.h"
#include "base/vector.h"

#include <assert.h>
#include <math.h>

enum { PHILOX_ROUNDS = 10, FEISTEL_ROUNDS = 8 };

void lyne_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53 * c0, p1 = (uint64_t)0xCD9E8D57 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The counter: [0] purpose in the upper 8 bits, block of four draws in the lower 24; [1] epoch; [2], [3] item. */
lyne_stream lyne_stream_at(uint64_t seed, lyne_purpose purpose, uint32_t epoch, uint64_t item) {
    return (lyne_stream){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                         .counter = {(uint32_t)purpose << 24, epoch, (uint32_t)item, (uint32_t)(item >> 32)}};
}

uint32_t lyne_stream_bits(lyne_stream *s) {
    if (s->left == 0) {
        lyne_philox(s->counter, s->key, s->out);
        s->counter[0]++;
        assert(s->counter[0] & 0xFFFFFF); /* one more block would be another purpose's */
        s->left = 4;
    }
    return s->out[4 - s->left--];
}

enum { LANES = 16 }; /* blocks side by side: one AVX-512 register of each counter word */

/* The draws of LANES blocks, in order, from the stream's counter on. */
LYNE_VECTOR static void philox_lanes(const lyne_stream *s, uint32_t out[4 * LANES]) {
    const uint32_t first = s->counter[0], epoch = s->counter[1], low = s->counter[2], high = s->counter[3];
    const uint32_t key0 = s->key[0], key1 = s->key[1];
#pragma omp simd
    for (uint32_t i = 0; i < LANES; i++) {
        uint32_t c0 = first + i, c1 = epoch, c2 = low, c3 = high, k0 = key0, k1 = key1;
#pragma GCC unroll 10
        for (int round = 0; round < PHILOX_ROUNDS; round++) {
            uint64_t p0 = (uint64_t)0xD2511F53 * c0, p1 = (uint64_t)0xCD9E8D57 * c2;
            c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
            c1 = (uint32_t)p1;
            c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
            c3 = (uint32_t)p0;
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        out[4 * i] = c0;
        out[4 * i + 1] = c1;
        out[4 * i + 2] = c2;
        out[4 * i + 3] = c3;
    }
}

void lyne_stream_fill(lyne_stream *s, uint32_t *out, size_t n) {
    for (; n && s->left; n--) *out++ = lyne_stream_bits(s);
    for (; n >= 4 * LANES; n -= 4 * LANES, out += 4 * LANES) {
        philox_lanes(s, out);
        s->counter[0] += LANES;
        assert((s->counter[0] & 0xFFFFFF) >= LANES); /* as in lyne_stream_bits */
    }
    for (; n; n--) *out++ = lyne_stream_bits(s);
}

float lyne_stream_uniform(lyne_stream *s) {
    return (float)(lyne_stream_bits(s) >> 8) * 0x1p-24f;
}

/* Lemire 2019, arXiv:1805.10941: the upper word of draw * range, the few draws that would favour some value refused. */
int64_t lyne_stream_between(lyne_stream *s, int64_t lo, int64_t hi) {
    uint64_t range = (uint64_t)hi - (uint64_t)lo + 1;
    assert(lo <= hi && range - 1 <= UINT32_MAX);
    uint64_t product = lyne_stream_bits(s) * range;
    if ((uint32_t)product < range) {
        uint32_t refused = (uint32_t)((UINT64_C(1) << 32) % range);
        while ((uint32_t)product < refused) product = lyne_stream_bits(s) * range;
    }
    return (int64_t)((uint64_t)lo + (product >> 32));
}

/* In double, so that rounding to float hides the last bit in which one libm differs from another. */
float lyne_stream_normal(lyne_stream *s) {
    double radius = sqrt(-2.0 * log(((double)lyne_stream_bits(s) + 0.5) * 0x1p-32));
    double angle = 6.283185307179586 * 0x1p-32 * (double)lyne_stream_bits(s);
    return (float)(radius * cos(angle));
}

/* `bits` well mixed bits of x under key. */
static uint32_t mix(uint32_t x, uint32_t key, int bits) {
    uint64_t h = (uint64_t)(x ^ key) * UINT64_C(0xBF58476D1CE4E5B9);
    h = (h ^ h >> 32) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(h >> (64 - bits));
}

/* On 2^bits >= n numbers, walking on from those beyond n: below two steps on average, 64 / n for the tiny n, whose
 * domain is kept at 64 because a Feistel network on a few bits is visibly uneven. */
uint64_t lyne_permute(uint64_t seed, uint32_t epoch, uint64_t n, uint64_t i) {
    assert(i < n);
    int bits = n <= 64 ? 6 : 64 - __builtin_clzll(n - 1), low = bits / 2, high = bits - low;
    uint64_t mask = (UINT64_C(1) << low) - 1;
    uint32_t key[FEISTEL_ROUNDS] = {0};
    lyne_stream keys = lyne_stream_at(seed, LYNE_FOR_ORDER, epoch, n);
    for (int round = 0; round < FEISTEL_ROUNDS; round++) key[round] = lyne_stream_bits(&keys);
    do {
        uint32_t left = (uint32_t)(i >> low), right = (uint32_t)(i & mask);
        for (int round = 0; round < FEISTEL_ROUNDS; round += 2) {
            left ^= mix(right, key[round], high);
            right ^= mix(left, key[round + 1], low);
        }
        i = (uint64_t)left << low | right;
    } while (i >= n);
    return i;
}
