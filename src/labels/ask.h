/* labels/ask.h -- the teacher is asked again: does a cache hold what it says? */
#ifndef LYNE_LABELS_ASK_H
#define LYNE_LABELS_ASK_H

#include "labels/tally.h"
#include "labels/writer.h"

/* What came of it.  Where the bits differ (another CPU, another library), KL(stored || teacher) at T = 1 must not exceed
 * what the cache says of itself. */
typedef struct lyne_asked {
    uint64_t n, same;  /* records asked about; those of which the same bits would be stored */
    double max, bound; /* KL of the worst of the others, and the most that is fine          */
    uint64_t worst;    /* that record                                                       */
} lyne_asked;

typedef struct lyne_asking {
    const lyne_labels *labels;
    float *stored;
    double *scratch;
    unsigned char *bytes;
    lyne_asked said;
} lyne_asking;

/** labels: borrowed. */
lyne_status lyne_asking_init(lyne_asking *a, const lyne_labels *labels, lyne_error *err);
void lyne_asking_deinit(lyne_asking *a); /* NULL and zeroed are fine */
/** Whether the labels are of an encoding that stores features. */
bool lyne_asking_features(const lyne_asking *a);
/** That the labels are of as many samples, views, classes and features as the plan says: an identity does not say it.
 *  LYNE_EDATA. */
lyne_status lyne_asking_fits(const lyne_asking *a, const lyne_labels_plan *plan, lyne_error *err);
/** Hold what the teacher says now of a record, logits (classes) and, where they are stored, features, against the cache. */
lyne_status lyne_asking_compare(lyne_asking *a, uint64_t record, const float *features, const float *logits,
                                lyne_error *err);
/** LYNE_OK, or LYNE_EDATA naming the worst record. */
lyne_status lyne_asked_verdict(const lyne_asked *a, const lyne_labels *labels, lyne_error *err);

#endif
