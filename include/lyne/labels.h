/* lyne/labels.h -- read a soft-label cache: what a teacher said of every sample, on disk.
 *
 * A cache is a directory: manifest.json, written last, and shards labels-NNNNN-of-NNNNN.safetensors, each of which any
 * safetensors reader opens.  A record is found by arithmetic on (sample, view) and carries both, so a record in the
 * wrong place is noticed, and a CRC-32C, so a damaged one is.  The format: src/labels/README.md. */
#ifndef LYNE_LABELS_H
#define LYNE_LABELS_H

#include "lyne/status.h"
#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

typedef struct lyne_labels lyne_labels;

/** Open a cache.  Checks the manifest, that every shard is there with the size and header that the manifest says, but
 *  not yet its records.  LYNE_EDATA says what is wrong.  Free with lyne_labels_close (NULL is fine). */
lyne_status lyne_labels_open(const char *directory, lyne_labels **out, lyne_error *err);
void lyne_labels_close(lyne_labels *labels);

uint64_t lyne_labels_samples(const lyne_labels *labels);
uint32_t lyne_labels_views(const lyne_labels *labels);
/** Bytes of all shards. */
uint64_t lyne_labels_bytes(const lyne_labels *labels);
int64_t lyne_labels_classes(const lyne_labels *labels);
/** "f32", "f16": how logits are stored. */
const char *lyne_labels_encoding(const lyne_labels *labels);

/** Read the teacher's logits for one batch.
 *  sample, view   (n) ids, < samples and < views, else LYNE_EDATA
 *  logits         caller's, (n, classes) f32, overwritten
 *  LYNE_EDATA names the shard and record if a record is not the one asked for or fails its checksum; logits are then
 *  unspecified.  Does not allocate.  Safe from several threads on one cache. */
lyne_status lyne_labels_read(const lyne_labels *labels, const uint64_t *sample, const uint32_t *view, int64_t n,
                             float *logits, lyne_error *err);

/** Check every record and the hash of every shard.  LYNE_EDATA with the first thing found. */
lyne_status lyne_labels_verify(const lyne_labels *labels, lyne_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
