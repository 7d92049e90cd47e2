/* data/loader.h -- which sample stands where, and how it looks there: pure functions, no state.
 *
 * Training reads one endless stream of samples.  Position p of the stream belongs to epoch p / n and is item p % n of
 * that epoch's order (lyne_permute), so every sample comes once in each epoch, a batch may span two epochs, and any
 * place can be entered without having been through those before: that is what resuming, sharding and replaying rest on.
 *
 * How a sample looks is its view.  View v of a sample is drawn from (view_seed, sample, v) alone, so whoever knows the
 * three sees the same crop; `views` 0 means a new view each epoch (v = epoch), K means v = epoch % K: in any K epochs, one
 * after the other, every sample is seen in every view once. */
#ifndef LYNE_DATA_LOADER_H
#define LYNE_DATA_LOADER_H

#include "data/augmentation.h"
#include "data/mix.h"
#include "data/subset.h"

typedef struct lyne_loader {
    const lyne_dataset *dataset;
    uint64_t order_seed;
    uint64_t view_seed;
    uint32_t views;
    lyne_instances augment; /* kind LYNE_AUGMENTATION, applied in order; none: as stored */
    /* Training shows these samples alone, and n above is their number; NULL: all.  Set by the caller after init. */
    const lyne_subset *only;
    /* What mixup and cutmix mix in is one of these; NULL: of all.  Set by the caller after init. */
    const lyne_subset *partners;
    int n_threads;    /* OpenMP's maximum when the loader was made */
    uint8_t *scratch; /* 4 pictures for each thread                */
} lyne_loader;

/** Everything borrowed but scratch.  Sequences have no augmentations. */
lyne_status lyne_loader_init(lyne_loader *l, const lyne_dataset *dataset, uint64_t order_seed, uint64_t view_seed,
                             uint32_t views, lyne_instances augment, lyne_error *err);
void lyne_loader_deinit(lyne_loader *l); /* NULL and zeroed are fine */

/* One batch, in the caller's memory.  Any pointer but sample may be NULL if not wanted. */
typedef struct lyne_batch {
    int64_t n;
    uint64_t *sample; /* (n * rows) ids of rows                           */
    uint32_t *view;   /* (n * rows)                                       */
    void *picture;    /* (n, H, W, C) u8; of sequences (n, length) int32  */
    int32_t *label;   /* (n * rows)                                       */
    int32_t *mix;     /* (n, 2) the label of the sample mixed into this one; this one's share of it, LYNE_WHOLE if none */
} lyne_batch;
/** How many samples an epoch of training shows. */
int64_t lyne_loader_shown(const lyne_loader *l);
/** Rows are the stream's positions position .. position + b->n - 1.  Does not allocate. */
void lyne_loader_training(const lyne_loader *l, uint64_t position, lyne_batch *b);
/** Rows are records first .. first + b->n - 1: record r is view r % views of sample r / views (views 0 counts as 1),
 * which is the order of a soft-label cache, and with one view that of the data set.  Records past the end repeat the
 * last (the caller knows how many are real).  Does not allocate. A loader serves one caller at a time: its scratch is
 * shared. */
void lyne_loader_records(const lyne_loader *l, uint64_t first, lyne_batch *b);

/** What was asked of augmentation, as one digest: kinds, fields, view_seed, views, partners (none: of "none"). */
lyne_digest lyne_loader_views_digest(const lyne_loader *l);

#endif
