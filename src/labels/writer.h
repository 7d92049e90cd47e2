/* labels/writer.h -- write a soft-label cache, shard by shard.
 *
 * A shard appears under its name whole or not at all, and carries the fingerprint of what it answers; a writer that was
 * killed is started again on the same directory and writes what is missing, to the same bytes.  The manifest comes last:
 * a directory without it is not a cache.
 *
 * A shard is put together when its tally is known: from memory, or, if it has more records than plan.memory holds, from a
 * file without a name, so the memory of a writer does not depend on how large a shard is. */
#ifndef LYNE_LABELS_WRITER_H
#define LYNE_LABELS_WRITER_H

#include "base/hash.h"
#include "labels/encoding.h"
#include "lyne/labels.h"
#include <stdbool.h>

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
    int64_t features;       /* with an encoding that stores them, else 0; the writer needs the layer behind them: */
    const lyne_head *head;  /* borrowed until lyne_labels_begin has returned */
    uint64_t memory;        /* most bytes of records that are kept in memory; 0: 64 MiB */
    uint32_t part, n_parts; /* write the part-th (from 1) of n_parts alike parts; 0, 0: all */
    bool (*stopped)(void);  /* asked between shards while those on disk are checked (LYNE_STOPPED); NULL: never */
} lyne_labels_plan;

/** Bytes that a cache of this plan will take on disk, without its manifest, to within a percent or two, and that its
 *  writer holds in memory. */
lyne_status lyne_labels_plan_bytes(const lyne_labels_plan *plan, uint64_t *disk, uint64_t *memory, lyne_error *err);

typedef struct lyne_labels_writer lyne_labels_writer;

/** Make or re-enter the directory, locked: a second writer of any of the same shards is refused (LYNE_EOTHER).  Whole
 *  shards of the same plan are kept; of what else is ours in there, the writer of all removes everything, the writer of a
 *  part what bears the names of its shards. */
lyne_status lyne_labels_begin(const lyne_labels_plan *plan, lyne_labels_writer **out, lyne_error *err);
/** Whether a whole file of a cache is called so. */
bool lyne_labels_owns(const char *name);
/** Remove what a cache in this directory consists of, if there is one. */
lyne_status lyne_labels_clear(const char *directory, lyne_error *err);
/** Whether it stores features: lyne_labels_append_features is then the one to call. */
bool lyne_labels_stores_features(const lyne_labels_writer *w);
/** The record that is due next; samples * views: all are there that this writer has to write.  Behind a shard that was
 *  closed it may be more than one further, as whole shards are passed over. */
uint64_t lyne_labels_next(const lyne_labels_writer *w);
/** How many are due from that one to the end of its shard. */
uint64_t lyne_labels_due(const lyne_labels_writer *w);
/** Records that are still to be written, and those that this writer has to see to in all. */
uint64_t lyne_labels_left(const lyne_labels_writer *w);
uint64_t lyne_labels_total(const lyne_labels_writer *w);
/** Append n records, the first of which is the one due and all of which are; logits (n, classes).  Refuses numbers that
 *  are not finite (LYNE_ENOTFINITE, naming the sample). */
lyne_status lyne_labels_append(lyne_labels_writer *w, const float *logits, int64_t n, lyne_error *err);
/** The same for an encoding that stores features (n, plan.features), the logits being what the teacher made of them. */
lyne_status lyne_labels_append_features(lyne_labels_writer *w, const float *features, const float *logits, int64_t n,
                                        lyne_error *err);
/** Commit the manifest, that of the part if it is one.  All records must be there. */
lyne_status lyne_labels_finish(lyne_labels_writer *w, lyne_error *err);
void lyne_labels_writer_free(lyne_labels_writer *w); /* NULL is fine; an unfinished shard is dropped */

/** Join parts: the shards of all n directories, each checked against the manifest of its part, every record against its
 *  checksum, into `out` (which may be one of them), with the manifest that a writer of all would have left.  LYNE_EDATA
 *  names the first part that is of other labels, or the shards that nobody has, or says that n is 0; LYNE_EUSAGE where
 *  `out` has other labels, which stay. */
lyne_status lyne_labels_merge(const char *const *directory, size_t n, const char *out, lyne_error *err);

/** LYNE_OK if an opened cache answers for this identity, else LYNE_EDATA naming the first thing that differs. */
lyne_status lyne_labels_match(const lyne_labels *labels, const lyne_labels_identity *wanted, lyne_error *err);

#endif
