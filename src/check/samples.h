/* check/samples.h -- data sets and augmentations tried out.  Private to check/; row.h says what is tried. */
#ifndef LYNE_CHECK_SAMPLES_H
#define LYNE_CHECK_SAMPLES_H

#include "lyne/augment.h"
#include "lyne/data.h"

/** told: of LYNE_CHECK_TOLD bytes, as in row.h; config: the row's, filled. */
lyne_status lyne_check_dataset(const lyne_format *format, const void *config, const lyne_data_paths *paths, char *told,
                               lyne_error *err);
lyne_status lyne_check_augmentation(const lyne_augmentation *a, const void *config, char *told, lyne_error *err);

#endif
