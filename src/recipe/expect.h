/* recipe/expect.h -- the published figures that a recipe carries.  Private to recipe/. */
#ifndef LYNE_RECIPE_EXPECT_H
#define LYNE_RECIPE_EXPECT_H

#include "recipe/recipe.h"

/** Read r->expect_tree, once the stages are known. */
void lyne_expect_read(lyne_recipe *r, const lyne_filler *f);
void lyne_expect_print(const lyne_recipe *r, lyne_text *out);

#endif
