/* recipe/suite.h -- a suite: the recipes that `lyne bench` runs, and what is said about them.
 *
 *     lyne_bench: 1
 *     name: paper
 *     title: Published tables on MNIST
 *     runs:
 *       - recipe: ../recipes/mnist/hinton2015.yaml
 *         notes: [Which schedules were tried on the validation split]
 *       - {recipe: ../recipes/quickstart.yaml, set: [stages.student.distill.epochs=5]}
 *
 * Recipes lie below the folder of the suite's project (recipe/find.h) or the current one, as do files that `set` names.
 * A run with settings is not what its recipe's paper did, so its figures are not put beside published ones; `seeds` alone
 * may be set. */
#ifndef LYNE_RECIPE_SUITE_H
#define LYNE_RECIPE_SUITE_H

#include "recipe/recipe.h"

typedef struct lyne_suite_run {
    const char *path, *written; /* of the recipe: as it is opened, as the suite says it */
    lyne_texts set, notes;
    lyne_texts settings; /* `set`, and behind it what the command line sets */
    bool reduced;        /* something but seeds is set */
    lyne_recipe recipe;
} lyne_suite_run;

typedef struct lyne_suite {
    lyne_arena arena;
    int64_t version;
    const char *name, *title;
    const lyne_yaml *runs_tree;
    lyne_suite_run *run;
    size_t n_runs;
} lyne_suite;

/** Read a suite and every recipe of it, each with the run's settings and then `set`.  All mistakes of all files go to
 *  `diagnostics`; their status is returned.  Free with lyne_suite_free, also on failure. */
lyne_status lyne_suite_read(lyne_suite *out, const char *path, const char *const *set, size_t n_set,
                            const lyne_registry *registry, lyne_diagnostics *diagnostics);
void lyne_suite_free(lyne_suite *s);

#endif
