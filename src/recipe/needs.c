/* recipe/needs.c -- names of classes, and the validation split. */
#include "recipe/needs.h"
#include "labels/encoding.h"
#include "losses/loss.h"
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

/* Soft labels that can be stored as the stage says. */
static void check_encoding(const lyne_recipe *r, size_t s, lyne_diagnostics *out) {
    const lyne_stage *row = (const lyne_stage *)r->stage[s].kind.row;
    if (!row->encoding) return;
    const lyne_instance encoding = row->encoding(r->stage[s].kind.config);
    lyne_record record;
    lyne_error err = {0};
    if (lyne_record_init(&record, &encoding, r->task.n_classes, &err) != LYNE_OK)
        lyne_diagnose(out, encoding.mark.source ? encoding.mark : r->stage[s].kind.mark, LYNE_ERECIPE, "%s: %s",
                      r->stage[s].name, err.text);
}

/* A target for one temperature is not shown to a loss at another. */
static void check_temperature(const lyne_recipe *r, size_t s, const lyne_stage_instance *from,
                              const lyne_instance *item, lyne_diagnostics *out) {
    const lyne_loss *loss = (const lyne_loss *)item->row;
    const lyne_instance encoding = ((const lyne_stage *)from->kind.row)->encoding(from->kind.config);
    const lyne_encoding *row = (const lyne_encoding *)encoding.row;
    if (!loss->needs_teacher || !row->temperature) return;
    const double T = row->temperature(encoding.config);
    const lyne_mark mark = item->mark.source ? item->mark : r->stage[s].kind.mark;
    if (!loss->temperature)
        lyne_diagnose(out, mark, LYNE_ERECIPE,
                      "%s: labels: '%s' are %s, which %s cannot use: it needs logits; f16 and topk store them",
                      r->stage[s].name, from->name, row->component.name, loss->component.name);
    else if (loss->temperature(item->config) != T)
        lyne_diagnose(out, mark, LYNE_ERECIPE,
                      "%s: labels: '%s' are %s, good at temperature %g alone, but %s reads them at %g; give both the "
                      "same",
                      r->stage[s].name, from->name, row->component.name, T, loss->component.name,
                      loss->temperature(item->config));
}

void lyne_labels_check(const lyne_recipe *r, lyne_diagnostics *out) {
    for (size_t s = 0; s < r->n_stages; s++)
        if (!r->stage[s].kind.row) return; /* there is a mistake already */
    for (size_t s = 0; s < r->n_stages; s++) {
        const lyne_stage *row = (const lyne_stage *)r->stage[s].kind.row;
        check_encoding(r, s, out);
        const lyne_instances losses = row->losses ? row->losses(r->stage[s].kind.config) : (lyne_instances){0};
        for (size_t k = 0, source; (source = lyne_recipe_reads(r, s, k)) != SIZE_MAX; k++) {
            const lyne_stage_instance *from = &r->stage[source];
            if (!((const lyne_stage *)from->kind.row)->encoding) continue;
            for (size_t i = 0; i < losses.n; i++) check_temperature(r, s, from, &losses.item[i], out);
        }
    }
}

void lyne_needs_check(const lyne_recipe *r, lyne_diagnostics *out) {
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
