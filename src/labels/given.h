/* labels/given.h -- logits that another program wrote: an array (n, classes) and the ids of its n samples, each from a
 * .npy or a .safetensors file (there the tensors `logits` and `ids`; both may be in one file).
 *
 * Logits are F16, BF16, F32 or F64; ids any integers.  Every sample of the data set must be there once, in any order.
 */
#ifndef LYNE_LABELS_GIVEN_H
#define LYNE_LABELS_GIVEN_H

#include "base/hash.h"
#include "formats/npy.h"
#include "formats/safetensors.h"

typedef struct lyne_given_file {
    lyne_npy npy;
    lyne_safetensors tensors;
    lyne_array array; /* in the map of one of them */
    const char *path;
} lyne_given_file;

typedef struct lyne_given {
    lyne_given_file logits, ids;
    int64_t samples, classes;
    int64_t *row; /* (samples) where the logits of each are */
} lyne_given;

/** Open both and find every sample.  Paths are borrowed.  LYNE_EDATA names the file and what is wrong: the type, the
 *  shape, an id that is out of range, missing or there twice. */
lyne_status lyne_given_open(lyne_given *g, const char *logits, const char *ids, int64_t samples, int64_t classes,
                            lyne_error *err);
void lyne_given_close(lyne_given *g); /* NULL, zeroed, failed to open: fine */

/** Logits (n, classes) of samples first .. first + n - 1, which are there.  F64 is rounded. */
void lyne_given_read(const lyne_given *g, int64_t first, int64_t n, float *logits);

/** Of the bytes of both files. */
lyne_status lyne_given_digest(const char *logits, const char *ids, lyne_digest *out, lyne_error *err);

#endif
