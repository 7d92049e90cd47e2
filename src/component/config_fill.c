/* component/config_fill.c -- a YAML map into a config struct.
 *
 * One small reader per field type, in a table; each reports what it refuses and says false, and filling goes on, so all
 * mistakes of a recipe are shown at once. */
#include "component/config_parts.h"
#include "component/layers.h"
#include <string.h>

enum { MAX_DEFAULTS = 16 /* defaults within defaults; deeper is a row whose default leads back to itself */ };

/* The field being read, and the component or group it belongs to, for messages. */
typedef struct slot {
    const lyne_filler *f;
    const lyne_field *field;
    const char *where;
} slot;

void *config_room(const lyne_filler *f, size_t n, size_t size) {
    size_t bytes;
    void *room = lyne_size_mul(n, size, &bytes) ? lyne_arena_alloc(f->arena, bytes) : NULL;
    if (!room) f->out->out_of_memory = true;
    return room;
}

static bool is_unset(const lyne_field *field) {
    return field->fallback && !*field->fallback;
}

/* ---- messages ---- */

/* What stands there, as in "not 'ten'". */
static const char *seen(const lyne_filler *f, const lyne_yaml *node) {
    if (node->kind == LYNE_YAML_LIST) return "a list";
    if (node->kind == LYNE_YAML_MAP) return "a map";
    const char *text = lyne_arena_printf(f->arena, "'%.80s'%s", node->text, node->quoted ? " in quotes" : "");
    if (!text) f->out->out_of_memory = true;
    return text ? text : "this";
}

static bool refuse_type(const slot *s, const lyne_yaml *node, const char *expected, const char *advice) {
    lyne_diagnose(s->f->out, node->mark, LYNE_ERECIPE, "%s: %s expects %s, not %s%s", s->where, s->field->name,
                  expected, seen(s->f, node), advice);
    return false;
}

static bool refuse_range(const slot *s, const lyne_yaml *node, double min, double max) {
    lyne_diagnose(s->f->out, node->mark, LYNE_ERECIPE,
                  min < max ? "%s: %s = %.80s is outside [%.16g, %.16g]"
                            : "%s: %s = %.80s is not known here, only %.16g",
                  s->where, s->field->name, node->text, min, max);
    return false;
}

bool config_refuse_name(const lyne_filler *f, lyne_mark mark, const char *problem, const char *word,
                        const char *const *names, size_t n, const char *what) {
    const char *nearest = lyne_nearest(word, names, n);
    lyne_text list = {0};
    for (size_t i = 0; i < n && !nearest; i++) lyne_text_add(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    if (!problem || list.failed)
        f->out->out_of_memory = true;
    else if (nearest)
        lyne_diagnose(f->out, mark, LYNE_ERECIPE, "%s; did you mean '%s'?", problem, nearest);
    else if (n == 0)
        lyne_diagnose(f->out, mark, LYNE_ERECIPE, "%s; there are no %s", problem, what);
    else
        lyne_diagnose(f->out, mark, LYNE_ERECIPE, "%s; the %s are %s", problem, what, list.data);
    lyne_text_free(&list);
    return false;
}

/* ---- one reader per type: the value of a node, not null, into *dst ---- */

static bool is_one_of(const char *text, const char *const *words) {
    while (*words && strcmp(*words, text) != 0) words++;
    return *words;
}

static bool read_bool(const slot *s, const lyne_yaml *node, void *dst) {
    static const char *const yes[] = {"true", "True", "TRUE", NULL}, *const no[] = {"false", "False", "FALSE", NULL};
    static const char *const old[] = {"yes", "Yes", "YES", "no",  "No",  "NO", "on",
                                      "On",  "ON",  "off", "Off", "OFF", NULL};
    bool plain = node->kind == LYNE_YAML_SCALAR && !node->quoted, truth = plain && is_one_of(node->text, yes);
    if (!truth && !(plain && is_one_of(node->text, no))) {
        bool of_yaml_1_1 = plain && is_one_of(node->text, old);
        return refuse_type(s, node, "true or false",
                           of_yaml_1_1 ? ", which is a text in YAML 1.2; write true or false" : "");
    }
    *(bool *)dst = truth;
    return true;
}

static bool read_int(const slot *s, const lyne_yaml *node, void *dst) {
    const lyne_field *field = s->field;
    const char *expected =
        field->zero ? lyne_arena_printf(s->f->arena, "a whole number or %s", field->zero) : "a whole number";
    int64_t v;
    if (!expected) s->f->out->out_of_memory = true;
    if (!expected || node->kind != LYNE_YAML_SCALAR || node->quoted)
        return expected && refuse_type(s, node, expected, "");
    if (field->zero && strcmp(node->text, field->zero) == 0) {
        *(int64_t *)dst = 0;
        return true;
    }
    if (!lyne_parse_int(node->text, &v)) {
        const char *digits = node->text + (*node->text == '-');
        bool huge = *digits && strspn(digits, "0123456789") == strlen(digits);
        return refuse_type(s, node, expected, huge ? ", which does not fit in 64 bits" : "");
    }
    if (field->ranged && !((double)v >= field->min && (double)v <= field->max))
        return refuse_range(s, node, field->min, field->max);
    *(int64_t *)dst = v;
    return true;
}

static bool read_float(const slot *s, const lyne_yaml *node, void *dst) {
    const lyne_field *field = s->field;
    double v;
    if (node->kind != LYNE_YAML_SCALAR || node->quoted || !lyne_parse_float(node->text, &v))
        return refuse_type(s, node, "a number", "");
    if (field->ranged && !(v >= field->min && v <= field->max)) return refuse_range(s, node, field->min, field->max);
    *(double *)dst = v;
    return true;
}

static bool read_text(const slot *s, const lyne_yaml *node, void *dst) {
    if (node->kind != LYNE_YAML_SCALAR) return refuse_type(s, node, "text", "");
    *(const char **)dst = node->text;
    return !s->field->file || lyne_config_may_name(s->f, s->field, s->where, node);
}

static bool read_choice(const slot *s, const lyne_yaml *node, void *dst) {
    const char *const *choices = s->field->choices;
    int i = 0;
    if (node->kind != LYNE_YAML_SCALAR) return refuse_type(s, node, "text", "");
    while (choices[i] && strcmp(choices[i], node->text) != 0) i++;
    if (!choices[i]) {
        const char *problem =
            lyne_arena_printf(s->f->arena, "%s: '%.80s' is not a choice for %s", s->where, node->text, s->field->name);
        return config_refuse_name(s->f, node->mark, problem, node->text, choices, (size_t)i, "choices");
    }
    *(int *)dst = i;
    return true;
}

static bool read_stage(const slot *s, const lyne_yaml *node, void *dst) {
    if (node->kind != LYNE_YAML_SCALAR) return refuse_type(s, node, "the name of a stage", "");
    *(lyne_reference *)dst = (lyne_reference){node->text, node->mark};
    return true;
}

static bool read_tap(const slot *s, const lyne_yaml *node, void *dst) {
    if (node->kind != LYNE_YAML_SCALAR) return refuse_type(s, node, "the path of a node, as layer2.0.bn2", "");
    *(lyne_reference *)dst = (lyne_reference){node->text, node->mark};
    return true;
}

static bool read_tree(const slot *s, const lyne_yaml *node, void *dst) {
    (void)s;
    *(const lyne_yaml **)dst = node;
    return true;
}

static bool read_layers(const slot *s, const lyne_yaml *node, void *dst) {
    return lyne_layers_read(s->f, s->where, node, dst);
}

static bool read_group(const slot *s, const lyne_yaml *node, void *dst) {
    if (node->kind != LYNE_YAML_MAP) return refuse_type(s, node, "a map", "");
    const char *where = lyne_arena_printf(s->f->arena, "%s.%s", s->where, s->field->name);
    if (!where) s->f->out->out_of_memory = true;
    return where && lyne_config_fill(s->f, s->field->fields, where, node->mark, node, dst);
}

static bool read_component(const slot *s, const lyne_yaml *node, void *dst) {
    return lyne_config_instance(s->f, s->field->kind, s->where, node, dst);
}

/* The items of a list by a reader of one: an array of n values of `size` bytes, NULL after a diagnostic. */
static void *read_items(const slot *s, const lyne_yaml *node, size_t size,
                        bool (*read)(const slot *, const lyne_yaml *, void *)) {
    if (node->kind != LYNE_YAML_LIST) {
        refuse_type(s, node, "a list", "");
        return NULL;
    }
    char *items = config_room(s->f, node->n, size);
    bool ok = items;
    for (size_t i = 0; items && i < node->n; i++) {
        if (lyne_yaml_is_null(node->item[i])) {
            lyne_diagnose(s->f->out, node->item[i]->mark, LYNE_ERECIPE, "%s: an item of '%s' has no value", s->where,
                          s->field->name);
            ok = false;
        } else {
            ok &= read(s, node->item[i], items + i * size);
        }
    }
    return ok ? items : NULL;
}

#define READ_LIST(name, list, read_one)                                                                                \
    static bool name(const slot *s, const lyne_yaml *node, void *dst) {                                                \
        list out = {.n = node->n};                                                                                     \
        out.item = read_items(s, node, sizeof *out.item, read_one);                                                    \
        if (out.item) *(list *)dst = out;                                                                              \
        return out.item;                                                                                               \
    }
READ_LIST(read_ints, lyne_ints, read_int)
READ_LIST(read_floats, lyne_floats, read_float)
READ_LIST(read_texts, lyne_texts, read_text)
READ_LIST(read_components, lyne_instances, read_component)
READ_LIST(read_stage_list, lyne_references, read_stage)

static bool read_stages(const slot *s, const lyne_yaml *node, void *dst) {
    if (node->kind == LYNE_YAML_LIST) return read_stage_list(s, node, dst);
    lyne_reference *one = config_room(s->f, 1, sizeof *one);
    *(lyne_references *)dst = (lyne_references){1, one};
    return one && read_stage(s, node, one);
}

static bool (*const readers[])(const slot *, const lyne_yaml *, void *) = {
    [LYNE_FIELD_BOOL] = read_bool,
    [LYNE_FIELD_INT] = read_int,
    [LYNE_FIELD_FLOAT] = read_float,
    [LYNE_FIELD_TEXT] = read_text,
    [LYNE_FIELD_CHOICE] = read_choice,
    [LYNE_FIELD_INTS] = read_ints,
    [LYNE_FIELD_FLOATS] = read_floats,
    [LYNE_FIELD_TEXTS] = read_texts,
    [LYNE_FIELD_GROUP] = read_group,
    [LYNE_FIELD_COMPONENT] = read_component,
    [LYNE_FIELD_COMPONENTS] = read_components,
    [LYNE_FIELD_STAGE] = read_stage,
    [LYNE_FIELD_STAGES] = read_stages,
    [LYNE_FIELD_LAYERS] = read_layers,
    [LYNE_FIELD_TAP] = read_tap,
    [LYNE_FIELD_TREE] = read_tree,
};

/* ---- a table of fields ---- */

bool lyne_config_default(const lyne_filler *f, const lyne_field *field, const char *where, void *config) {
    if (is_unset(field) && field->type != LYNE_FIELD_GROUP) return true;
    const char *text = is_unset(field) ? "{}" : field->fallback;
    const char *name = lyne_arena_printf(f->arena, "default of %s.%s", where, field->name);
    if (!name) {
        f->out->out_of_memory = true;
        return false;
    }
    if (f->depth == MAX_DEFAULTS) {
        lyne_diagnose(f->out, (lyne_mark){0}, LYNE_ERECIPE, "%s: defaults within defaults without end", name);
        return false;
    }
    lyne_yaml *node = lyne_yaml_parse(name, text, strlen(text), f->arena, f->out);
    lyne_filler inner = *f;
    inner.depth++;
    slot s = {&inner, field, where};
    return node && readers[field->type](&s, node, (char *)config + field->offset);
}

static bool refuse_missing(const lyne_filler *f, const lyne_field *field, const char *where, lyne_mark mark) {
    lyne_diagnose(f->out, mark, LYNE_ERECIPE, "%s: '%s' is missing (%s)", where, field->name, field->help);
    return false;
}

static bool refuse_null(const lyne_filler *f, const lyne_field *field, const char *where, lyne_mark mark) {
    if (field->fallback && !is_unset(field))
        lyne_diagnose(f->out, mark, LYNE_ERECIPE, "%s: '%s' has no value; leave it out for the default, %s", where,
                      field->name, field->fallback);
    else
        lyne_diagnose(f->out, mark, LYNE_ERECIPE, "%s: '%s' has no value (%s)", where, field->name, field->help);
    return false;
}

static bool refuse_unknown_keys(const lyne_filler *f, const lyne_field *fields, const char *where,
                                const lyne_yaml *map) {
    size_t n = 0;
    while (fields[n].name) n++;
    const char **names = config_room(f, n, sizeof *names);
    if (!names) return false;
    for (size_t i = 0; i < n; i++) names[i] = fields[i].name;
    bool ok = true;
    for (size_t k = 0; k < map->n; k++) {
        const lyne_yaml *key = map->key[k];
        size_t i = 0;
        while (i < n && strcmp(names[i], key->text) != 0) i++;
        if (i < n) continue;
        const char *problem = lyne_arena_printf(f->arena, "%s: unknown key '%.80s'", where, key->text);
        ok = config_refuse_name(f, key->mark, problem, key->text, names, n, "keys");
    }
    return ok;
}

bool lyne_config_fill(const lyne_filler *f, const lyne_field *fields, const char *where, lyne_mark mark,
                      const lyne_yaml *map, void *config) {
    static const lyne_field none[] = {LYNE_FIELDS_END};
    bool ok = true;
    if (!fields) fields = none;
    if (map && lyne_yaml_is_null(map)) map = NULL;
    if (map && map->kind != LYNE_YAML_MAP) {
        lyne_diagnose(f->out, map->mark, LYNE_ERECIPE, "%s: expects a map, not %s", where, seen(f, map));
        return false;
    }
    if (map) ok = refuse_unknown_keys(f, fields, where, map);
    for (const lyne_field *field = fields; field->name; field++) {
        const slot s = {f, field, where};
        const lyne_yaml *node = map ? lyne_yaml_get(map, field->name) : NULL;
        bool null = node && lyne_yaml_is_null(node);
        if (null && !is_unset(field))
            ok = refuse_null(f, field, where, node->mark);
        else if (node && !null)
            ok &= readers[field->type](&s, node, (char *)config + field->offset);
        else if (!field->fallback)
            ok = refuse_missing(f, field, where, mark);
        else if (!lyne_config_default(f, field, where, config))
            return false;
    }
    return ok;
}
