/* check/row.h -- a row tried out: what its author wants to know before anybody trains with it. */
#ifndef LYNE_CHECK_ROW_H
#define LYNE_CHECK_ROW_H

#include "component/registry.h"
#include "lyne/data.h"

enum { LYNE_CHECK_TOLD = 200 };

/** Try a row of the registry with the fields of its example (without one: its defaults), and say in `told` what was found
 *  to be right, or in *err what is wrong:
 *  op         in each of its cases: a gradient that is the derivative (check/gradient.h), the same bits twice
 *  loss       a term of shape (1) whose gradient is the derivative, for few and for many classes (or channels, if it reads
 *             features)
 *  model      logits (B, classes) from a picture of some usual size; one step of training with finite gradients
 *  optimizer  three steps: numbers change, stay finite, padding stays 0, the version goes up
 *  schedule   finite and not negative over a training
 *  dataset       both splits, each twice to the same digest: counts, shapes, labels in range; its files are looked for in
 *                `paths`
 *  augmentation  views of pictures of several sizes, the same ones in another order and by several threads; nothing written
 *                outside dst
 *  Encodings and stages, which no plug-in brings, are not tried. */
lyne_status lyne_check_row(const lyne_registry *registry, const lyne_component *row, const lyne_data_paths *paths,
                           char told[LYNE_CHECK_TOLD], lyne_error *err);

#endif
