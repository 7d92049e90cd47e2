/* recipe/find.h -- where datasets/NAME.yaml is.  Private to recipe/. */
#ifndef LYNE_RECIPE_FIND_H
#define LYNE_RECIPE_FIND_H

#include "base/memory.h"

/** The first of datasets/NAME.yaml in the folder of the recipe, in each folder above it, in the current one, and with
 *  the installed ones.
 *  NULL if there is none, or NAME is not a plain name.  In the arena. */
const char *lyne_find_description(const char *recipe_path, const char *name, lyne_arena *arena);
/** A name near this one for which there is a description; NULL: none.  In the arena. */
const char *lyne_nearest_description(const char *recipe_path, const char *name, lyne_arena *arena);

#endif
