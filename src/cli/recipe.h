/* cli/recipe.h -- reading a recipe for a command. */
#ifndef LYNE_CLI_RECIPE_H
#define LYNE_CLI_RECIPE_H

#include "recipe/recipe.h"

/** Mistakes with their lines to stderr, in colour where it has some; frees them. */
void lyne_cli_print(lyne_diagnostics *diagnostics);
/** Read and check; mistakes are printed to stderr with their lines.  Free the recipe in any case. */
lyne_status lyne_cli_read(lyne_recipe *recipe, const char *path, const char *const *set, size_t n_set,
                          const lyne_registry *registry);
/** Warnings about one without mistakes, to stderr. */
void lyne_cli_advise(const lyne_recipe *recipe);

/** Print a line for each node that stands between the features of student and teacher (train/features.h). */
lyne_status lyne_cli_print_adapters(lyne_recipe *recipe, lyne_error *err);

#endif
