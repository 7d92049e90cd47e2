/* labels/encoding.h -- the row of an encoding: how logits are stored. */
#ifndef LYNE_LABELS_ENCODING_H
#define LYNE_LABELS_ENCODING_H

#include "lyne/component.h"
#include <stdint.h>

typedef struct lyne_encoding {
    lyne_component component;
    const char *dtype; /* of the safetensors tensor `logits` (n, C): "F32", "F16" */
    size_t element;    /* bytes of one                                          */
    void (*encode)(const float *logits, int64_t n, void *stored);
    void (*decode)(const void *stored, int64_t n, float *logits);
} lyne_encoding;

#endif
