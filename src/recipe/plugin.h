/* recipe/plugin.h -- loading plug-ins (lyne/plugin.h) and joining their rows with those that are built in. */
#ifndef LYNE_RECIPE_PLUGIN_H
#define LYNE_RECIPE_PLUGIN_H

#include "base/memory.h"
#include "component/registry.h"

typedef struct lyne_rows {
    const lyne_component **item;
    size_t n, capacity;
    lyne_registry *registry; /* of all of them */
} lyne_rows;

/** The rows that are built in.  Free with lyne_rows_free (zeroed is fine). */
lyne_status lyne_rows_init(lyne_rows *rows, lyne_error *err);
void lyne_rows_free(lyne_rows *rows);

/** Load the shared object at `path` and add its rows; what it brought is noted in component/origin.h and stays loaded
 *  until the process ends.  LYNE_EDATA says what is wrong with it: not there, not a shared object, built for another
 *  Lyne, a row that the registry refuses (component/registry.h) or that lacks a function of its kind, a name that is
 *  taken.  The registry is then the one of before. */
lyne_status lyne_rows_load(lyne_rows *rows, const char *path, lyne_error *err);

/** The registry's check that a row has what its kind must have: NULL, or what is missing. */
const char *lyne_row_problem(const lyne_component *row);

#endif
