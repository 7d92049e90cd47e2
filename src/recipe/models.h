/* recipe/models.h -- the models of a recipe fit its data and each other.  Private to recipe/. */
#ifndef LYNE_RECIPE_MODELS_H
#define LYNE_RECIPE_MODELS_H

#include "recipe/recipe.h"

/** Every model is built once for this data set, so that shapes which do not fit are found before anything runs, and
 *  keep_f32 names nodes that there are.  tree: the recipe as written. */
void lyne_models_check(lyne_recipe *r, const lyne_yaml *tree, const lyne_filler *f);

#endif
