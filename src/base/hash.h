/* base/hash.h -- fingerprints (XXH3, 128 bits) and checksums (CRC-32C).
 * Fingerprints guard against mistakes and rot, not against an adversary who may choose both files. */
#ifndef LYNE_BASE_HASH_H
#define LYNE_BASE_HASH_H

#include "lyne/digest.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lyne_hash {
    _Alignas(64) unsigned char state[576]; /* an XXH3_state_t */
} lyne_hash;

void lyne_hash_init(lyne_hash *h);
void lyne_hash_bytes(lyne_hash *h, const void *bytes, size_t n); /* without the length: the caller delimits          */
void lyne_hash_text(lyne_hash *h, const char *text);             /* with its length, so "ab","c" != "a","bc"; NULL ok */
void lyne_hash_u64(lyne_hash *h, uint64_t v);
void lyne_hash_double(lyne_hash *h, double v); /* -0 counts as 0 */
void lyne_hash_digest(lyne_hash *h, lyne_digest d);
lyne_digest lyne_hash_finish(const lyne_hash *h); /* may be called repeatedly */

lyne_digest lyne_digest_of(const void *bytes, size_t n);
bool lyne_digest_equal(lyne_digest a, lyne_digest b);
#define LYNE_DIGEST_TEXT 33 /* 32 hexadecimal digits and NUL */
void lyne_digest_print(lyne_digest d, char out[LYNE_DIGEST_TEXT]);
bool lyne_digest_parse(const char *text, lyne_digest *out); /* exactly 32 lower-case digits */

/** CRC-32C (Castagnoli) of n bytes, continuing from `crc` (0 to start).  Detects every burst of up to 32 bits. */
uint32_t lyne_crc32c(uint32_t crc, const void *bytes, size_t n);
uint32_t lyne_crc32c_portable(uint32_t crc, const void *bytes, size_t n); /* what a CPU without SSE 4.2 gets */

#endif
