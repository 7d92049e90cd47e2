/* data/mix.h -- what mixup and cutmix share: showing two samples in one picture.
 *
 * The partner of a sample in a view, what share of the picture is the sample's, and where the partner shows are drawn
 * from (view_seed, sample, view), as everything of a view is.  So a view does not depend on the batch it is shown in, and
 * what a teacher said of the mixed picture can be looked up by sample and view.  The partner is looked at in a view of
 * its own, drawn from the same three.
 *
 * Mixing stands last among the augmentations; of several at most one is done to a picture, each with its probability. */
#ifndef LYNE_DATA_MIX_H
#define LYNE_DATA_MIX_H

#include "data/augmentation.h"

/* Which sample joins another in a view, and how. */
typedef struct lyne_mix {
    const lyne_instance *how; /* NULL: nothing is mixed */
    uint64_t partner;
    lyne_stream stream; /* for how's draws */
} lyne_mix;
/** Of n samples. */
lyne_mix lyne_mix_draw(lyne_instances augment, uint64_t view_seed, uint64_t sample, uint32_t view, uint64_t n);

/** How many of the augmentations, at their end, mix. */
size_t lyne_count_mixing(lyne_instances augment);
/** What is wrong with a list of augmentations; NULL: nothing. */
const char *lyne_augment_check(lyne_instances augment);

#endif
