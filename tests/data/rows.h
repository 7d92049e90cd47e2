/* tests/data/rows.h -- the rows under test, and a folder for files. */
#ifndef TESTS_DATA_ROWS_H
#define TESTS_DATA_ROWS_H

#include "../fill.h"
#include "data/augmentation.h"
#include "data/dataset.h"

extern const lyne_format lyne_dataset_idx, lyne_dataset_strokes, lyne_dataset_cifar, lyne_dataset_pictures,
    lyne_dataset_text;
extern const lyne_augmentation lyne_augmentation_shift, lyne_augmentation_random_crop, lyne_augmentation_flip;
extern const lyne_augmentation lyne_augmentation_rotate, lyne_augmentation_random_resized_crop, lyne_augmentation_erase;
extern const lyne_augmentation lyne_augmentation_color_jitter, lyne_augmentation_mixup, lyne_augmentation_cutmix;

#endif
