/* tests/data/rows.h -- the rows under test, and a folder for files. */
#ifndef TESTS_DATA_ROWS_H
#define TESTS_DATA_ROWS_H

#include "../fill.h"
#include "data/augmentation.h"
#include "data/dataset.h"

extern const lyne_format lyne_dataset_idx, lyne_dataset_strokes;
extern const lyne_augmentation lyne_augmentation_shift;

#endif
