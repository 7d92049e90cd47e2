/* recipe/needs.c -- names of classes, and the validation split. */
#include "recipe/needs.h"
#include "labels/encoding.h"
#include <string.h>

/* Where a key, or a value that reads so, stands in what a stage says; the stage itself if it is not written there. */
static const lyne_yaml *find(const lyne_yaml *tree, const char *text) {
    if (tree->kind == LYNE_YAML_SCALAR) return strcmp(tree->text, text) == 0 ? tree : NULL;
    const lyne_yaml *found = NULL;
    for (size_t i = 0; i < tree->n && !found; i++) {
        if (tree->kind == LYNE_YAML_MAP && strcmp(tree->key[i]->text, text) == 0) found = tree->key[i];
        if (!found) found = find(tree->item[i], text);
    }
    return found;
}

static lyne_mark place(const lyne_recipe *r, size_t stage, const char *text) {
    const lyne_yaml *found = find(r->stages_tree->item[stage], text);
    return found ? found->mark : r->stage[stage].kind.mark;
}

static void check_class(const lyne_recipe *r, size_t stage, const char *name, lyne_diagnostics *out) {
    const lyne_texts *names = &r->description.classes;
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->item[i], name) == 0) return;
    const char *near = lyne_nearest(name, names->item, names->n);
    lyne_diagnose(out, place(r, stage, name), LYNE_ERECIPE,
                  near ? "%s: data set '%s' has no class '%s'; did you mean '%s'?"
                       : "%s: data set '%s' has no class '%s'; datasets/%s.yaml lists them",
                  r->stage[stage].name, r->data, name, near ? near : r->data);
}

/* What a stage finds wrong with those that it names, which are good themselves. */
static void check_named(const lyne_recipe *r, size_t stage, lyne_diagnostics *out) {
    enum { MOST = 64 };
    const lyne_stage_instance *named[MOST];
    const lyne_instance *kind = &r->stage[stage].kind;
    size_t n = 0;
    for (const lyne_field *f = kind->row->fields; f && f->name; f++) {
        const lyne_references list = lyne_config_references(f, kind->config);
        for (size_t i = 0; i < list.n; i++)
            for (size_t k = 0; k < stage && n < MOST; k++)
                if (strcmp(r->stage[k].name, list.item[i].name) == 0) named[n++] = &r->stage[k];
    }
    lyne_mark at = kind->mark;
    lyne_error err = {0};
    if (((const lyne_stage *)kind->row)->check(kind->config, named, n, &at, &err) != LYNE_OK)
        lyne_diagnose(out, at, err.status, "%s: %s", r->stage[stage].name, err.text);
}

/* Soft labels that can be stored as the stage says. */
static void check_encoding(const lyne_recipe *r, size_t s, lyne_diagnostics *out) {
    const lyne_stage_instance *stage = &r->stage[s];
    const lyne_instance encoding = ((const lyne_stage *)stage->kind.row)->encoding(stage->kind.config);
    lyne_record record;
    lyne_error err = {0};
    const int64_t features = encoding.row && ((const lyne_encoding *)encoding.row)->of_features; /* how many, no matter */
    if (encoding.row && lyne_record_init(&record, &encoding, r->task.n_classes, features, &err) != LYNE_OK)
        lyne_diagnose(out, encoding.mark.source ? encoding.mark : stage->kind.mark, LYNE_ERECIPE, "%s: %s", stage->name,
                      err.text);
}

void lyne_needs_check(const lyne_recipe *r, lyne_diagnostics *out) {
    for (size_t s = 0; s < r->n_stages && lyne_diagnostics_status(out) == LYNE_OK; s++)
        if (((const lyne_stage *)r->stage[s].kind.row)->check) check_named(r, s, out);
    for (size_t s = 0; s < r->n_stages && lyne_diagnostics_status(out) == LYNE_OK; s++)
        if (((const lyne_stage *)r->stage[s].kind.row)->encoding) check_encoding(r, s, out);
    for (size_t s = 0; s < r->n_stages; s++) {
        const lyne_stage *row = (const lyne_stage *)r->stage[s].kind.row;
        if (!row || !row->needs) continue;
        const lyne_needs needs = row->needs(r->stage[s].kind.config);
        for (int list = 0; list < 2; list++)
            for (size_t i = 0; i < needs.classes[list].n; i++) check_class(r, s, needs.classes[list].item[i], out);
        if (needs.validation && r->validation == 0)
            lyne_diagnose(out, place(r, s, needs.validation), LYNE_ERECIPE,
                          "%s: %s reads the validation split, and there is none; hold one out with `data: {use: %s, "
                          "validation: 1000}`",
                          r->stage[s].name, needs.validation, r->data);
    }
}
