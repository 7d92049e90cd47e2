/* component/registry.c -- the rows by kind and name, each checked once, so that no reader of a recipe has to doubt one.
 */
#include "component/registry.h"
#include "base/memory.h"
#include "component/config.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GROUPS = 8 /* groups within groups; deeper is a table that contains itself */ };

struct lyne_registry {
    const lyne_component **rows;    /* in the order of kind, then name        */
    size_t first[LYNE_N_KINDS + 1]; /* rows of a kind: first[kind] .. first[kind + 1] */
};

static const char *const kind_names[LYNE_N_KINDS] = {
    [LYNE_OP] = "op",
    [LYNE_MODEL] = "model",
    [LYNE_LOSS] = "loss",
    [LYNE_OPTIMIZER] = "optimizer",
    [LYNE_SCHEDULE] = "schedule",
    [LYNE_DATASET] = "dataset",
    [LYNE_AUGMENTATION] = "augmentation",
    [LYNE_ENCODING] = "encoding",
    [LYNE_STAGE] = "stage",
};

const char *lyne_kind_name(lyne_kind kind) {
    assert((unsigned)kind < LYNE_N_KINDS);
    return kind_names[kind];
}

/* ---- what a row must be like ---- */

static const size_t field_sizes[] = {
    [LYNE_FIELD_BOOL] = sizeof(bool),
    [LYNE_FIELD_INT] = sizeof(int64_t),
    [LYNE_FIELD_FLOAT] = sizeof(double),
    [LYNE_FIELD_TEXT] = sizeof(char *),
    [LYNE_FIELD_CHOICE] = sizeof(int),
    [LYNE_FIELD_INTS] = sizeof(lyne_ints),
    [LYNE_FIELD_FLOATS] = sizeof(lyne_floats),
    [LYNE_FIELD_TEXTS] = sizeof(lyne_texts),
    [LYNE_FIELD_GROUP] = 0, /* its fields are checked instead */
    [LYNE_FIELD_COMPONENT] = sizeof(lyne_instance),
    [LYNE_FIELD_COMPONENTS] = sizeof(lyne_instances),
    [LYNE_FIELD_STAGE] = sizeof(lyne_reference),
    [LYNE_FIELD_STAGES] = sizeof(lyne_references),
    [LYNE_FIELD_LAYERS] = sizeof(lyne_layers),
    [LYNE_FIELD_TAP] = sizeof(lyne_reference),
    [LYNE_FIELD_TREE] = sizeof(const struct lyne_yaml *),
};
enum { N_FIELD_TYPES = sizeof field_sizes / sizeof *field_sizes };

static bool word_ok(const char *name) {
    return name && *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* What can be said of a field by looking at it; `size` bytes are left of the config for its table. */
static const char *field_problem(const lyne_field *fields, const lyne_field *field, size_t size) {
    if (!word_ok(field->name)) return "has a name that is not [a-z0-9_]+";
    if (!field->help || !*field->help) return "has no help";
    for (const lyne_field *other = fields; other < field; other++)
        if (strcmp(other->name, field->name) == 0) return "is there twice";
    if ((unsigned)field->type >= N_FIELD_TYPES) return "has no type";
    if (field->offset > size || field_sizes[field->type] > size - field->offset) return "lies outside the config";
    if (field->ranged && !(field->min <= field->max)) return "has a range upside down";
    if (field->type == LYNE_FIELD_CHOICE && (!field->choices || !*field->choices)) return "has no choices";
    if (field->type == LYNE_FIELD_GROUP && (!field->fields || !field->fields->name)) return "is a group without fields";
    bool of_kind = field->type == LYNE_FIELD_COMPONENT || field->type == LYNE_FIELD_COMPONENTS;
    if (of_kind && (unsigned)field->kind >= LYNE_N_KINDS) return "is of no kind of component";
    return NULL;
}

static lyne_status check_fields(const lyne_component *row, const lyne_field *fields, size_t size, int depth,
                                lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (const lyne_field *field = fields; status == LYNE_OK && field && field->name; field++) {
        bool group = field->type == LYNE_FIELD_GROUP;
        const char *problem = field_problem(fields, field, size);
        if (!problem && group && depth == MAX_GROUPS) problem = "nests groups without end";
        if (problem)
            status = lyne_fail(err, LYNE_EOTHER, "%s '%s': field '%s' %s", kind_names[row->kind], row->name,
                               field->name, problem);
        else if (group)
            status = check_fields(row, field->fields, size - field->offset, depth + 1, err);
    }
    return status;
}

static lyne_status check_row(const lyne_component *row, lyne_error *err) {
    if ((unsigned)row->kind >= LYNE_N_KINDS)
        return lyne_fail(err, LYNE_EOTHER, "'%s': there is no kind %d", row->name ? row->name : "", (int)row->kind);
    if (!word_ok(row->name))
        return lyne_fail(err, LYNE_EOTHER, "%s '%s': a name is [a-z0-9_]+", kind_names[row->kind],
                         row->name ? row->name : "");
    return check_fields(row, row->fields, row->config_size, 1, err);
}

/* ---- defaults, which may name other rows and are therefore tried when all are there ---- */

static lyne_status refuse_fallback(const lyne_component *row, const lyne_field *field, const lyne_diagnostics *why,
                                   lyne_error *err) {
    lyne_error reason = {0};
    if (why->out_of_memory) return lyne_fail_memory(err, "checking the components");
    lyne_diagnostics_error(why, &reason);
    return lyne_fail(err, LYNE_EOTHER, "%s '%s': field '%s' refuses its own fallback: %s", kind_names[row->kind],
                     row->name, field->name, reason.text);
}

static lyne_status try_fallbacks(const lyne_filler *f, const lyne_component *row, const lyne_field *fields,
                                 char *config, lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (const lyne_field *field = fields; status == LYNE_OK && field && field->name; field++) {
        if (field->type == LYNE_FIELD_GROUP) status = try_fallbacks(f, row, field->fields, config + field->offset, err);
        if (status != LYNE_OK || !field->fallback) continue;
        bool filled = lyne_config_default(f, field, row->name, config);
        if (!filled || lyne_diagnostics_status(f->out) != LYNE_OK) status = refuse_fallback(row, field, f->out, err);
    }
    return status;
}

static lyne_status check_fallbacks(const lyne_registry *r, const lyne_component *row, lyne_error *err) {
    lyne_arena arena = {0};
    lyne_diagnostics out = {0};
    const lyne_filler f = {.registry = r, .arena = &arena, .out = &out};
    char *config = lyne_alloc(1, row->config_size);
    lyne_status status =
        config ? try_fallbacks(&f, row, row->fields, config, err) : lyne_fail_memory(err, "checking the components");
    lyne_free(config);
    lyne_diagnostics_free(&out);
    lyne_arena_free(&arena);
    return status;
}

/* ---- the registry ---- */

static int compare_rows(const void *a, const void *b) {
    const lyne_component *x = *(const lyne_component *const *)a, *y = *(const lyne_component *const *)b;
    return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind) : strcmp(x->name, y->name);
}

/* The rows, each good to look at, into r in their order. */
static lyne_status take_rows(lyne_registry *r, const lyne_component *const *rows, size_t n, lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (size_t i = 0; i < n && status == LYNE_OK; i++) status = check_row(rows[i], err);
    if (status != LYNE_OK) return status;
    if (n > 0) memcpy(r->rows, rows, n * sizeof *r->rows);
    qsort(r->rows, n, sizeof *r->rows, compare_rows);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && compare_rows(&r->rows[i - 1], &r->rows[i]) == 0)
            return lyne_fail(err, LYNE_EOTHER, "%s '%s': there are two of this name", kind_names[r->rows[i]->kind],
                             r->rows[i]->name);
        for (int kind = (int)r->rows[i]->kind + 1; kind <= LYNE_N_KINDS; kind++) r->first[kind] = i + 1;
    }
    return LYNE_OK;
}

lyne_status lyne_registry_new(const lyne_component *const *rows, size_t n, lyne_registry **out, lyne_error *err) {
    *out = NULL;
    lyne_registry *r = lyne_alloc(1, sizeof *r);
    if (r) r->rows = lyne_alloc(n, sizeof *r->rows);
    lyne_status status = r && r->rows ? take_rows(r, rows, n, err) : lyne_fail_memory(err, "the registry");
    for (size_t i = 0; i < n && status == LYNE_OK; i++) status = check_fallbacks(r, r->rows[i], err);
    if (status == LYNE_OK)
        *out = r;
    else
        lyne_registry_free(r);
    return status;
}

void lyne_registry_free(lyne_registry *r) {
    if (!r) return;
    lyne_free(r->rows);
    lyne_free(r);
}

const lyne_component *const *lyne_registry_list(const lyne_registry *r, lyne_kind kind, size_t *n) {
    assert((unsigned)kind < LYNE_N_KINDS);
    *n = r->first[kind + 1] - r->first[kind];
    return r->rows + r->first[kind];
}

const lyne_component *lyne_registry_find(const lyne_registry *r, lyne_kind kind, const char *name) {
    size_t n;
    const lyne_component *const *rows = lyne_registry_list(r, kind, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i]->name, name) == 0) return rows[i];
    return NULL;
}
