/* labels/head.h -- the last layer of a teacher: logits = weight features + bias.  With it, features are logits at any
 * temperature.
 *
 * In a cache it is head.safetensors: `weight` F32 (C, F) and `bias` F32 (C), as PyTorch's nn.Linear has them. */
#ifndef LYNE_LABELS_HEAD_H
#define LYNE_LABELS_HEAD_H

#include "lyne/status.h"
#include <stdint.h>

enum { LYNE_MOST_FEATURES = 8192, LYNE_HEAD_ROWS = 8 };

typedef struct lyne_head {
    int64_t classes, features;
    float *packed, *bias; /* head.c has the layout */
} lyne_head;

/** Copy weight (classes, features) and bias (classes; NULL: zeros).  LYNE_EDATA for more than LYNE_MOST_FEATURES. */
lyne_status lyne_head_init(lyne_head *h, int64_t classes, int64_t features, const float *weight, const float *bias,
                           lyne_error *err);
void lyne_head_deinit(lyne_head *h); /* NULL and zeroed are fine */

/** Commit it, and read it back: of just these sizes, all numbers finite. */
lyne_status lyne_head_save(const lyne_head *h, const char *path, lyne_error *err);
lyne_status lyne_head_load(lyne_head *h, int64_t classes, int64_t features, const char *path, lyne_error *err);

/** Logits (n, classes) of n <= LYNE_HEAD_ROWS rows of features.  A row's bits do not depend on the others'.  Does not
 *  allocate. */
void lyne_head_product(const lyne_head *h, int64_t n, const float *const features[], float *logits);

#endif
