/* component/registry.h -- which rows there are. */
#ifndef LYNE_COMPONENT_REGISTRY_H
#define LYNE_COMPONENT_REGISTRY_H

#include "lyne/component.h"
#include "lyne/status.h"

/** A registry of `n` rows (borrowed, usually const data).  Refuses, with LYNE_EOTHER and the row's name: two rows of
 *  one kind and name; a name that is not [a-z0-9_]+; a field table with an empty name or help, a name twice, an offset
 *  outside config_size, a range upside down, a CHOICE without choices, a GROUP without fields; a fallback that its own
 *  field refuses.  So a bad row never reaches a recipe.  Free with lyne_registry_free (NULL is fine). */
lyne_status lyne_registry_new(const lyne_component *const *rows, size_t n, lyne_registry **out, lyne_error *err);
void lyne_registry_free(lyne_registry *r);

#endif
