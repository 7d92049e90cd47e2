/* lyne/labels.h -- read a soft-label cache: what a teacher said of every sample, on disk.
 *
 * A cache is a directory: manifest.json, written last, and shards labels-NNNNN-of-NNNNN.safetensors, each of which any
 * safetensors reader opens.  A record is found by arithmetic on (sample, view) and carries both, so a record in the
 * wrong place is noticed, and a CRC-32C, so a damaged one is.  The format: src/labels/README.md. */
#ifndef LYNE_LABELS_H
#define LYNE_LABELS_H

#include "lyne/status.h"
#include <stdbool.h>
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
/** Width of what goes into the teacher's last layer, if that is stored (encoding `feature`); else 0. */
int64_t lyne_labels_features(const lyne_labels *labels);
/** How they are stored, as a recipe says it: "f16", "{topk: {k: 10, temperature: 1, tail: uniform}}". */
const char *lyne_labels_encoding(const lyne_labels *labels);
/** Bytes of a record: what is stored of the logits, sample, view and checksum. */
uint64_t lyne_labels_record_bytes(const lyne_labels *labels);
/** The one temperature T at which what lyne_labels_read gives is a target, as softmax(logits / T); 0: they are logits,
 *  good at any temperature.  Only the encoding `sampled` has one. */
double lyne_labels_temperature(const lyne_labels *labels);

/** Whether of the classes that share a record's least logit only the mass together is known (topk with `tail: class`): a
 *  loss may then treat them as one class. */
bool lyne_labels_rest_is_class(const lyne_labels *labels);

/* How far what is stored is from what the teacher said, measured while writing: KL(stored || teacher) of the softmax at
 * T = 1, 2, 4, 8, 20 over all records, in nats.  (This way round it is finite for sparse targets too.)  p99 is rounded
 * up by at most 1/16. */
enum { LYNE_LABELS_TEMPERATURES = 5 };
extern const double lyne_labels_temperatures[LYNE_LABELS_TEMPERATURES];
typedef struct lyne_labels_error {
    double mean[LYNE_LABELS_TEMPERATURES], p99[LYNE_LABELS_TEMPERATURES], max[LYNE_LABELS_TEMPERATURES];
} lyne_labels_error;
lyne_labels_error lyne_labels_error_of(const lyne_labels *labels);

/** Read the teacher's logits for one batch.  A class of which nothing is stored has -1e30: probability 0 at any
 *  temperature.
 *  sample, view   (n) ids, < samples and < views, else LYNE_EDATA
 *  logits         caller's, (n, classes) f32, overwritten
 *  LYNE_EDATA names the shard and record if a record is not the one asked for or fails its checksum; logits are then
 *  unspecified.  Does not allocate.  Safe from several threads on one cache. */
lyne_status lyne_labels_read(const lyne_labels *labels, const uint64_t *sample, const uint32_t *view, int64_t n,
                             float *logits, lyne_error *err);

/** Read what goes into the teacher's last layer, for losses that compare features.
 *  features   caller's, (n, lyne_labels_features()) f32, overwritten
 *  LYNE_EDATA as above, and for labels that store none.  Does not allocate.  Safe from several threads. */
lyne_status lyne_labels_read_features(const lyne_labels *labels, const uint64_t *sample, const uint32_t *view,
                                      int64_t n, float *features, lyne_error *err);

/** Check every record, the hash of every shard, and that every record can be decoded.  LYNE_EDATA with the first thing
 * found. */
lyne_status lyne_labels_verify(const lyne_labels *labels, lyne_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
