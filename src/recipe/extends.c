/* recipe/extends.c -- read a recipe and what it extends, and merge them by the tables of fields. */
#include "recipe/extends.h"
#include "base/file.h"
#include "recipe/recipe.h"
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FILES = 9,            /* the recipe and 8 below it                                            */
    MAX_COMPARISONS = 1000000 /* of keys in one merge, so that two huge maps do not take a minute each */
};

/* The files between the recipe and the one being read, which must not be met again. */
typedef struct chain {
    const char *real[MAX_FILES];
    int n;
} chain;

/* What a value is, as far as merging needs to know. */
typedef struct shape {
    enum { ANYTHING, FIELDS, ONE_COMPONENT, STAGES } what;
    const lyne_field *fields; /* FIELDS        */
    lyne_kind kind;           /* ONE_COMPONENT */
} shape;

static lyne_yaml *merge(const lyne_filler *f, shape of, const lyne_yaml *base, const lyne_yaml *over);

static shape shape_of_field(const lyne_field *field) {
    if (field->type == LYNE_FIELD_GROUP) return (shape){.what = FIELDS, .fields = field->fields};
    if (field->type == LYNE_FIELD_COMPONENT) return (shape){.what = ONE_COMPONENT, .kind = field->kind};
    return (shape){.what = ANYTHING};
}

/* What stands under a key of a map of some shape. */
static shape shape_under(const lyne_filler *f, shape of, const char *key) {
    if (of.what == STAGES) return (shape){.what = ONE_COMPONENT, .kind = LYNE_STAGE};
    if (of.what == ONE_COMPONENT) {
        const lyne_component *row = lyne_registry_find(f->registry, of.kind, key);
        return row && row->fields ? (shape){.what = FIELDS, .fields = row->fields} : (shape){.what = ANYTHING};
    }
    if (of.what == FIELDS && of.fields == lyne_recipe_fields && strcmp(key, "stages") == 0)
        return (shape){.what = STAGES};
    for (const lyne_field *field = of.what == FIELDS ? of.fields : NULL; field && field->name; field++)
        if (strcmp(field->name, key) == 0) return shape_of_field(field);
    return (shape){.what = ANYTHING};
}

static size_t find_key(const lyne_yaml *map, const char *key) {
    size_t i = 0;
    while (i < map->n && strcmp(map->key[i]->text, key) != 0) i++;
    return i;
}

/* A copy of a node; for a map with arrays of its own and room for `more` keys. */
static lyne_yaml *copy_node(const lyne_filler *f, const lyne_yaml *node, size_t more) {
    lyne_yaml *copy = lyne_arena_alloc(f->arena, sizeof *copy);
    if (copy) *copy = *node;
    if (copy && node->kind == LYNE_YAML_MAP) {
        const size_t room = node->n + more; /* both are below the limits of a file */
        copy->key = lyne_arena_alloc(f->arena, room * sizeof *copy->key);
        copy->item = lyne_arena_alloc(f->arena, room * sizeof *copy->item);
        if (!copy->key || !copy->item)
            copy = NULL;
        else
            for (size_t i = 0; i < node->n; i++) copy->key[i] = node->key[i], copy->item[i] = node->item[i];
    }
    if (!copy) f->out->out_of_memory = true;
    return copy;
}

static void remove_key(lyne_yaml *map, size_t i) {
    map->n--;
    for (; i < map->n; i++) map->key[i] = map->key[i + 1], map->item[i] = map->item[i + 1];
}

/* The keys stay in the order of the base, since a stage stands below those it reads; new ones follow. */
static lyne_yaml *merge_maps(const lyne_filler *f, shape of, const lyne_yaml *base, const lyne_yaml *over) {
    if (over->n > 0 && base->n > MAX_COMPARISONS / over->n) {
        lyne_diagnose(f->out, over->mark, LYNE_ERECIPE, "extends: maps of %zu and %zu keys are too large to merge",
                      over->n, base->n);
        return NULL;
    }
    lyne_yaml *map = copy_node(f, base, over->n);
    if (!map) return NULL;
    map->mark = over->mark;
    for (size_t i = 0; i < over->n; i++) {
        const size_t at = find_key(map, over->key[i]->text);
        if (at == map->n) {
            map->key[map->n] = over->key[i];
            map->item[map->n++] = over->item[i];
        } else if (lyne_yaml_is_null(over->item[i])) {
            remove_key(map, at);
        } else {
            map->key[at] = over->key[i];
            map->item[at] = merge(f, shape_under(f, of, over->key[i]->text), map->item[at], over->item[i]);
            if (!map->item[at]) return NULL;
        }
    }
    return map;
}

/* NULL after a diagnostic. */
static lyne_yaml *merge(const lyne_filler *f, shape of, const lyne_yaml *base, const lyne_yaml *over) {
    bool together = base->kind == LYNE_YAML_MAP && over->kind == LYNE_YAML_MAP;
    if (of.what == ONE_COMPONENT) /* of another name, or without fields: replaced */
        together = together && base->n == 1 && over->n == 1 && strcmp(base->key[0]->text, over->key[0]->text) == 0 &&
                   !lyne_yaml_is_null(over->item[0]);
    return together ? merge_maps(f, of, base, over) : copy_node(f, over, 0);
}

/* ---- files ---- */

/* The path of a file named by the recipe at `path`, in the arena. */
static const char *beside(const char *path, const char *name, lyne_arena *arena) {
    const char *slash = strrchr(path, '/');
    return lyne_arena_printf(arena, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
}

/* NULL after a diagnostic. */
static const char *extended_path(const char *path, const lyne_yaml *named, const lyne_filler *f) {
    const bool is_text = named->kind == LYNE_YAML_SCALAR && *named->text;
    if (!is_text || *named->text == '/') {
        lyne_diagnose(f->out, named->mark, LYNE_ERECIPE,
                      "extends: expects the path of a recipe, relative to this file, as in ../common/base.yaml");
        return NULL;
    }
    const char *base = beside(path, named->text, f->arena);
    lyne_error err = {0};
    uint64_t size;
    const lyne_status inside = base ? lyne_file_within(base, f->folder, f->n_folders, &err) : LYNE_ENOSPACE;
    if (inside == LYNE_ENOSPACE)
        f->out->out_of_memory = true;
    else if (inside != LYNE_OK)
        lyne_diagnose(f->out, named->mark, LYNE_ERECIPE,
                      "extends: %s; a recipe extends files of its own folder, of that with datasets/ above it, or of "
                      "the current one",
                      err.text);
    else if (lyne_file_size(base, &size, &err) != LYNE_OK)
        lyne_diagnose(f->out, named->mark, LYNE_ERECIPE, "extends: %s", err.text);
    else
        return base;
    return NULL;
}

/* Add a file to the chain; false, with a diagnostic at `named`, if it is there already or the chain is too long. */
static bool enter(chain *c, const char *path, const lyne_yaml *named, const lyne_filler *f) {
    char *real = realpath(path, NULL);
    const char *copy = lyne_arena_printf(f->arena, "%s", real ? real : path); /* not there: reading it says so */
    free(real);
    if (!copy) {
        f->out->out_of_memory = true;
        return false;
    }
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->real[i], copy) == 0) {
            lyne_diagnose(f->out, named->mark, LYNE_ERECIPE, "extends: %s leads back to itself", path);
            return false;
        }
    if (c->n == MAX_FILES) {
        lyne_diagnose(f->out, named->mark, LYNE_ERECIPE, "extends: more than %d recipes extend each other",
                      MAX_FILES - 1);
        return false;
    }
    c->real[c->n++] = copy;
    return true;
}

static lyne_yaml *read_chain(const char *path, const lyne_yaml *named, chain *c, const lyne_filler *f) {
    if (!enter(c, path, named, f)) return NULL;
    char *target = lyne_file_target(path); /* of a link that the user named, or that stays within */
    if (!target) f->out->out_of_memory = true;
    lyne_yaml *tree = target ? lyne_yaml_read(target, f->arena, f->out) : NULL;
    lyne_free(target);
    const lyne_yaml *extends = tree ? lyne_yaml_get(tree, "extends") : NULL;
    if (!extends || tree->kind != LYNE_YAML_MAP || lyne_yaml_is_null(extends)) return tree;
    const char *base_path = extended_path(path, extends, f);
    const lyne_yaml *base = base_path ? read_chain(base_path, extends, c, f) : NULL;
    if (!base) return NULL;
    if (base->kind != LYNE_YAML_MAP) {
        lyne_diagnose(f->out, base->mark, LYNE_ERECIPE, "a recipe is a map that starts with `lyne: 1`");
        return NULL;
    }
    return merge(f, (shape){.what = FIELDS, .fields = lyne_recipe_fields}, base, tree);
}

lyne_yaml *lyne_extends_read(const char *path, const lyne_filler *f) {
    chain c = {.n = 0};
    return read_chain(path, NULL, &c, f);
}
