/* data/subset.h -- some of the samples of a data set: what is held out for validation, what a stage shows.
 *
 * A sample keeps its id, so soft labels written for the whole data set serve any part of it. */
#ifndef LYNE_DATA_SUBSET_H
#define LYNE_DATA_SUBSET_H

#include "data/dataset.h"

typedef struct lyne_subset {
    uint64_t *id; /* ascending */
    int64_t n;
} lyne_subset;
void lyne_subset_free(lyne_subset *s); /* NULL and zeroed are fine */

/** Draw n samples of a split, of every class as large a share as it has of the split, the same at every call; the others
 *  are *rest.  LYNE_EDATA unless 0 < n < d->n. */
lyne_status lyne_subset_draw(const lyne_dataset *d, int64_t n, lyne_subset *drawn, lyne_subset *rest, lyne_error *err);

/* What a stage shows of the samples it is given. */
typedef struct lyne_shown {
    lyne_texts classes, without; /* names of classes: these alone; all but these; none: no matter */
    int64_t samples;             /* drawn from what is left; 0: all                               */
} lyne_shown;
/** Of `from` (NULL: of the split) what is to be shown.  LYNE_EDATA when nothing is left, or less than `samples`. */
lyne_status lyne_subset_show(const lyne_dataset *d, const lyne_subset *from, const lyne_shown *shown,
                             const lyne_texts *class_names, lyne_subset *out, lyne_error *err);

/** A data set of these samples alone, renumbered, as split `split`; free with lyne_dataset_close. */
lyne_status lyne_subset_copy(const lyne_dataset *d, const lyne_subset *s, lyne_split split, lyne_dataset *out,
                             lyne_error *err);

#endif
