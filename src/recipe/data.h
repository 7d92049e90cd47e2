/* recipe/data.h -- the data set that a recipe names.  Private to recipe/. */
#ifndef LYNE_RECIPE_DATA_H
#define LYNE_RECIPE_DATA_H

#include "recipe/recipe.h"

/* What lyne_data_fields fill. */
typedef struct lyne_data_config {
    const char *use;
    int64_t validation;
} lyne_data_config;

/** From r->data_tree: its name, its description, how much is held out for validation, and the task but for its precision.
 *  False after a diagnostic. */
bool lyne_recipe_read_data(lyne_recipe *r, const lyne_filler *f);

#endif
