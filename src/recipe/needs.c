/* recipe/needs.c -- names of classes, and the validation split. */
#include "recipe/needs.h"
#include "labels/encoding.h"
#include "train/network.h"
#include <string.h>

lyne_instances lyne_augment_of(const lyne_instance *stage) {
    for (const lyne_field *f = stage->row ? stage->row->fields : NULL; f && f->name; f++)
        if (f->type == LYNE_FIELD_COMPONENTS && f->kind == LYNE_AUGMENTATION)
            return *(const lyne_instances *)((const char *)stage->config + f->offset);
    return (lyne_instances){0};
}

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

static bool is_named(const lyne_texts *list, const char *name) {
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->item[i], name) == 0) return true;
    return false;
}

static void check_class(const lyne_recipe *r, size_t stage, const char *name, lyne_diagnostics *out) {
    const lyne_texts *names = &r->description.classes;
    if (is_named(names, name)) return;
    const char *near = lyne_nearest(name, names->item, names->n);
    lyne_diagnose(out, place(r, stage, name), LYNE_ERECIPE,
                  near ? "%s: data set '%s' has no class '%s'; did you mean '%s'?"
                       : "%s: data set '%s' has no class '%s'; datasets/%s.yaml lists them",
                  r->stage[stage].name, r->data, name, near ? near : r->data);
}

enum { MOST = 64 };

/* The stages that one names, which stand above it. */
static size_t find_named(const lyne_recipe *r, size_t stage, const lyne_stage_instance *named[MOST]) {
    const lyne_instance *kind = &r->stage[stage].kind;
    size_t n = 0;
    for (const lyne_field *f = kind->row->fields; f && f->name; f++) {
        const lyne_references list = lyne_config_references(f, kind->config);
        for (size_t i = 0; i < list.n; i++)
            for (size_t k = 0; k < stage && n < MOST; k++)
                if (strcmp(r->stage[k].name, list.item[i].name) == 0) named[n++] = &r->stage[k];
    }
    return n;
}

static void check_augment(const lyne_recipe *r, size_t stage, lyne_diagnostics *out) {
    const lyne_instances augment = lyne_augment_of(&r->stage[stage].kind);
    if (augment.n && r->task.sequence.length)
        lyne_diagnose(out, augment.item[0].mark, LYNE_ERECIPE, "%s: augment: %s is for pictures, and '%s' has none",
                      r->stage[stage].name, augment.item[0].row->name, r->data);
}

/* A list of classes makes sense for the data, whatever it names. */
static void check_classes(const lyne_recipe *r, size_t stage, const lyne_texts *list, bool some_left,
                          lyne_diagnostics *out) {
    if (list->n == 0) return;
    const lyne_texts *all = &r->description.classes;
    size_t left = 0;
    for (size_t i = 0; i < all->n; i++) left += !is_named(list, all->item[i]);
    if (r->task.sequence.labelled)
        lyne_diagnose(out, place(r, stage, list->item[0]), LYNE_ERECIPE,
                      "%s: each token of data set '%s' has a class, and its samples have none", r->stage[stage].name,
                      r->data);
    else if (some_left && left == 0)
        lyne_diagnose(out, place(r, stage, list->item[0]), LYNE_ERECIPE,
                      "%s: these are all classes of data set '%s'; name fewer", r->stage[stage].name, r->data);
}

/* What a stage finds wrong with those that it names, which are good themselves. */
static void check_named(const lyne_recipe *r, size_t stage, lyne_diagnostics *out) {
    const lyne_stage_instance *named[MOST];
    const lyne_instance *kind = &r->stage[stage].kind;
    const size_t n = find_named(r, stage, named);
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
    const int64_t features =
        encoding.row && ((const lyne_encoding *)encoding.row)->of_features; /* how many, no matter */
    if (encoding.row && lyne_record_init(&record, &encoding, r->task.n_classes, features, &err) != LYNE_OK)
        lyne_diagnose(out, encoding.mark.source ? encoding.mark : stage->kind.mark, LYNE_ERECIPE, "%s: %s", stage->name,
                      err.text);
}

/* A teacher whose features can be stored, if that is asked for. */
static void check_head(const lyne_recipe *r, size_t s, lyne_diagnostics *out) {
    const lyne_stage_instance *stage = &r->stage[s], *named[MOST];
    const lyne_stage *row = (const lyne_stage *)stage->kind.row;
    const lyne_instance encoding = row->encoding(stage->kind.config);
    if (!encoding.row || !((const lyne_encoding *)encoding.row)->of_features || !find_named(r, s, named)) return;
    const lyne_stage *teacher = (const lyne_stage *)named[0]->kind.row;
    const lyne_network_options o = {
        .model = teacher->model(named[0]->kind.config), .task = &r->task, .batch = 2, .features = true};
    lyne_network net;
    lyne_error err = {0};
    if (lyne_network_build(&net, &o, &err) != LYNE_OK)
        lyne_diagnose(out, encoding.mark.source ? encoding.mark : stage->kind.mark, err.status, "%s: teacher: %s",
                      stage->name, err.text);
    lyne_network_deinit(&net);
}

void lyne_needs_check(const lyne_recipe *r, lyne_diagnostics *out) {
    for (size_t s = 0; s < r->n_stages && lyne_diagnostics_status(out) == LYNE_OK; s++)
        if (((const lyne_stage *)r->stage[s].kind.row)->check) check_named(r, s, out);
    for (size_t s = 0; s < r->n_stages && lyne_diagnostics_status(out) == LYNE_OK; s++)
        if (((const lyne_stage *)r->stage[s].kind.row)->encoding) {
            check_encoding(r, s, out);
            check_head(r, s, out);
        }
    for (size_t s = 0; s < r->n_stages; s++) {
        const lyne_stage *row = (const lyne_stage *)r->stage[s].kind.row;
        if (row) check_augment(r, s, out);
        if (!row || !row->needs) continue;
        const lyne_needs needs = row->needs(r->stage[s].kind.config);
        for (int list = 0; list < 2; list++) {
            check_classes(r, s, &needs.classes[list], needs.some_left[list], out);
            for (size_t i = 0; i < needs.classes[list].n; i++) check_class(r, s, needs.classes[list].item[i], out);
        }
        if (needs.validation && r->validation == 0)
            lyne_diagnose(out, place(r, s, needs.validation), LYNE_ERECIPE,
                          "%s: %s reads the validation split, and there is none; hold one out with `data: {use: %s, "
                          "validation: 1000}`",
                          r->stage[s].name, needs.validation, r->data);
    }
}

void lyne_recipe_advise(const lyne_recipe *r, lyne_diagnostics *out) {
    for (size_t s = 0; s < r->n_stages; s++) {
        const lyne_stage *row = (const lyne_stage *)r->stage[s].kind.row;
        const lyne_stage_instance *named[MOST];
        if (row->advise) row->advise(&r->stage[s], named, find_named(r, s, named), out);
    }
}
