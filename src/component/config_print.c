/* component/config_print.c -- a config as flow YAML that fills an equal one. */
#include "base/utf8.h"
#include "component/config.h"
#include "component/layers.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The shortest decimal that reads back as v. */
static void print_float(lyne_text *t, double v) {
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, v);
        if (strtod(digits, NULL) == v) break;
    }
    lyne_text_add(t, "%s", digits);
}

/* A word that YAML reads as itself without quotes, anywhere. */
static bool is_plain(const char *text) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    lyne_yaml scalar = {.kind = LYNE_YAML_SCALAR, .text = text};
    if (*text == '\0' || !strchr(letters, *text) || lyne_yaml_is_null(&scalar)) return false;
    for (const char *p = text; *p; p++)
        if (!strchr(letters, *p) && !strchr("-./", *p)) return false;
    return true;
}

static void print_text(lyne_text *t, const char *text) {
    if (is_plain(text)) {
        lyne_text_add(t, "%s", text);
        return;
    }
    lyne_text_add(t, "\"");
    for (const char *p = text, *end = text + strlen(text); p < end;) {
        uint32_t c;
        size_t n = lyne_utf8_next(p, end, &c);
        bool as_number = lyne_utf8_is_control(c) || c == LYNE_UTF8_BAD || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF;
        if (as_number)
            lyne_text_add(t, "\\u%04X", (unsigned)c);
        else
            lyne_text_add(t, "%s%.*s", c == '"' || c == '\\' ? "\\" : "", (int)n, p);
        p += n;
    }
    lyne_text_add(t, "\"");
}

/* Left out by a recipe and without a default: nothing is written, since zero may be outside the field's range.  Nor is
 * a tree: whoever reads it prints what it means. */
static bool left_out(const lyne_field *field, const void *value) {
    bool is_unset = field->fallback && !*field->fallback;
    if (!is_unset && field->type != LYNE_FIELD_TREE) return false;
    switch (field->type) {
    case LYNE_FIELD_BOOL:
        return !*(const bool *)value;
    case LYNE_FIELD_INT:
        return *(const int64_t *)value == 0;
    case LYNE_FIELD_FLOAT:
        return *(const double *)value == 0;
    case LYNE_FIELD_TEXT:
        return !*(const char *const *)value;
    case LYNE_FIELD_CHOICE:
        return *(const int *)value == 0;
    case LYNE_FIELD_INTS:
        return ((const lyne_ints *)value)->n == 0;
    case LYNE_FIELD_FLOATS:
        return ((const lyne_floats *)value)->n == 0;
    case LYNE_FIELD_TEXTS:
        return ((const lyne_texts *)value)->n == 0;
    case LYNE_FIELD_GROUP:
        return false;
    case LYNE_FIELD_COMPONENT:
        return !((const lyne_instance *)value)->row;
    case LYNE_FIELD_COMPONENTS:
        return ((const lyne_instances *)value)->n == 0;
    case LYNE_FIELD_STAGE:
    case LYNE_FIELD_TAP:
        return !((const lyne_reference *)value)->name;
    case LYNE_FIELD_STAGES:
        return ((const lyne_references *)value)->n == 0;
    case LYNE_FIELD_LAYERS:
        return ((const lyne_layers *)value)->n == 0;
    case LYNE_FIELD_TREE:
        return true;
    }
    return false;
}

static void print_int_item(lyne_text *t, const void *items, size_t i) {
    lyne_text_add(t, "%" PRId64, ((const int64_t *)items)[i]);
}
static void print_float_item(lyne_text *t, const void *items, size_t i) {
    print_float(t, ((const double *)items)[i]);
}
static void print_text_item(lyne_text *t, const void *items, size_t i) {
    print_text(t, ((const char *const *)items)[i]);
}
static void print_instance_item(lyne_text *t, const void *items, size_t i) {
    lyne_instance_print(t, &((const lyne_instance *)items)[i]);
}

static void print_stage_item(lyne_text *t, const void *items, size_t i) {
    print_text(t, ((const lyne_reference *)items)[i].name);
}

static void print_list(lyne_text *t, const void *items, size_t n, void (*print)(lyne_text *, const void *, size_t)) {
    lyne_text_add(t, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) lyne_text_add(t, ", ");
        print(t, items, i);
    }
    lyne_text_add(t, "]");
}

static void print_value(lyne_text *t, const lyne_field *field, const void *value) {
    switch (field->type) {
    case LYNE_FIELD_BOOL:
        lyne_text_add(t, "%s", *(const bool *)value ? "true" : "false");
        break;
    case LYNE_FIELD_INT:
        if (field->zero && *(const int64_t *)value == 0)
            print_text(t, field->zero);
        else
            print_int_item(t, value, 0);
        break;
    case LYNE_FIELD_FLOAT:
        print_float_item(t, value, 0);
        break;
    case LYNE_FIELD_TEXT:
        print_text_item(t, value, 0);
        break;
    case LYNE_FIELD_CHOICE:
        print_text(t, field->choices[*(const int *)value]);
        break;
    case LYNE_FIELD_INTS: {
        const lyne_ints *list = value;
        print_list(t, list->item, list->n, print_int_item);
        break;
    }
    case LYNE_FIELD_FLOATS: {
        const lyne_floats *list = value;
        print_list(t, list->item, list->n, print_float_item);
        break;
    }
    case LYNE_FIELD_TEXTS: {
        const lyne_texts *list = value;
        print_list(t, list->item, list->n, print_text_item);
        break;
    }
    case LYNE_FIELD_GROUP:
        lyne_config_print(t, field->fields, value);
        break;
    case LYNE_FIELD_COMPONENT:
        lyne_instance_print(t, value);
        break;
    case LYNE_FIELD_COMPONENTS: {
        const lyne_instances *list = value;
        print_list(t, list->item, list->n, print_instance_item);
        break;
    }
    case LYNE_FIELD_STAGE:
    case LYNE_FIELD_TAP:
        print_stage_item(t, value, 0);
        break;
    case LYNE_FIELD_STAGES: {
        const lyne_references *list = value;
        if (list->n == 1)
            print_stage_item(t, list->item, 0);
        else
            print_list(t, list->item, list->n, print_stage_item);
        break;
    }
    case LYNE_FIELD_LAYERS:
        lyne_layers_print(t, value);
        break;
    case LYNE_FIELD_TREE:
        break;
    }
}

void lyne_field_print(lyne_text *t, const lyne_field *field, const void *value) {
    if (left_out(field, value))
        lyne_text_add(t, "~");
    else
        print_value(t, field, value);
}

void lyne_config_print(lyne_text *t, const lyne_field *fields, const void *config) {
    const char *before = "";
    lyne_text_add(t, "{");
    for (const lyne_field *field = fields; field && field->name; field++) {
        const void *value = (const char *)config + field->offset;
        if (left_out(field, value)) continue;
        lyne_text_add(t, "%s%s: ", before, field->name);
        print_value(t, field, value);
        before = ", ";
    }
    lyne_text_add(t, "}");
}

void lyne_instance_print(lyne_text *t, const lyne_instance *instance) {
    const lyne_component *row = instance->row;
    if (!row || !row->fields || !row->fields->name) {
        lyne_text_add(t, "%s", row ? row->name : "~");
        return;
    }
    lyne_text_add(t, "{%s: ", row->name);
    if (lyne_takes_layers(row))
        lyne_layers_print(t, (const void *)((const char *)instance->config + row->fields->offset));
    else
        lyne_config_print(t, row->fields, instance->config);
    lyne_text_add(t, "}");
}
