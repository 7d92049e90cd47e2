/* recipe/find.h -- where datasets/NAME.yaml is.  Private to recipe/. */
#ifndef LYNE_RECIPE_FIND_H
#define LYNE_RECIPE_FIND_H

#include "base/memory.h"
#include "lyne/status.h"

/** The folder of a recipe's project: the nearest one, from the recipe's own up, that holds descriptions in datasets/; the
 *  recipe's own without such, and without a recipe the current one.  In the arena. */
lyne_status lyne_find_project(const char *recipe_path, lyne_arena *arena, const char **out, lyne_error *err);

/** The first of datasets/NAME.yaml in the folder of the recipe, in each folder above it, in the current one, and with
 *  the installed ones.
 *  NULL if there is none, or NAME is not a plain name.  In the arena. */
const char *lyne_find_description(const char *recipe_path, const char *name, lyne_arena *arena);
/** A name near this one for which there is a description; NULL: none.  In the arena. */
const char *lyne_nearest_description(const char *recipe_path, const char *name, lyne_arena *arena);

#endif
