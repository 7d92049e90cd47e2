/* labels/writer.h -- write a soft-label cache, shard by shard.
 *
 * A shard appears under its name whole or not at all, and carries the fingerprint of what it answers; a writer that was
 * killed is started again on the same directory and goes on behind the last whole shard, to the same bytes.  The
 * manifest comes last: a directory without it is not a cache. */
#ifndef LYNE_LABELS_WRITER_H
#define LYNE_LABELS_WRITER_H

#include "base/hash.h"
#include "labels/encoding.h"
#include "lyne/labels.h"

/* Whose answers they are and to what.  Each is compared by name before a student is trained on them. */
typedef struct lyne_labels_identity {
    lyne_digest teacher;       /* weights and architecture */
    lyne_digest data;          /* the training split       */
    lyne_digest preprocessing; /* normalisation            */
    lyne_digest views;         /* augmentation and seed    */
    lyne_digest classes;       /* their names and number   */
} lyne_labels_identity;

typedef struct lyne_labels_plan {
    const char *directory;
    uint64_t samples;
    uint32_t views; /* record r = sample * views + view */
    int64_t classes;
    lyne_instance encoding;     /* kind LYNE_ENCODING; its config is borrowed */
    uint64_t records_per_shard; /* the last shard may have fewer */
    lyne_labels_identity identity;
} lyne_labels_plan;

/** What a cache of this plan will take on disk, without its manifest, to within a percent or two. */
lyne_status lyne_labels_plan_bytes(const lyne_labels_plan *plan, uint64_t *out, lyne_error *err);

typedef struct lyne_labels_writer lyne_labels_writer;

/** Make or re-enter the directory (locked against a second writer).  Whole shards of the same plan are kept, anything
 *  else of ours in there is removed. */
lyne_status lyne_labels_begin(const lyne_labels_plan *plan, lyne_labels_writer **out, lyne_error *err);
/** Remove what a cache in this directory consists of, if there is one. */
lyne_status lyne_labels_clear(const char *directory, lyne_error *err);
/** The record that is due next: everything before it is on disk or in the open shard.  samples * views: all are there.
 */
uint64_t lyne_labels_next(const lyne_labels_writer *w);
/** Append n records, the first of which is the one due; logits (n, classes).  Refuses numbers that are not finite
 *  (LYNE_ENOTFINITE, naming the sample). */
lyne_status lyne_labels_append(lyne_labels_writer *w, const float *logits, int64_t n, lyne_error *err);
/** Commit the manifest.  All records must be there. */
lyne_status lyne_labels_finish(lyne_labels_writer *w, lyne_error *err);
void lyne_labels_writer_free(lyne_labels_writer *w); /* NULL is fine; an unfinished shard is dropped */

/** LYNE_OK if an opened cache answers for this identity, else LYNE_EDATA naming the first thing that differs. */
lyne_status lyne_labels_match(const lyne_labels *labels, const lyne_labels_identity *wanted, lyne_error *err);

#endif
