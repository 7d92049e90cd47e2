/* recipe/sweep.h -- `sweep:` makes several recipes of one.  Private to recipe/.
 *
 *     sweep:                                                        all combinations, the last axis the fastest
 *       stages.student.distill.loss.0.kd.temperature: [1, 4, 20]
 *       stages.student.distill.model.mlp.hidden: [[64], [128]]
 *     sweep:                                                        or just these
 *       - {stages.student.distill.epochs: 5, stages.alone.train.epochs: 5}
 *       - {stages.student.distill.epochs: 10, stages.alone.train.epochs: 10}
 *
 * A path is that of --set.  A stage depends on an axis if the path leads into it, into a stage that it reads, or to what
 * concerns all (precision, data, blocks); its files lie in OUT/STAGE/AXIS=VALUE,..., with only the axes it depends on, so
 * that points share what they have in common, and a value more or less leaves the others' files where they are. */
#ifndef LYNE_RECIPE_SWEEP_H
#define LYNE_RECIPE_SWEEP_H

#include "recipe/recipe.h"

/** Read every point by `read`, which is given the tree of each, into r->point, and the first into *r too.  A mistake that
 *  only some points have is marked at the value that they have in common. */
void lyne_sweep_read(lyne_recipe *r, const lyne_yaml *tree, const lyne_yaml *sweep, const char *const *set,
                     size_t n_set, void (*read)(lyne_recipe *r, const lyne_yaml *tree, const lyne_filler *f),
                     const lyne_filler *f);
/** As YAML that reads back to the same points. */
void lyne_sweep_print(const lyne_recipe *r, lyne_text *out);

#endif
