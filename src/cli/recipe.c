/* cli/recipe.c -- a recipe and its diagnostics on stderr. */
#include "cli/recipe.h"
#include <stdlib.h>
#include <unistd.h>

lyne_status lyne_cli_read(lyne_recipe *recipe, const char *path, const char *const *set, size_t n_set,
                          const lyne_registry *registry) {
    lyne_diagnostics diagnostics = {0};
    const lyne_status status = lyne_recipe_read(recipe, path, set, n_set, registry, &diagnostics);
    const char *no_colour = getenv("NO_COLOR");
    lyne_diagnostics_print(&diagnostics, stderr, isatty(STDERR_FILENO) && !(no_colour && *no_colour));
    lyne_diagnostics_free(&diagnostics);
    return status;
}
