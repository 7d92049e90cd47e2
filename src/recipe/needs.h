/* recipe/needs.h -- what the stages' fields ask of the recipe around them is there.  Private to recipe/. */
#ifndef LYNE_RECIPE_NEEDS_H
#define LYNE_RECIPE_NEEDS_H

#include "recipe/recipe.h"

/** What a stage does to pictures; none if it has no such field. */
lyne_instances lyne_augment_of(const lyne_instance *stage);

/** Classes that are named exist; a stage that chooses by the validation split has one.  Once stages and data are read. */
void lyne_needs_check(const lyne_recipe *r, lyne_diagnostics *out);

#endif
