/* recipe/schema.c -- the rows as JSON Schema.
 *
 * Under $defs there is one schema for each kind ("loss": a name, or a map of one name to its fields) and one for the
 * fields of each row ("loss.kd").  Unknown keys are refused everywhere.  All of it is there a second time for a recipe
 * that extends another ("changes.loss.kd"): there nothing is required, and everything may be taken away with null. */
#include "recipe/schema.h"
#include "component/layers.h"
#include "formats/json.h"
#include "recipe/recipe.h"
#include <math.h>
#include <string.h>

#define NAME_PATTERN "^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$"                 /* lyne_name_ok */
#define TORN_PATTERN "[.]tmp[.][0-9]+$"                                    /* lyne_file_stem */
#define PATH_PATTERN "^(precision|data|(stages|data|blocks)(\\.[^.=]+)+)$" /* what a sweep varies */

typedef struct schema {
    const lyne_registry *registry;
    lyne_arena arena; /* of names and parsed defaults */
    bool changes;     /* of a recipe that extends     */
    bool failed;      /* memory is out                */
} schema;

/* Add a value to an object, or note that it could not be made. */
static void put(schema *s, json_t *object, const char *key, json_t *value) {
    if (json_object_set_new(object, key, value) != 0) s->failed = true;
}
static void append(schema *s, json_t *array, json_t *value) {
    if (json_array_append_new(array, value) != 0) s->failed = true;
}

static json_t *fields_schema(schema *s, const lyne_field *fields);

/* ---- values ---- */

static json_t *number(double v) {
    return v == floor(v) && fabs(v) < 9e15 ? json_integer((json_int_t)v) : json_real(v);
}

/* A default, which is YAML, as JSON. */
static json_t *value_of(schema *s, const lyne_yaml *node) {
    int64_t whole;
    double real;
    if (node->kind == LYNE_YAML_SCALAR) {
        if (lyne_yaml_is_null(node)) return json_null();
        if (!node->quoted && lyne_parse_int(node->text, &whole)) return json_integer((json_int_t)whole);
        if (!node->quoted && lyne_parse_float(node->text, &real)) return json_real(real);
        if (!node->quoted && strcmp(node->text, "true") == 0) return json_true();
        if (!node->quoted && strcmp(node->text, "false") == 0) return json_false();
        return json_string(node->text);
    }
    json_t *out = node->kind == LYNE_YAML_LIST ? json_array() : json_object();
    for (size_t i = 0; i < node->n; i++) {
        json_t *item = value_of(s, node->item[i]);
        if (node->kind == LYNE_YAML_LIST)
            append(s, out, item);
        else
            put(s, out, node->key[i]->text, item);
    }
    return out;
}

static void put_default(schema *s, json_t *out, const lyne_field *f) {
    lyne_diagnostics diagnostics = {0};
    if (!f->fallback || !*f->fallback) return;
    const lyne_yaml *node = lyne_yaml_parse("default", f->fallback, strlen(f->fallback), &s->arena, &diagnostics);
    if (node)
        put(s, out, "default", value_of(s, node));
    else
        s->failed = true; /* the registry has read it before */
    lyne_diagnostics_free(&diagnostics);
}

/* ---- fields ---- */

static json_t *of_type(const char *type) {
    return json_pack("{s:s}", "type", type);
}

static json_t *scalar(void) {
    return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
}

static json_t *ranged(schema *s, const lyne_field *f, const char *type) {
    json_t *out = of_type(type);
    if (f->ranged) {
        put(s, out, "minimum", number(f->min));
        put(s, out, "maximum", number(f->max));
    }
    return out;
}

static json_t *list_of(schema *s, json_t *item) {
    json_t *out = of_type("array");
    put(s, out, "items", item);
    return out;
}

static json_t *choice(schema *s, const lyne_field *f) {
    json_t *names = json_array(), *out = json_object();
    for (int i = 0; f->choices[i]; i++) append(s, names, json_string(f->choices[i]));
    put(s, out, "enum", names);
    return out;
}

/* The name of a definition: "loss", "loss.kd", "changes.loss". */
static const char *name_of(schema *s, lyne_kind kind, const lyne_component *row) {
    const char *name = lyne_arena_printf(&s->arena, "%s%s%s%s", s->changes ? "changes." : "", lyne_kind_name(kind),
                                         row ? "." : "", row ? row->name : "");
    if (!name) s->failed = true;
    return name ? name : "";
}

static json_t *reference(schema *s, const char *name) {
    const char *path = lyne_arena_printf(&s->arena, "#/$defs/%s", name);
    return path ? json_pack("{s:s}", "$ref", path) : NULL;
}

static json_t *kind_reference(schema *s, lyne_kind kind) {
    return reference(s, name_of(s, kind, NULL));
}

/* A field that is left out when it has no value may also be written without one, and anything
 * may that an extended recipe says. */
static json_t *or_null(json_t *value) {
    return json_pack("{s:[o,{s:s}]}", "anyOf", value, "type", "null");
}

/* A text that names a folder or a file. */
static json_t *name_schema(schema *s) {
    json_t *out = scalar();
    put(s, out, "pattern", json_string(NAME_PATTERN));
    return out;
}

/* The name of a data set, alone or as {use: NAME}. */
static json_t *data_schema(schema *s) {
    return json_pack("{s:[o,o]}", "anyOf", name_schema(s), fields_schema(s, lyne_data_fields));
}

/* A stage's name is that of its folder, beside other files of the run. */
static json_t *stages_schema(schema *s) {
    json_t *stage = kind_reference(s, LYNE_STAGE), *taken = json_array();
    for (size_t i = 0; lyne_recipe_taken[i]; i++) append(s, taken, json_string(lyne_recipe_taken[i]));
    return json_pack("{s:s, s:i, s:{s:s, s:{s:[{s:o},{s:s}]}}, s:o}", "type", "object", "minProperties",
                     s->changes ? 0 : 1, "propertyNames", "pattern", NAME_PATTERN, "not", "anyOf", "enum", taken,
                     "pattern", TORN_PATTERN, "additionalProperties", s->changes ? or_null(stage) : stage);
}

/* {path: [values]} or [{path: value}, ...] */
static json_t *sweep_schema(void) {
    json_t *value = json_pack("{s:{s:s}}", "not", "type", "null");
    json_t *axes = json_pack("{s:s, s:i, s:i, s:{s:s}, s:{s:s, s:i, s:O}}", "type", "object", "minProperties", 1,
                             "maxProperties", 8, "propertyNames", "pattern", PATH_PATTERN, "additionalProperties",
                             "type", "array", "minItems", 1, "items", value);
    json_t *points =
        json_pack("{s:s, s:i, s:{s:s, s:i, s:{s:s}, s:o}}", "type", "array", "minItems", 1, "items", "type", "object",
                  "minProperties", 1, "propertyNames", "pattern", PATH_PATTERN, "additionalProperties", value);
    return json_pack("{s:[o,o]}", "anyOf", axes, points);
}

/* One figure of the paper, with how far off ours may be; or a control, with how many times our errors it makes. */
static json_t *expect_schema(schema *s) {
    static const char *const figure[] = {"test_errors", "test_accuracy", "agreement"};
    json_t *item = fields_schema(s, lyne_expect_fields);
    if (s->changes) return list_of(s, item);
    json_t *one = json_array();
    for (size_t i = 0; i < sizeof figure / sizeof *figure; i++)
        append(s, one,
               json_pack("{s:[s,s], s:{s:{s:i}, s:{s:i}}}", "required", figure[i], "within", "properties", figure[i],
                         "minimum", 0, "times", "const", 1));
    append(s, one,
           json_pack("{s:[s], s:{s:{s:{s:s}}}}", "required", "better_than", "properties", "better_than", "not", "type",
                     "null"));
    put(s, item, "oneOf", one);
    return list_of(s, item);
}

/* The trees of a recipe are read by recipe/ and so described here. */
static json_t *tree_schema(schema *s, const lyne_field *f) {
    if (f->offset == offsetof(lyne_recipe, data_tree) && strcmp(f->name, "data") == 0) return data_schema(s);
    if (f->offset == offsetof(lyne_recipe, stages_tree) && strcmp(f->name, "stages") == 0) return stages_schema(s);
    if (f->offset == offsetof(lyne_recipe, expect_tree) && strcmp(f->name, "expect") == 0) return expect_schema(s);
    if (f->offset == offsetof(lyne_recipe, blocks_tree) && strcmp(f->name, "blocks") == 0)
        return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", fields_schema(s, lyne_block_fields));
    if (f->offset == offsetof(lyne_recipe, sweep_tree) && strcmp(f->name, "sweep") == 0) return sweep_schema();
    return json_object(); /* anything */
}

/* A layer is a word, a list, or a map of one key; its numbers may be arithmetic, so its fields are not described. */
static json_t *layers_schema(void) {
    return json_pack("{s:s, s:i, s:{s:[s,s,s], s:i, s:i}}", "type", "array", "minItems", 1, "items", "type", "string",
                     "array", "object", "minProperties", 1, "maxProperties", 1);
}

static bool is_field_of(const lyne_field *f, const lyne_field *table, const char *name) {
    for (; table->name; table++)
        if (f == table) return strcmp(f->name, name) == 0;
    return false;
}

/* What recipe/ asks of a value besides what its field says. */
static json_t *checked_schema(schema *s, const lyne_field *f) {
    if (is_field_of(f, lyne_recipe_fields, "name") || is_field_of(f, lyne_data_fields, "use")) return name_schema(s);
    if (!is_field_of(f, lyne_recipe_fields, "seeds")) return NULL;
    json_t *out = list_of(s, ranged(s, f, "integer"));
    put(s, out, "minItems", json_integer(1));
    put(s, out, "uniqueItems", json_true());
    return out;
}

static json_t *field_schema(schema *s, const lyne_field *f) {
    json_t *checked = checked_schema(s, f);
    if (checked) return checked;
    switch (f->type) {
    case LYNE_FIELD_BOOL:
        return of_type("boolean");
    case LYNE_FIELD_INT: {
        json_t *out = ranged(s, f, "integer");
        return f->zero ? json_pack("{s:[o,{s:s}]}", "anyOf", out, "const", f->zero) : out;
    }
    case LYNE_FIELD_FLOAT:
        return ranged(s, f, "number");
    case LYNE_FIELD_TEXT:
    case LYNE_FIELD_STAGE:
    case LYNE_FIELD_TAP:
        return scalar();
    case LYNE_FIELD_CHOICE:
        return choice(s, f);
    case LYNE_FIELD_INTS:
        return list_of(s, ranged(s, f, "integer"));
    case LYNE_FIELD_FLOATS:
        return list_of(s, ranged(s, f, "number"));
    case LYNE_FIELD_TEXTS:
        return list_of(s, scalar());
    case LYNE_FIELD_STAGES:
        return json_pack("{s:[o,o]}", "anyOf", scalar(), list_of(s, scalar()));
    case LYNE_FIELD_GROUP:
        return fields_schema(s, f->fields);
    case LYNE_FIELD_COMPONENT:
        return kind_reference(s, f->kind);
    case LYNE_FIELD_COMPONENTS:
        return list_of(s, kind_reference(s, f->kind));
    case LYNE_FIELD_LAYERS:
        return layers_schema();
    case LYNE_FIELD_TREE:
        return tree_schema(s, f);
    }
    return NULL;
}

static bool needs_something(const schema *s, const lyne_field *fields) {
    if (s->changes) return false;
    for (const lyne_field *f = fields; f && f->name; f++)
        if (!f->fallback) return true;
    return false;
}

static json_t *fields_schema(schema *s, const lyne_field *fields) {
    json_t *properties = json_object(), *required = json_array();
    for (const lyne_field *f = fields; f && f->name; f++) {
        json_t *value = field_schema(s, f);
        if (s->changes || (f->fallback && !*f->fallback)) value = or_null(value);
        put(s, value, "description", json_string(f->help));
        put_default(s, value, f);
        put(s, properties, f->name, value);
        if (!f->fallback && !s->changes) append(s, required, json_string(f->name));
    }
    json_t *out = of_type("object");
    put(s, out, "properties", properties);
    put(s, out, "additionalProperties", json_false());
    if (json_array_size(required) > 0)
        put(s, out, "required", required);
    else
        json_decref(required);
    return out;
}

/* ---- rows ---- */

static void put_row(schema *s, json_t *defs, const lyne_component *row) {
    const char *help = lyne_arena_printf(&s->arena, "%s%s%s%s", row->help, row->source ? " (" : "",
                                         row->source ? row->source : "", row->source ? ")" : "");
    json_t *out = lyne_takes_layers(row) ? layers_schema() : fields_schema(s, row->fields);
    if (!needs_something(s, row->fields) && !lyne_takes_layers(row))
        put(s, out, "type", json_pack("[s,s]", "object", "null"));
    if (!help) {
        s->failed = true;
        json_decref(out);
        return;
    }
    put(s, out, "description", json_string(help));
    put(s, defs, name_of(s, row->kind, row), out);
}

static void put_kind(schema *s, json_t *defs, lyne_kind kind) {
    size_t n;
    const lyne_component *const *rows = lyne_registry_list(s->registry, kind, &n);
    json_t *names = json_array(), *properties = json_object();
    for (size_t i = 0; i < n; i++) {
        put_row(s, defs, rows[i]);
        put(s, properties, rows[i]->name, reference(s, name_of(s, kind, rows[i])));
        if (!needs_something(s, rows[i]->fields)) append(s, names, json_string(rows[i]->name));
    }
    put(s, defs, name_of(s, kind, NULL),
        json_pack("{s:[{s:o},{s:s, s:o, s:b, s:i, s:i}]}", "anyOf", "enum", names, "type", "object", "properties",
                  properties, "additionalProperties", 0, "minProperties", 1, "maxProperties", 1));
}

static json_t *root_schema(schema *s) {
    json_t *defs = json_object();
    for (int changes = 0; changes < 2; changes++) {
        s->changes = changes;
        for (int kind = 0; kind < LYNE_N_KINDS; kind++) put_kind(s, defs, (lyne_kind)kind);
        put(s, defs, changes ? "changes" : "recipe", fields_schema(s, lyne_recipe_fields));
    }
    return json_pack("{s:s, s:s, s:{s:[s]}, s:o, s:o, s:o}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                     "title", "Lyne recipe", "if", "required", "extends", "then", reference(s, "changes"), "else",
                     reference(s, "recipe"), "$defs", defs);
}

lyne_status lyne_schema_print(const lyne_registry *registry, lyne_text *out, lyne_error *err) {
    schema s = {.registry = registry};
    *out = (lyne_text){0};
    json_t *root = root_schema(&s);
    char *text = lyne_json_dump(s.failed ? NULL : root, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    if (text) lyne_text_add(out, "%s\n", text);
    lyne_free(text);
    json_decref(root);
    lyne_arena_free(&s.arena);
    return text && !out->failed ? LYNE_OK : lyne_fail_memory(err, "the schema");
}
