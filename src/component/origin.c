/* component/origin.c -- see origin.h. */
#include "component/origin.h"

static lyne_origin list[LYNE_MAX_ORIGINS];
static size_t n_list;

bool lyne_origin_add(const lyne_origin *origin) {
    if (n_list == LYNE_MAX_ORIGINS) return false;
    list[n_list++] = *origin;
    return true;
}

const lyne_origin *lyne_origins(size_t *n) {
    *n = n_list;
    return list;
}

const lyne_origin *lyne_origin_of(const lyne_component *row) {
    for (size_t i = 0; i < n_list; i++)
        for (size_t k = 0; k < list[i].n_rows; k++)
            if (list[i].rows[k] == row) return &list[i];
    return NULL;
}
