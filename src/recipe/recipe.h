/* recipe/recipe.h -- a recipe, read and checked: names resolved, every default filled in, every shape fitting. */
#ifndef LYNE_RECIPE_RECIPE_H
#define LYNE_RECIPE_RECIPE_H

#include "component/config.h"
#include "stages/stage.h"

typedef struct lyne_paper {
    const char *title, *arxiv, *section;
} lyne_paper;

/* A figure from the paper, to be printed beside ours, or that a stage must do better than its control. */
typedef struct lyne_expectation {
    const char *stage;
    double test_errors, test_accuracy, agreement; /* one of them is given, the others are -1 */
    double within;                                /* how far off ours may lie                */
    const char *better_than;                      /* or none of these: another stage ...     */
    double times;                                 /* ... makes so many times our errors      */
    const char *note;                             /* NULL: none                            */
} lyne_expectation;

/* What a sweep varies. */
typedef struct lyne_axis {
    const char *path;  /* "stages.student.distill.epochs"                        */
    const char *title; /* the end of it, as long as it must be to be told apart  */
    const lyne_yaml *key;
} lyne_axis;

typedef struct lyne_recipe {
    lyne_arena arena;
    const char *path, *name;
    const char *extends; /* as written; NULL: nothing.  Already merged. */
    int64_t version;
    lyne_paper paper;
    lyne_ints seeds;
    int precision;
    lyne_texts keep_f32;
    const lyne_yaml *data_tree, *blocks_tree, *stages_tree, *expect_tree, *sweep_tree;
    const char *data;   /* name of the data set                            */
    int64_t validation; /* samples held out of its training split, 0: none */
    lyne_description description;
    lyne_task task;
    lyne_digest classes;
    lyne_stage_instance *stage; /* in the order of the file, which is an order they can run in */
    bool *once;                 /* for each: runs for the first seed only                      */
    size_t n_stages;
    lyne_expectation *expect;
    size_t n_expect;
    /* Of a sweep: what it varies, and a recipe for each point; the first of them is also this one.  n_points 0: none. */
    size_t n_axes, n_points;
    const lyne_axis *axis;
    struct lyne_recipe *point;
    /* Of a point: its values as text (n_axes), all of them as the name of a folder, and where each stage's files go,
     * relative to the run's: points in which a stage is the same share them.  NULL: no point. */
    const char *const *value;
    const char *label;
    const char *const *folder;
    const uint8_t *touched; /* of each stage: bit a is set if axis a touches it */
} lyne_recipe;

/* The fields of a recipe, its paper, its data, and of one item of its expect: for checking, explaining and the schema.
 * Those of type LYNE_FIELD_TREE are read by recipe/ itself. */
extern const lyne_field lyne_recipe_fields[], lyne_data_fields[], lyne_expect_fields[];
/** What stands in the folder of a run besides the folders of stages, which none of them may be called; ends with NULL. */
extern const char *const lyne_recipe_taken[];

/** Read a recipe, with `set` assignments (a.b.c=v) applied, check it as far as can be done without the data, and fill
 *  *out.  What it extends and imports lies below the folder of its project (recipe/find.h) or the current one; only `set`
 *  names other files.  All mistakes go to `diagnostics`; their status is returned.  Free with lyne_recipe_free, also on
 *  failure. */
lyne_status lyne_recipe_read(lyne_recipe *out, const char *path, const char *const *set, size_t n_set,
                             const lyne_registry *registry, lyne_diagnostics *diagnostics);
/** The same for a suite, of whose own assignments, the first n_own of `set`, messages say `suite`: they name no other
 *  files. */
lyne_status lyne_recipe_read_for(const char *suite, size_t n_own, lyne_recipe *out, const char *path,
                                 const char *const *set, size_t n_set, const lyne_registry *registry,
                                 lyne_diagnostics *diagnostics);
void lyne_recipe_free(lyne_recipe *r);

/** Whether a list or map, `what`, has no more entries than people write; else says so.  They are looked for one by one. */
enum { LYNE_MOST_ENTRIES = 1000 };
bool lyne_recipe_few(const lyne_yaml *tree, const char *what, size_t most, lyne_diagnostics *out);

/** What of a recipe without mistakes is hardly meant, as warnings: diagnostics of status LYNE_OK. */
void lyne_recipe_advise(const lyne_recipe *r, lyne_diagnostics *out);

/** The k-th stage that a stage of a recipe without mistakes reads; SIZE_MAX: it reads fewer. */
size_t lyne_recipe_reads(const lyne_recipe *r, size_t stage, size_t k);

/** How many recipes it stands for, and the i-th of them: itself, or the points of its sweep. */
size_t lyne_recipe_count(const lyne_recipe *r);
const lyne_recipe *lyne_recipe_at(const lyne_recipe *r, size_t i);
/** Whether a stage of point i is the same in an earlier one, and so is its folder. */
bool lyne_recipe_shared(const lyne_recipe *r, size_t i, size_t stage);
/** Of each stage of a point (n_stages), which axes it or one that it reads depends on: what r->touched is set to. */
void lyne_recipe_touch(const lyne_recipe *r, uint8_t *touched);
/** Whether a stage, or one that it reads, depends on that axis; r->touched is set. */
bool lyne_axis_touches(const lyne_recipe *r, const lyne_axis *axis, size_t stage);
/** Where the files of a stage go, relative to the run's. */
const char *lyne_recipe_folder(const lyne_recipe *r, size_t stage);
/** The graph of a stage that trains a model, losses and adapters included, for a batch of 2; `place` is where in the recipe
 *  a failure belongs.  Free with lyne_network_deinit. */
lyne_status lyne_recipe_build(lyne_recipe *r, size_t stage, lyne_network *net, lyne_mark *place, lyne_error *err);

/** The recipe as it was understood, every default written out, as YAML that reads back to the same. */
void lyne_recipe_print(const lyne_recipe *r, lyne_text *out);

#endif
