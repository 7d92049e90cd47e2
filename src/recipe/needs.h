/* recipe/needs.h -- what the stages' fields ask of the recipe around them is there.  Private to recipe/. */
#ifndef LYNE_RECIPE_NEEDS_H
#define LYNE_RECIPE_NEEDS_H

#include "recipe/recipe.h"

/** Classes that are named exist; a stage that chooses by the validation split has one.  Once stages and data are read. */
void lyne_needs_check(const lyne_recipe *r, lyne_diagnostics *out);

/** That soft labels can be stored as their stages say, and be read by the losses that are taught with them. */
void lyne_labels_check(const lyne_recipe *r, lyne_diagnostics *out);

#endif
