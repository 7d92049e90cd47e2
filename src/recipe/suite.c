/* recipe/suite.c -- a suite and the recipes that it names. */
#include "recipe/suite.h"
#include "base/file.h"
#include "recipe/find.h"
#include <string.h>

static const lyne_field run_fields[] = {
    {.name = "recipe",
     .type = LYNE_FIELD_TEXT,
     .help = "the recipe, relative to the suite",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_suite_run, written)},
    LYNE_ENTRY(TEXTS, lyne_suite_run, set, "values that are changed, as in [stages.student.distill.epochs=5]", "[]"),
    LYNE_ENTRY(TEXTS, lyne_suite_run, notes, "printed below the table, a paragraph each", "[]"),
    LYNE_FIELDS_END};

static const lyne_field suite_fields[] = {
    {.name = "lyne_bench",
     .type = LYNE_FIELD_INT,
     .help = "version of this file's format: 1",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_suite, version),
     LYNE_RANGE(1, 1)},
    LYNE_ENTRY(TEXT, lyne_suite, name, "names the folder of its runs", LYNE_REQUIRED),
    LYNE_ENTRY(TEXT, lyne_suite, title, "a heading", LYNE_REQUIRED),
    {.name = "runs",
     .type = LYNE_FIELD_TREE,
     .help = "the recipes, in order",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_suite, runs_tree)},
    LYNE_FIELDS_END};

enum { MOST_SETTINGS = 64, MOST_RUNS = 100 };

static void read_recipe(lyne_suite_run *run, const char *const *set, size_t n_set, lyne_mark mark,
                        const lyne_filler *f) {
    size_t n = 0;
    if (run->set.n > MOST_SETTINGS || n_set > MOST_SETTINGS) {
        lyne_diagnose(f->out, mark, LYNE_ERECIPE, "set: more than %d settings", MOST_SETTINGS);
        return;
    }
    const char **all = lyne_arena_alloc(f->arena, (run->set.n + n_set + 1) * sizeof *all);
    if (!all) {
        f->out->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < run->set.n; i++) all[n++] = run->set.item[i];
    for (size_t i = 0; i < n_set; i++) all[n++] = set[i];
    for (size_t i = 0; i < n; i++) run->reduced |= strncmp(all[i], "seeds=", 6) != 0;
    run->settings = (lyne_texts){n, all};
    lyne_recipe_read_for("set", run->set.n, &run->recipe, run->path, all, n, f->registry, f->out);
}

static void read_run(lyne_suite *s, const char *suite_path, const lyne_yaml *node, const char *const *set, size_t n_set,
                     const lyne_filler *f) {
    lyne_suite_run *run = &s->run[s->n_runs];
    const char *slash = strrchr(suite_path, '/');
    *run = (lyne_suite_run){0};
    if (!lyne_config_fill(f, run_fields, "run", node->mark, node, run)) return;
    run->path = *run->written == '/' || !slash
                    ? run->written
                    : lyne_arena_printf(f->arena, "%.*s/%s", (int)(slash - suite_path), suite_path, run->written);
    if (!run->path) {
        f->out->out_of_memory = true;
        return;
    }
    lyne_error err = {0};
    if (lyne_file_within(run->path, f->folder, f->n_folders, &err) != LYNE_OK) {
        lyne_diagnose(f->out, lyne_yaml_get(node, "recipe")->mark, LYNE_ERECIPE,
                      "recipe: %s; a suite runs recipes of its own folder, of that with datasets/ above it, or of the "
                      "current one",
                      err.text);
        return;
    }
    s->n_runs++;
    read_recipe(run, set, n_set, node->mark, f);
    for (size_t i = 0; i + 1 < s->n_runs; i++)
        if (run->recipe.name && s->run[i].recipe.name && strcmp(s->run[i].recipe.name, run->recipe.name) == 0)
            lyne_diagnose(f->out, node->mark, LYNE_ERECIPE,
                          "runs: two recipes are called '%s', and their results would have one file; set another name "
                          "for one, as in set: [name=...]",
                          run->recipe.name);
}

lyne_status lyne_suite_read(lyne_suite *out, const char *path, const char *const *set, size_t n_set,
                            const lyne_registry *registry, lyne_diagnostics *diagnostics) {
    *out = (lyne_suite){0};
    const char *folder[] = {NULL, "."};
    const lyne_filler f = {
        .registry = registry, .arena = &out->arena, .out = diagnostics, .folder = folder, .n_folders = 2};
    char *target = lyne_file_target(path);
    if (!target || lyne_find_project(path, &out->arena, &folder[0], NULL) != LYNE_OK) diagnostics->out_of_memory = true;
    const lyne_yaml *tree = target && folder[0] ? lyne_yaml_read(target, f.arena, f.out) : NULL;
    lyne_free(target);
    if (!tree || !lyne_config_fill(&f, suite_fields, "suite", tree->mark, tree, out))
        return lyne_diagnostics_status(diagnostics);
    if (!lyne_name_ok(out->name))
        lyne_diagnose(f.out, lyne_yaml_get(tree, "name")->mark, LYNE_ERECIPE,
                      "name: '%s' cannot name a folder; use letters, digits, _ - ., at most 64", out->name);
    const lyne_yaml *runs = out->runs_tree;
    if (runs->kind != LYNE_YAML_LIST || runs->n == 0) {
        lyne_diagnose(f.out, runs->mark, LYNE_ERECIPE,
                      "runs expects a list, as in [{recipe: ../recipes/quickstart.yaml}]");
        return lyne_diagnostics_status(diagnostics);
    }
    if (!lyne_recipe_few(runs, "runs", MOST_RUNS, f.out)) return lyne_diagnostics_status(diagnostics);
    out->run = lyne_arena_alloc(f.arena, runs->n * sizeof *out->run);
    if (!out->run) diagnostics->out_of_memory = true;
    for (size_t i = 0; out->run && i < runs->n; i++) read_run(out, path, runs->item[i], set, n_set, &f);
    return lyne_diagnostics_status(diagnostics);
}

void lyne_suite_free(lyne_suite *s) {
    if (!s) return;
    for (size_t i = 0; i < s->n_runs; i++) lyne_recipe_free(&s->run[i].recipe);
    lyne_arena_free(&s->arena);
}
