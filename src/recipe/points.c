/* recipe/points.c -- which stages read which, and what the points of a sweep share. */
#include "recipe/recipe.h"
#include <string.h>

static size_t index_of(const lyne_recipe *r, const char *name, size_t before) {
    for (size_t i = 0; i < before; i++)
        if (strcmp(r->stage[i].name, name) == 0) return i;
    return SIZE_MAX;
}

size_t lyne_recipe_reads(const lyne_recipe *r, size_t stage, size_t k) {
    const lyne_instance *kind = &r->stage[stage].kind;
    for (const lyne_field *f = kind->row->fields; f && f->name; f++) {
        const lyne_references named = lyne_config_references(f, kind->config);
        if (k < named.n) return index_of(r, named.item[k].name, stage);
        k -= named.n;
    }
    return SIZE_MAX;
}

static bool names_stage(const char *path, const char *stage) {
    const size_t n = strlen(stage);
    return strncmp(path, "stages.", 7) == 0 && strncmp(path + 7, stage, n) == 0 && (!path[7 + n] || path[7 + n] == '.');
}

void lyne_recipe_touch(const lyne_recipe *r, uint8_t *touched) {
    for (size_t i = 0; i < r->n_stages; i++) { /* each stands below those it reads */
        touched[i] = 0;
        for (size_t a = 0; a < r->n_axes; a++)
            if (strncmp(r->axis[a].path, "stages.", 7) != 0 || names_stage(r->axis[a].path, r->stage[i].name))
                touched[i] |= (uint8_t)(1u << a);
        for (size_t k = 0, source; (source = lyne_recipe_reads(r, i, k)) != SIZE_MAX; k++)
            touched[i] |= touched[source];
    }
}

bool lyne_axis_touches(const lyne_recipe *r, const lyne_axis *axis, size_t stage) {
    return r->touched[stage] >> (axis - r->axis) & 1;
}

size_t lyne_recipe_count(const lyne_recipe *r) {
    return r->n_points ? r->n_points : 1;
}

const lyne_recipe *lyne_recipe_at(const lyne_recipe *r, size_t i) {
    return r->n_points ? &r->point[i] : r;
}

const char *lyne_recipe_folder(const lyne_recipe *r, size_t stage) {
    return r->folder ? r->folder[stage] : r->stage[stage].name;
}

bool lyne_recipe_shared(const lyne_recipe *r, size_t i, size_t stage) {
    const char *folder = lyne_recipe_folder(lyne_recipe_at(r, i), stage);
    for (size_t k = 0; k < i; k++) {
        const lyne_recipe *earlier = lyne_recipe_at(r, k);
        if (stage < earlier->n_stages && strcmp(lyne_recipe_folder(earlier, stage), folder) == 0) return true;
    }
    return false;
}
