/* tests/recipe/schema.c -- the JSON Schema says what the rows say. */
#include "recipe/schema.h"
#include "component/layers.h"
#include "folder.h"
#include <jansson.h>

TestSuite(schema, .init = folder_enter, .fini = folder_leave);

static json_t *load(void) {
    lyne_error err = {0};
    lyne_text text;
    cr_assert_eq(lyne_schema_print(registry, &text, &err), LYNE_OK, "%s", err.text);
    json_error_t why;
    json_t *root = json_loads(text.data, JSON_REJECT_DUPLICATES, &why);
    cr_assert(root, "%s", why.text);
    lyne_text_free(&text);
    return root;
}

/* "a.b" without dots in the names. */
static const json_t *in(const json_t *object, const char *a, const char *b) {
    const json_t *inner = json_object_get(object, a);
    return b ? json_object_get(inner, b) : inner;
}

static bool has(const json_t *list, const char *text) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0) return true;
    return false;
}

static void expect_fields(const json_t *of, const lyne_field *fields, const char *where) {
    size_t n = 0;
    cr_expect(json_is_false(in(of, "additionalProperties", NULL)), "%s: unknown keys are let through", where);
    for (const lyne_field *f = fields; f && f->name; f++, n++) {
        const json_t *value = in(of, "properties", f->name);
        cr_assert(value, "%s.%s is missing", where, f->name);
        cr_expect_str_eq(json_string_value(json_object_get(value, "description")), f->help);
        cr_expect_eq(has(json_object_get(of, "required"), f->name), !f->fallback, "%s.%s", where, f->name);
        cr_expect_eq(json_object_get(value, "default") != NULL, f->fallback && *f->fallback, "%s.%s", where, f->name);
    }
    cr_expect_eq(json_object_size(in(of, "properties", NULL)), n, "%s: more than the fields", where);
}

Test(schema, mentions_every_row_with_every_field) {
    json_t *root = load();
    expect_fields(in(root, "$defs", "recipe"), lyne_recipe_fields, "recipe");
    for (size_t i = 0; i < lyne_n_builtin_rows; i++) {
        const lyne_component *row = lyne_builtin_rows[i];
        const char *kind = lyne_kind_name(row->kind);
        char name[128], path[144];
        snprintf(name, sizeof name, "%s.%s", kind, row->name);
        snprintf(path, sizeof path, "#/$defs/%s", name);
        const json_t *by_map = json_array_get(in(in(root, "$defs", NULL), kind, "anyOf"), 1);
        const json_t *reference = json_object_get(in(by_map, "properties", row->name), "$ref");
        cr_assert(reference, "%s is not among its kind", name);
        cr_expect_str_eq(json_string_value(reference), path);
        if (!lyne_takes_layers(row)) expect_fields(in(root, "$defs", name), row->fields, name);
    }
    json_decref(root);
}

Test(schema, ranges_choices_and_defaults) {
    json_t *root = load();
    const json_t *kd = in(in(root, "$defs", "loss.kd"), "properties", "temperature");
    cr_expect_str_eq(json_string_value(json_object_get(kd, "type")), "number");
    cr_expect_float_eq(json_number_value(json_object_get(kd, "minimum")), 0.01, 1e-15);
    cr_expect_eq(json_number_value(json_object_get(kd, "maximum")), 1000);
    cr_expect_eq(json_integer_value(json_object_get(kd, "default")), 4);
    const json_t *seeds = in(in(root, "$defs", "recipe"), "properties", "seeds");
    cr_expect_str_eq(json_string_value(in(seeds, "items", "type")), "integer");
    cr_expect_eq(json_integer_value(json_array_get(json_object_get(seeds, "default"), 0)), 1);
    cr_expect(has(json_object_get(in(in(root, "$defs", "recipe"), "properties", "precision"), "enum"), "f32"));
    cr_expect(has(json_object_get(json_array_get(in(in(root, "$defs", NULL), "loss", "anyOf"), 0), "enum"), "kd"));
    json_decref(root);
}

Test(schema, nothing_is_required_of_changes) {
    json_t *root = load();
    const json_t *distill = in(root, "$defs", "changes.stage.distill");
    cr_assert(distill);
    cr_expect_not(json_object_get(distill, "required"));
    cr_expect(json_object_get(in(root, "$defs", "stage.distill"), "required"));
    cr_expect_str_eq(json_string_value(in(root, "then", "$ref")), "#/$defs/changes");
    json_decref(root);
}

Test(schema, out_of_memory_is_said) {
    for (uint64_t n = 1; n < 4; n++) {
        lyne_error err = {0};
        lyne_text text;
        lyne_memory_fail_at(n);
        const lyne_status status = lyne_schema_print(registry, &text, &err);
        lyne_memory_fail_at(0);
        cr_expect_eq(status, LYNE_ENOSPACE);
        lyne_text_free(&text);
    }
}
