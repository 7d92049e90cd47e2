/* tests/recipe/folder.h -- a folder for one test: recipes beside a datasets/ of their own, and reading them with the rows
 * that are built in. */
#ifndef TESTS_RECIPE_FOLDER_H
#define TESTS_RECIPE_FOLDER_H

#include "../scratch.h"
#include "base/file.h"
#include "recipe/builtin.h"
#include "recipe/recipe.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* 40 training and 20 test pictures of 12 x 12: what lenet just accepts. */
static const char tiny_description[] = "lyne_dataset: 1\n"
                                       "name: tiny\n"
                                       "format: {strokes: {train: 40, test: 20, size: 12}}\n"
                                       "picture: [1, 12, 12]\n"
                                       "mean: [0.1]\n"
                                       "sd: [0.2]\n"
                                       "classes: [a, b, c, d, e, f, g, h, i, j]\n";

static char folder[64];
static lyne_registry *registry;

/* A path in the folder; good for the next three calls too. */
static inline const char *at(const char *name) {
    static char path[4][256];
    static int turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static inline void put(const char *name, const char *text) {
    lyne_error err = {0};
    cr_assert_eq(lyne_file_commit(at(name), text, strlen(text), &err), LYNE_OK, "%s", err.text);
}

static void folder_enter(void) {
    lyne_error err = {0};
    scratch_folder(folder, sizeof folder, "recipe");
    cr_assert_eq(lyne_directory_make(at("datasets"), &err), LYNE_OK, "%s", err.text);
    put("datasets/tiny.yaml", tiny_description);
    cr_assert_eq(lyne_registry_new(lyne_builtin_rows, lyne_n_builtin_rows, &registry, &err), LYNE_OK, "%s", err.text);
}

static void folder_leave(void) {
    lyne_error err = {0};
    lyne_registry_free(registry);
    cr_assert_eq(lyne_directory_remove(folder, &err), LYNE_OK, "%s", err.text);
}

/* One reading of a recipe. */
typedef struct reading {
    lyne_recipe recipe;
    lyne_diagnostics out;
    lyne_status status;
} reading;

static inline void reading_begin(reading *r, const char *path, const char *const *set, size_t n_set) {
    r->out = (lyne_diagnostics){0};
    r->status = lyne_recipe_read(&r->recipe, path, set, n_set, registry, &r->out);
}

static inline void reading_end(reading *r) {
    lyne_recipe_free(&r->recipe);
    lyne_diagnostics_free(&r->out);
}

/* All that was said, as it is printed; to be freed with free. */
static inline char *said(const reading *r) {
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    cr_assert_not_null(to);
    lyne_diagnostics_print(&r->out, to, false);
    fclose(to);
    return text;
}

/* A copy of `text` in which `from`, which is there once, is `to`; to be freed with free. */
static inline char *edited(const char *text, const char *from, const char *to) {
    const char *place = strstr(text, from);
    cr_assert(place && !strstr(place + 1, from), "'%s' is not there just once", from);
    char *out = NULL;
    size_t size;
    FILE *stream = open_memstream(&out, &size);
    cr_assert_not_null(stream);
    fprintf(stream, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
    fclose(stream);
    return out;
}

#endif
