/* recipe/expect.c -- `expect: [{stage: student, test_errors: 74, within: 11}]`. */
#include "recipe/expect.h"
#include <string.h>

const lyne_field lyne_expect_fields[] = {
    LYNE_ENTRY(TEXT, lyne_expectation, stage, "the stage that the figure is of", LYNE_REQUIRED),
    LYNE_FLOAT(lyne_expectation, test_errors, "published errors on the test split", "-1", -1, 1e12),
    LYNE_FLOAT(lyne_expectation, test_accuracy, "published accuracy, 0 to 1", "-1", -1, 1),
    LYNE_FLOAT(lyne_expectation, agreement, "published agreement with another model, 0 to 1", "-1", -1, 1),
    LYNE_FLOAT(lyne_expectation, within, "how far off the mean may lie", "0", 0, 1e12),
    LYNE_ENTRY(TEXT, lyne_expectation, better_than,
               "instead of a figure: a stage, the control, that must err more often", LYNE_UNSET),
    LYNE_FLOAT(lyne_expectation, times, "how many times as often", "1", 0, 1e6),
    LYNE_ENTRY(TEXT, lyne_expectation, note, "printed behind it", LYNE_UNSET),
    LYNE_FIELDS_END};

static void check_stage(const lyne_recipe *r, lyne_mark mark, const char *name, lyne_diagnostics *out) {
    const char *names[64] = {0};
    size_t n = 0;
    for (size_t i = 0; i < r->n_stages; i++) {
        const lyne_stage *row = (const lyne_stage *)r->stage[i].kind.row;
        if (strcmp(r->stage[i].name, name) == 0) {
            if (row && row->product == LYNE_MAKES_LABELS)
                lyne_diagnose(out, mark, LYNE_ERECIPE,
                              "expect: stage '%s' makes soft labels, which have no test errors", name);
            return;
        }
        if (n < 64) names[n++] = r->stage[i].name;
    }
    char hint[LYNE_HINT_TEXT];
    lyne_diagnose(out, mark, LYNE_ERECIPE, "expect: there is no stage '%s'%s", name,
                  lyne_hint(name, names, n, "", hint));
}

static void check(const lyne_recipe *r, const lyne_yaml *node, const lyne_expectation *e, lyne_diagnostics *out) {
    check_stage(r, lyne_yaml_get(node, "stage")->mark, e->stage, out);
    const int published = (e->test_errors >= 0) + (e->test_accuracy >= 0) + (e->agreement >= 0);
    if (published + (e->better_than != NULL) != 1)
        lyne_diagnose(out, node->mark, LYNE_ERECIPE,
                      "expect: give one of test_errors, test_accuracy, agreement and better_than");
    else if (published && !lyne_yaml_get(node, "within"))
        lyne_diagnose(out, node->mark, LYNE_ERECIPE, "expect: 'within' is missing: how far off the mean may lie");
    else if (published && e->times != 1) /* which is what is printed for the default */
        lyne_diagnose(out, lyne_yaml_get(node, "times")->mark, LYNE_ERECIPE, "expect: times goes with better_than");
    else if (e->better_than)
        check_stage(r, lyne_yaml_get(node, "better_than")->mark, e->better_than, out);
}

void lyne_expect_read(lyne_recipe *r, const lyne_filler *f) {
    const lyne_yaml *tree = r->expect_tree;
    if (!tree) return;
    if (tree->kind != LYNE_YAML_LIST) {
        lyne_diagnose(f->out, tree->mark, LYNE_ERECIPE,
                      "expect expects a list, as in [{stage: student, test_errors: 74, within: 11}]");
        return;
    }
    if (!lyne_recipe_few(tree, "expect", LYNE_MOST_ENTRIES, f->out)) return;
    r->expect = lyne_arena_alloc(f->arena, tree->n * sizeof *r->expect);
    if (!r->expect) {
        f->out->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < tree->n; i++) {
        lyne_expectation *e = &r->expect[i];
        if (lyne_config_fill(f, lyne_expect_fields, "expect", tree->item[i]->mark, tree->item[i], e))
            check(r, tree->item[i], e, f->out);
    }
    r->n_expect = tree->n;
}

void lyne_expect_print(const lyne_recipe *r, lyne_text *out) {
    if (r->n_expect) lyne_text_add(out, "expect:\n");
    for (size_t i = 0; i < r->n_expect; i++) {
        lyne_text_add(out, "  - ");
        lyne_config_print(out, lyne_expect_fields, &r->expect[i]);
        lyne_text_add(out, "\n");
    }
}
