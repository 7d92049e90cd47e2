/* recipe/assign.h -- an assignment of --set, or of a suite, into the tree of a recipe.  Private to recipe/. */
#ifndef LYNE_RECIPE_ASSIGN_H
#define LYNE_RECIPE_ASSIGN_H

#include "component/yaml.h"

/** lyne_yaml_set, but of a stage that is not there no single field can be set: what is misspelt would be a new stage that
 *  lacks all others. */
void lyne_recipe_assign(lyne_yaml *tree, const char *name, const char *text, lyne_arena *arena, lyne_diagnostics *out);

#endif
