/* component/layers_values.c -- arithmetic where numbers stand. */
#include "component/layers_parts.h"
#include <string.h>

/* ---- arithmetic ---- */

/* A copy of a scalar with another text, at the same place. */
static lyne_yaml *with_text(const layers_reader *r, const lyne_yaml *node, const char *text) {
    lyne_yaml *copy = lyne_arena_alloc(r->f->arena, sizeof *copy);
    if (!copy || !text) {
        layers_out_of_memory(r);
        return NULL;
    }
    *copy = *node;
    copy->text = text;
    return copy;
}

/* A scalar that should be a number: as it is, or a constant's text, or what the arithmetic comes to.  NULL after a
 * diagnostic. */
const lyne_yaml *layers_number(const layers_reader *r, const lyne_yaml *node) {
    int64_t v;
    double real;
    char why[160];
    const char *name;
    size_t length;
    if (node->kind != LYNE_YAML_SCALAR || node->quoted || lyne_yaml_is_null(node)) return node;
    if (lyne_parse_int(node->text, &v) || lyne_parse_float(node->text, &real)) return node;
    if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0) return node;
    const lyne_constant *c = lyne_constant_find(&r->f->constants, node->text, strlen(node->text));
    if (c) return with_text(r, node, c->text);
    if (strlen(node->text) > LAYERS_MAX_EXPRESSION)
        return layers_refuse(r, node->mark, "an expression is longer than 200 characters"), NULL;
    if (lyne_expression(node->text, &r->f->constants, &v, why, &name, &length))
        return with_text(r, node, lyne_arena_printf(r->f->arena, "%lld", (long long)v));
    lyne_text names = {0};
    for (size_t i = 0; i < r->f->constants.n; i++)
        lyne_text_add(&names, "%s%s", i ? ", " : "", r->f->constants.item[i].name);
    if (name && names.data)
        lyne_diagnose(r->f->out, node->mark, LYNE_ERECIPE, "%s: '%.80s': there is no '%.*s' here; there are %s",
                      r->where, node->text, length < 64 ? (int)length : 64, name, names.data);
    else
        lyne_diagnose(r->f->out, node->mark, LYNE_ERECIPE, "%s: '%.80s': %s", r->where, node->text, why);
    lyne_text_free(&names);
    return NULL;
}

/* The value of a field with its arithmetic done; NULL after a diagnostic. */
static const lyne_yaml *resolved(const layers_reader *r, const lyne_field *field, const lyne_yaml *node);

const lyne_yaml *layers_fields(const layers_reader *r, const lyne_field *fields, const lyne_yaml *map) {
    if (!map || map->kind != LYNE_YAML_MAP || map->n == 0) return map;
    lyne_yaml *copy = lyne_arena_alloc(r->f->arena, sizeof *copy);
    if (copy) *copy = *map;
    if (copy) copy->item = lyne_arena_alloc(r->f->arena, map->n * sizeof *copy->item);
    if (!copy || !copy->item) return layers_out_of_memory(r), NULL;
    bool ok = true;
    for (size_t i = 0; i < map->n; i++) {
        const lyne_field *field = fields;
        while (field && field->name && strcmp(field->name, map->key[i]->text) != 0) field++;
        const lyne_yaml *value = field && field->name ? resolved(r, field, map->item[i]) : map->item[i];
        copy->item[i] = (lyne_yaml *)value;
        ok &= value != NULL;
    }
    return ok ? copy : NULL;
}

static const lyne_yaml *resolved(const layers_reader *r, const lyne_field *field, const lyne_yaml *node) {
    switch (field->type) {
    case LYNE_FIELD_BOOL:
    case LYNE_FIELD_INT:
    case LYNE_FIELD_FLOAT: {
        const lyne_yaml *number = layers_number(r, node);
        int64_t v;
        if (!number || field->type != LYNE_FIELD_BOOL || number->kind != LYNE_YAML_SCALAR || number == node ||
            !lyne_parse_int(number->text, &v))
            return number;
        return with_text(r, number, v ? "true" : "false");
    }
    case LYNE_FIELD_GROUP:
        return layers_fields(r, field->fields, node);
    default:
        return node;
    }
}
