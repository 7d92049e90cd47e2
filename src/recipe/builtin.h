/* recipe/builtin.h -- the rows that are built in.
 *
 * The build finds them: every line of src/ that starts `const lyne_KIND lyne_KIND_NAME = ` is one (CMakeLists.txt,
 * builtin.c.in).  lyne_registry_new takes the table as it is. */
#ifndef LYNE_RECIPE_BUILTIN_H
#define LYNE_RECIPE_BUILTIN_H

#include "lyne/component.h"

extern const lyne_component *const lyne_builtin_rows[]; /* in no particular order */
extern const size_t lyne_n_builtin_rows;

#endif
