/* recipe/inputs.c -- a config, flattened to names and values; two such lists, compared. */
#include "recipe/inputs.h"
#include "component/layers.h"
#include "component/origin.h"
#include "formats/json.h"
#include <string.h>

enum {
    LONGEST = 200, /* of a value: what is longer is kept as its digest */
    SHOWN = 3      /* differences that are named, the others counted   */
};

static bool make_room(lyne_inputs *in) {
    if (in->n < in->capacity) return true;
    const size_t capacity = in->capacity ? 2 * in->capacity : 32;
    lyne_input *item = lyne_arena_alloc(in->arena, capacity * sizeof *item);
    if (!item) return false;
    for (size_t i = 0; i < in->n; i++) item[i] = in->item[i];
    in->item = item;
    in->capacity = capacity;
    return true;
}

void lyne_inputs_text(lyne_inputs *in, const char *name, const char *value) {
    const char *name_copy = lyne_arena_printf(in->arena, "%s", name), *value_copy;
    if (strlen(value) > LONGEST) {
        char digest[LYNE_DIGEST_TEXT];
        lyne_digest_print(lyne_digest_of(value, strlen(value)), digest);
        value_copy = lyne_arena_printf(in->arena, "xxh128 %s", digest);
    } else {
        value_copy = lyne_arena_printf(in->arena, "%s", value);
    }
    if (!name_copy || !value_copy || !make_room(in))
        in->failed = true;
    else
        in->item[in->n++] = (lyne_input){name_copy, value_copy};
}

void lyne_inputs_digest(lyne_inputs *in, const char *name, lyne_digest value) {
    char text[LYNE_DIGEST_TEXT];
    lyne_digest_print(value, text);
    lyne_inputs_text(in, name, text);
}

void lyne_inputs_number(lyne_inputs *in, const char *name, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    lyne_inputs_text(in, name, text);
}

static void add_value(lyne_inputs *in, const char *name, const lyne_field *field, const void *value) {
    lyne_text text = {0};
    lyne_field_print(&text, field, value);
    if (text.failed)
        in->failed = true;
    else
        lyne_inputs_text(in, name, text.data);
    lyne_text_free(&text);
}

void lyne_inputs_floats(lyne_inputs *in, const char *name, const lyne_floats *list) {
    add_value(in, name, &(lyne_field){.name = name, .type = LYNE_FIELD_FLOATS}, list);
}

/* ---- plug-ins ---- */

static void add_origin(lyne_inputs *in, const lyne_component *row) {
    const lyne_origin *origin = lyne_origin_of(row);
    if (!origin) return;
    const char *name = lyne_arena_printf(in->arena, "plug-in of %s %s", lyne_kind_name(row->kind), row->name);
    if (name)
        lyne_inputs_digest(in, name, origin->digest);
    else
        in->failed = true;
}

static void add_layers(lyne_inputs *in, const lyne_layers *layers);

/* Of a row and of all that its config has. */
static void add_origins(lyne_inputs *in, const lyne_instance *instance);
static void add_origins_of(lyne_inputs *in, const lyne_field *fields, const void *config) {
    for (const lyne_field *f = fields; f && f->name; f++) {
        const void *at = (const char *)config + f->offset;
        const lyne_instances *list = at;
        if (f->type == LYNE_FIELD_GROUP) add_origins_of(in, f->fields, at);
        if (f->type == LYNE_FIELD_COMPONENT) add_origins(in, at);
        if (f->type == LYNE_FIELD_LAYERS) add_layers(in, at);
        for (size_t i = 0; f->type == LYNE_FIELD_COMPONENTS && i < list->n; i++) add_origins(in, &list->item[i]);
    }
}
static void add_origins(lyne_inputs *in, const lyne_instance *instance) {
    if (!instance->row) return;
    add_origin(in, instance->row);
    add_origins_of(in, instance->row->fields, instance->config);
}

/* Layers are a text, which says nothing of where their ops come from. */
static void add_layers(lyne_inputs *in, const lyne_layers *layers) {
    for (size_t i = 0; i < layers->n; i++) {
        const lyne_layer *layer = &layers->item[i];
        add_origins(in, &layer->op);
        for (size_t k = 0; k < layer->n_branches; k++) add_layers(in, &layer->branch[k]);
    }
}

/* ---- a config, flattened ---- */

static void add_field(lyne_inputs *in, const char *name, const lyne_field *field, const void *value);

static void add_fields(lyne_inputs *in, const char *name, const lyne_field *fields, const void *config) {
    for (const lyne_field *f = fields; f && f->name; f++) {
        if (f->inert) continue;
        const char *path = lyne_arena_printf(in->arena, "%s%s%s", name, *name ? "." : "", f->name);
        if (!path)
            in->failed = true;
        else
            add_field(in, path, f, (const char *)config + f->offset);
    }
}

static void add_instances(lyne_inputs *in, const char *name, const lyne_instances *list) {
    if (list->n == 0) lyne_inputs_text(in, name, "[]");
    for (size_t i = 0; i < list->n; i++) {
        const char *path = lyne_arena_printf(in->arena, "%s.%zu", name, i);
        if (!path)
            in->failed = true;
        else
            lyne_inputs_instance(in, path, &list->item[i]);
    }
}

static void add_field(lyne_inputs *in, const char *name, const lyne_field *field, const void *value) {
    if (field->type == LYNE_FIELD_GROUP)
        add_fields(in, name, field->fields, value);
    else if (field->type == LYNE_FIELD_COMPONENT)
        lyne_inputs_instance(in, name, value);
    else if (field->type == LYNE_FIELD_COMPONENTS)
        add_instances(in, name, value);
    else
        add_value(in, name, field, value);
    if (field->type == LYNE_FIELD_LAYERS) add_layers(in, value);
}

void lyne_inputs_instance(lyne_inputs *in, const char *name, const lyne_instance *instance) {
    const lyne_component *row = instance->row;
    lyne_inputs_text(in, *name ? name : "kind", row ? row->name : "~");
    if (row) add_origin(in, row);
    if (!row || !row->fields) return;
    const char *path = lyne_arena_printf(in->arena, "%s%s%s", name, *name ? "." : "", *name ? row->name : "");
    if (!path)
        in->failed = true;
    else
        add_fields(in, path, row->fields, instance->config);
}

/* ---- the list as a whole ---- */

lyne_digest lyne_inputs_fingerprint(const lyne_inputs *in) {
    lyne_hash h;
    lyne_hash_init(&h);
    for (size_t i = 0; i < in->n; i++) {
        lyne_hash_text(&h, in->item[i].name);
        lyne_hash_text(&h, in->item[i].value);
    }
    return lyne_hash_finish(&h);
}

/* What several have the name of, as one text; NULL when memory is out. */
static char *value_of(const lyne_inputs *in, const char *name) {
    lyne_text all = {0};
    for (size_t i = 0; i < in->n; i++)
        if (strcmp(in->item[i].name, name) == 0) lyne_text_add(&all, "%s%s", all.length ? ", " : "", in->item[i].value);
    if (!all.failed) return all.data;
    lyne_text_free(&all);
    return NULL;
}

json_t *lyne_inputs_json(const lyne_inputs *in) {
    json_t *object = json_object();
    int failed = !object;
    for (size_t i = 0; !failed && i < in->n; i++) {
        char *value = value_of(in, in->item[i].name);
        failed = !value || json_object_set_new(object, in->item[i].name, json_string(value));
        lyne_free(value);
    }
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

/* A digest says nothing to people. */
static bool is_digest(const char *value) {
    lyne_digest ignored;
    return strncmp(value, "xxh128 ", 7) == 0 || lyne_digest_parse(value, &ignored);
}

static void add_difference(lyne_text *t, size_t *n, const char *name, const char *was, const char *is) {
    if ((*n)++ >= SHOWN) return;
    const char *before = t->length ? "; " : "";
    if (!was)
        lyne_text_add(t, "%s%s is new", before, name);
    else if (!is)
        lyne_text_add(t, "%s%s is gone", before, name);
    else if (is_digest(was) || is_digest(is))
        lyne_text_add(t, "%s%s changed", before, name);
    else
        lyne_text_add(t, "%s%s: %s, now %s", before, name, was, is);
}

const char *lyne_inputs_differ(const lyne_inputs *in, const json_t *before) {
    lyne_text t = {0};
    size_t n = 0;
    json_t *now = lyne_inputs_json(in), *value;
    const char *name;
    if (!now) return NULL;
    json_object_foreach(now, name, value) {
        const char *was = json_string_value(json_object_get(before, name)), *is = json_string_value(value);
        if (!was || strcmp(was, is) != 0) add_difference(&t, &n, name, was, is);
    }
    json_object_foreach((json_t *)before, name, value) {
        const bool gone = !json_object_get(now, name) && json_string_value(value);
        if (gone) add_difference(&t, &n, name, json_string_value(value), NULL);
    }
    if (n > SHOWN) lyne_text_add(&t, "; and %zu more", n - SHOWN);
    const char *out = t.failed ? NULL : lyne_arena_printf(in->arena, "%s", t.data ? t.data : "");
    lyne_text_free(&t);
    json_decref(now);
    return out;
}
