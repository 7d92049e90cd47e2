/* component/config_instance.c -- a name, or a map of a name and fields, into a component of a kind with its config. */
#include "component/config_parts.h"
#include "component/layers.h"
#include <string.h>

static const char *plural(lyne_kind kind, char out[32]) {
    const char *name = lyne_kind_name(kind);
    snprintf(out, 32, "%s%s", name, name[strlen(name) - 1] == 's' ? "es" : "s");
    return out;
}

static bool refuse_component(const lyne_filler *f, lyne_kind kind, const char *where, const lyne_yaml *name) {
    char what[32];
    size_t n;
    const lyne_component *const *rows = lyne_registry_list(f->registry, kind, &n);
    const char **names = config_room(f, n, sizeof *names);
    if (!names) return false;
    for (size_t i = 0; i < n; i++) names[i] = rows[i]->name;
    const char *problem =
        lyne_arena_printf(f->arena, "%s: there is no %s '%.80s'", where, lyne_kind_name(kind), name->text);
    return config_refuse_name(f, name->mark, problem, name->text, names, n, plural(kind, what));
}

/* How a row is chosen, from its example, which may stand behind the name of a stage; or by what it has a default for. */
static void add_example(lyne_text *out, const lyne_component *row) {
    const char *braces = row->example ? strchr(row->example, '{') : NULL;
    const lyne_field *field = row->fields;
    while (!braces && field && field->name && (!field->fallback || !*field->fallback)) field++;
    if (braces)
        lyne_text_add(out, ", as in %s", braces);
    else if (field && field->name)
        lyne_text_add(out, ", as in {%s: {%s: %s}}", row->name, field->name, field->fallback);
    else
        lyne_text_add(out, ", as in %s", row->name);
}

/* Where a map went wrong: at a key that --set has put into it, if there is one. */
static lyne_mark place_of(const lyne_yaml *node) {
    for (size_t i = 0; node->kind == LYNE_YAML_MAP && i < node->n; i++)
        if (node->key[i]->mark.source && node->key[i]->mark.source->assigned) return node->key[i]->mark;
    return node->mark;
}

/* Neither a name nor a map with one: say what is expected by the example of a row, of the first that is named there. */
static bool refuse_shape(const lyne_filler *f, lyne_kind kind, const char *where, const lyne_yaml *node) {
    size_t n;
    const lyne_component *const *rows = lyne_registry_list(f->registry, kind, &n), *row = n > 0 ? rows[0] : NULL;
    for (size_t i = node->kind == LYNE_YAML_MAP ? node->n : 0; i-- > 0;) {
        const lyne_component *named = lyne_registry_find(f->registry, kind, node->key[i]->text);
        if (named) row = named;
    }
    char here[64] = "here is a list";
    if (node->kind == LYNE_YAML_SCALAR) snprintf(here, sizeof here, "here is no value");
    if (node->kind == LYNE_YAML_MAP) snprintf(here, sizeof here, "here are %zu keys", node->n);

    lyne_text example = {0};
    if (row) add_example(&example, row);
    if (example.failed)
        f->out->out_of_memory = true;
    else
        lyne_diagnose(f->out, place_of(node), LYNE_ERECIPE, "%s: expects one %s%s; %s", where, lyne_kind_name(kind),
                      row ? example.data : "", here);
    lyne_text_free(&example);
    return false;
}

bool lyne_config_instance(const lyne_filler *f, lyne_kind kind, const char *where, const lyne_yaml *node,
                          lyne_instance *out) {
    const lyne_yaml *name = node, *map = NULL;
    *out = (lyne_instance){0};
    if (node->kind == LYNE_YAML_MAP && node->n == 1) {
        name = node->key[0];
        map = node->item[0];
    } else if (node->kind != LYNE_YAML_SCALAR || lyne_yaml_is_null(node)) {
        return refuse_shape(f, kind, where, node);
    }
    const lyne_component *row = lyne_registry_find(f->registry, kind, name->text);
    if (!row) return refuse_component(f, kind, where, name);
    bool without_fields = !row->fields || !row->fields->name;
    if (without_fields && map && !lyne_yaml_is_null(map) && (map->kind != LYNE_YAML_MAP || map->n > 0)) {
        lyne_diagnose(f->out, map->mark, LYNE_ERECIPE, "%s: takes no fields", row->name);
        return false;
    }
    void *config = row->config_size > 0 ? config_room(f, 1, row->config_size) : NULL;
    if (row->config_size > 0 && !config) return false;
    if (lyne_takes_layers(row)) {
        if (!lyne_layers_read(f, row->name, map ? map : name, (void *)((char *)config + row->fields->offset)))
            return false;
    } else if (!lyne_config_fill(f, row->fields, row->name, name->mark, map, config)) {
        return false;
    }
    const char *problem = row->check ? row->check(config) : NULL;
    if (problem) {
        lyne_diagnose(f->out, name->mark, LYNE_ERECIPE, "%s: %s", row->name, problem);
        return false;
    }
    *out = (lyne_instance){row, config, f->depth ? (lyne_mark){0} : name->mark}; /* a default stands nowhere */
    return true;
}
