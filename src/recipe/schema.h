/* recipe/schema.h -- JSON Schema (draft 2020-12) of recipes, from the rows: what editors complete and check with. */
#ifndef LYNE_RECIPE_SCHEMA_H
#define LYNE_RECIPE_SCHEMA_H

#include "base/text.h"
#include "lyne/component.h"
#include "lyne/status.h"

/** The schema of everything that a recipe can say with these rows, as indented JSON; caller frees *out with
 *  lyne_text_free.  It accepts every recipe that `lyne check` does; what it cannot say (that a stage of some name
 * exists, that shapes fit, what a row checks between its fields) `lyne check` alone finds. */
lyne_status lyne_schema_print(const lyne_registry *registry, lyne_text *out, lyne_error *err);

#endif
