/* lyne/digest.h -- a fingerprint of 128 bits (XXH3): of a file, a data set, a recipe's stage. */
#ifndef LYNE_DIGEST_H
#define LYNE_DIGEST_H

#include <stdint.h>

typedef struct lyne_digest {
    uint64_t high, low;
} lyne_digest;

#endif
