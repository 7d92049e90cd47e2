/* cli/labels_recipe.c -- `lyne labels import` and the asking of `lyne labels verify`: soft labels by a recipe. */
#include "base/file.h"
#include "base/text.h"
#include "cli/folders.h"
#include "cli/labels.h"
#include "cli/recipe.h"
#include "recipe/single.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE "soft_labels" /* of a recipe that import leaves */

/* Where the recipe of a cache is, and which of its stages it is. */
typedef struct place {
    char recipe[LYNE_PATH_MAX], out[LYNE_PATH_MAX], stage[256];
} place;

static bool find(const char *cache, place *p) {
    char path[LYNE_PATH_MAX];
    size_t n = strlen(cache);
    while (n > 1 && cache[n - 1] == '/') n--;
    if (n + 20 > sizeof path) return false;
    snprintf(path, sizeof path, "%.*s", (int)n, cache);
    snprintf(p->recipe, sizeof p->recipe, "%.*s/recipe.yaml", (int)n, path);
    snprintf(p->out, sizeof p->out, "%s", path);
    snprintf(p->stage, sizeof p->stage, STAGE);
    if (lyne_file_exists(p->recipe)) return true;
    char *absolute = realpath(path, NULL), *slash = absolute ? strrchr(absolute, '/') : NULL;
    bool found = slash && slash > absolute && strlen(slash) < sizeof p->stage && slash - absolute < LYNE_PATH_MAX - 20;
    if (found) {
        snprintf(p->stage, sizeof p->stage, "%s", slash + 1);
        snprintf(p->out, sizeof p->out, "%.*s", (int)(slash - absolute), absolute);
        snprintf(p->recipe, sizeof p->recipe, "%.*s/recipe.yaml", (int)(slash - absolute), absolute);
        found = lyne_file_exists(p->recipe);
    }
    free(absolute);
    return found;
}

bool lyne_cli_can_ask(const char *cache) {
    place p;
    return find(cache, &p);
}

static lyne_status folders(lyne_folders *f, const char *folder, lyne_error *err) {
    lyne_status status = folder ? lyne_words_add(&f->list, folder, "--folder", err) : LYNE_OK;
    return status == LYNE_OK ? lyne_folders_environment(f, err) : status;
}

lyne_status lyne_cli_ask(const char *cache, uint64_t n, const char *folder, const lyne_labels *labels,
                         const lyne_registry *registry, lyne_asked *out, lyne_error *err) {
    place p;
    lyne_recipe recipe = {0};
    lyne_folders data = {0};
    if (!find(cache, &p))
        return lyne_fail(
            err, LYNE_EDATA,
            "%s: nobody can be asked, as there is no recipe.yaml in it or beside it (that of the run it is a "
            "stage of); --sample 0 asks nobody",
            cache);
    const char *run = p.out; /* which has it, and not somewhere else by a link */
    lyne_status status = lyne_file_within(p.recipe, &run, 1, err);
    if (status == LYNE_OK) status = lyne_cli_read(&recipe, p.recipe, NULL, 0, registry);
    if (status == LYNE_ERECIPE)
        status = lyne_fail(err, LYNE_EDATA,
                           "%s: cannot be read as a recipe (above is why), so nobody can be asked about %s; --plugin "
                           "brings what it names, datasets/ is looked for from here as well; --sample 0 asks nobody",
                           p.recipe, cache);
    if (status == LYNE_OK) status = folders(&data, folder, err);
    const lyne_run_options o = {.out = p.out, .data_directory = data.list.item, .n_data_directories = data.list.n};
    if (status == LYNE_OK) status = lyne_single_ask(&recipe, &o, p.stage, labels, n, out, err);
    lyne_folders_free(&data);
    lyne_recipe_free(&recipe);
    return status;
}

/* ---- import ---- */

/* A YAML scalar that is this text. */
static void add_quoted(lyne_text *out, const char *text) {
    lyne_text_add(out, "\"");
    for (const char *c = text; *c; c++) lyne_text_add(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    lyne_text_add(out, "\"");
}

/* An absolute path, so that the recipe is good from anywhere. */
static void add_path(lyne_text *out, const char *path) {
    char *absolute = realpath(path, NULL);
    add_quoted(out, absolute ? absolute : path);
    free(absolute);
}

/* `stages.soft_labels.import.KEY="PATH"`: on the command line, any file may be named. */
static void say_path(lyne_text *out, const char *key, const char *path) {
    lyne_text_add(out, "stages." STAGE ".import.%s=", key);
    add_path(out, path);
}

static lyne_status make_recipe(const lyne_import *i, lyne_text *text, lyne_error *err) {
    lyne_text_add(text, "lyne: 1\nname: imported\ndata: {use: ");
    add_quoted(text, i->data);
    lyne_text_add(text, "}\nstages:\n  " STAGE ":\n    import:\n      logits: ");
    add_path(text, i->logits);
    lyne_text_add(text, "\n      ids: ");
    add_path(text, i->ids);
    lyne_text_add(text, "\n      encoding: %s\n", i->encoding);
    return text->failed ? lyne_fail_memory(err, "a recipe") : LYNE_OK;
}

/* Hidden, or torn off when a process was killed. */
static bool is_nothing(const char *name) {
    return name[0] == '.' || name[lyne_file_stem(name)];
}

/* The folder is new, empty, or of just this import, which then goes on; *made: its recipe was not there. */
static lyne_status enter(const lyne_import *i, const lyne_text *recipe, const char *path, bool *made, lyne_error *err) {
    char **names, *before = NULL;
    size_t n, size;
    *made = false;
    lyne_status status = lyne_directory_make(i->out, err);
    if (status == LYNE_OK) status = lyne_directory_list(i->out, &names, &n, err);
    if (status != LYNE_OK) return status;
    size_t seen = 0;
    while (seen < n && is_nothing(names[seen])) seen++;
    if (seen == n) {
        *made = true;
        status = lyne_file_commit(path, recipe->data, recipe->length, err);
    } else if (lyne_file_read(path, 1 << 16, &before, &size, NULL) != LYNE_OK || size != recipe->length ||
               memcmp(before, recipe->data, size) != 0) {
        status =
            lyne_fail(err, LYNE_EUSAGE,
                      "%s: has something in it that is not of this very import (%s); name a new folder, or remove it",
                      i->out, names[seen]);
    }
    lyne_free(before);
    lyne_names_free(names, n);
    return status;
}

/* An import that failed before it made anything leaves a folder for another. */
static void leave(const char *out, const char *path) {
    char **names;
    size_t n, visible = 0;
    if (lyne_directory_list(out, &names, &n, NULL) != LYNE_OK) return;
    for (size_t k = 0; k < n; k++) visible += !is_nothing(names[k]);
    if (visible == 1) (void)lyne_file_remove(path, NULL);
    lyne_names_free(names, n);
}

lyne_status lyne_cli_import(const lyne_import *i, const lyne_registry *registry, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    bool made = false;
    lyne_recipe recipe = {0};
    lyne_folders data = {0};
    lyne_text text = {0}, said[2] = {{0}};
    lyne_result result;
    lyne_status status = lyne_path(path, i->out, "recipe.yaml", err);
    if (status == LYNE_OK) status = make_recipe(i, &text, err);
    if (status == LYNE_OK) status = enter(i, &text, path, &made, err);
    say_path(&said[0], "logits", i->logits);
    say_path(&said[1], "ids", i->ids);
    if (status == LYNE_OK && (said[0].failed || said[1].failed)) status = lyne_fail_memory(err, path);
    const char *const set[] = {said[0].data, said[1].data};
    if (status == LYNE_OK) status = lyne_cli_read(&recipe, path, set, 2, registry);
    if (status == LYNE_OK) status = folders(&data, i->folder, err);
    const lyne_run_options o = {.out = i->out, .data_directory = data.list.item, .n_data_directories = data.list.n};
    if (status == LYNE_OK) status = lyne_single_run(&recipe, &o, STAGE, i->out, &result, err);
    if (status == LYNE_OK) printf("%s: %lld records\n", i->out, (long long)result.records);
    if (status != LYNE_OK && made) leave(i->out, path);
    for (int k = 0; k < 2; k++) lyne_text_free(&said[k]);
    lyne_text_free(&text);
    lyne_folders_free(&data);
    lyne_recipe_free(&recipe);
    return status;
}
