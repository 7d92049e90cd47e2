/* labels/encoding.h -- the row of an encoding: how logits are stored. */
#ifndef LYNE_LABELS_ENCODING_H
#define LYNE_LABELS_ENCODING_H

#include "lyne/component.h"
#include <stdint.h>

typedef struct lyne_encoding {
    lyne_component component;
    const char *dtype; /* of the safetensors tensor `logits` (n, C): "F32", "F16" */
    size_t element;    /* bytes of one                                          */
    float largest;     /* the writer refuses what is farther from 0             */
    void (*encode)(const float *logits, int64_t n, void *stored); /* `stored` may lie at any address */
    void (*decode)(const void *stored, int64_t n, float *logits);
} lyne_encoding;

/** The encoding of that name, as a manifest says it; NULL if there is none. */
const lyne_encoding *lyne_encoding_named(const char *name);

/* What a CPU without F16C gets from the encoding f16: the same bits. */
void lyne_f16_encode_portable(const float *logits, int64_t n, void *stored);
void lyne_f16_decode_portable(const void *stored, int64_t n, float *logits);

#endif
