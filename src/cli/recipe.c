/* cli/recipe.c -- a recipe and its diagnostics on stderr. */
#include "cli/recipe.h"
#include <stdlib.h>
#include <unistd.h>

void lyne_cli_print(lyne_diagnostics *d) {
    const char *no_colour = getenv("NO_COLOR");
    lyne_diagnostics_print(d, stderr, isatty(STDERR_FILENO) && !(no_colour && *no_colour));
    lyne_diagnostics_free(d);
}

lyne_status lyne_cli_read(lyne_recipe *recipe, const char *path, const char *const *set, size_t n_set,
                          const lyne_registry *registry) {
    lyne_diagnostics diagnostics = {0};
    const lyne_status status = lyne_recipe_read(recipe, path, set, n_set, registry, &diagnostics);
    lyne_cli_print(&diagnostics);
    return status;
}

void lyne_cli_advise(const lyne_recipe *recipe) {
    lyne_diagnostics diagnostics = {0};
    for (size_t i = 0; i < lyne_recipe_count(recipe); i++) lyne_recipe_advise(lyne_recipe_at(recipe, i), &diagnostics);
    lyne_cli_print(&diagnostics);
}
