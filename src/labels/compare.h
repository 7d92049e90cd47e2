/* labels/compare.h -- what two caches of the same samples, views and classes say: do they agree, and how far are they
 * apart; and a cache as one array for NumPy. */
#ifndef LYNE_LABELS_COMPARE_H
#define LYNE_LABELS_COMPARE_H

#include "labels/tally.h"

enum { LYNE_MOST_DISAGREEMENTS = 1000 };

/* A record whose likeliest class is another in either cache.  Of equal ones the lowest class counts. */
typedef struct lyne_disagreement {
    uint64_t sample;
    uint32_t view;
    int64_t class[2];      /* in A, in B                                */
    double probability[2]; /* of that class in that cache, softmax at 1 */
} lyne_disagreement;

typedef struct lyne_comparison {
    uint64_t records, agreeing;
    lyne_labels_error kl;      /* KL(A || B) */
    size_t n_listed;           /* the first disagreements in the order of the samples, as many as asked for */
    lyne_disagreement *listed; /* caller frees with lyne_free */
} lyne_comparison;

/** Compare every record.  LYNE_EDATA if the caches are not of the same samples, views, classes, data or augmentation;
 *  teacher, preprocessing and encoding may differ.  Where B stores nothing of a class that A thinks possible (topk with
 *  `tail: drop`, sampled) the divergence is beyond all bounds: put such a cache first. */
lyne_status lyne_labels_compare(const lyne_labels *a, const lyne_labels *b, size_t list, lyne_comparison *out,
                                lyne_error *err);

/** Write DIRECTORY/logits.npy, f32 (samples, classes) or with several views (samples, views, classes), and
 *  DIRECTORY/ids.npy, i64 (samples): what `import` reads.  Of `sampled`, T times the logarithm of the target.
 *  LYNE_EUSAGE where one of them is there already. */
lyne_status lyne_labels_export(const lyne_labels *labels, const char *directory, lyne_error *err);

#endif
