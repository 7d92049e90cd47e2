/* recipe/find.c -- a recipe says `data: {use: mnist}`; this finds datasets/mnist.yaml. */
#include "recipe/find.h"
#include "base/file.h"
#include "base/text.h"
#include "stages/stage.h"
#include <stdlib.h>
#include <string.h>

/* Folders to look in: the k-th, k = 0, 1, ...; NULL behind the last. */
static const char *place(const char *recipe_path, int k, lyne_arena *arena) {
    char *absolute = realpath(recipe_path, NULL);
    char *slash = absolute ? strrchr(absolute, '/') : NULL;
    for (int i = 0; slash && i < k; i++) {
        *slash = '\0';
        slash = strrchr(absolute, '/');
    }
    const char *result = NULL;
    if (slash) {
        *slash = '\0';
        result = lyne_arena_printf(arena, "%s/datasets", absolute);
    }
    free(absolute);
    return result;
}

static bool ends_in_yaml(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && strcmp(dot, ".yaml") == 0;
}

/* Whether there are descriptions in datasets/ of a folder. */
static lyne_status look_for_descriptions(const char *folder, bool *found, lyne_error *err) {
    char path[LYNE_PATH_MAX], **file;
    size_t n;
    *found = false;
    lyne_error why = {0};
    lyne_status status = lyne_path(path, folder, "datasets", &why);
    if (status == LYNE_OK) status = lyne_file_within(path, &folder, 1, &why);
    if (status == LYNE_OK) status = lyne_directory_list(path, &file, &n, &why);
    if (status != LYNE_OK) return status == LYNE_ENOSPACE ? lyne_fail(err, status, "%s", why.text) : LYNE_OK;
    for (size_t i = 0; i < n; i++) *found |= ends_in_yaml(file[i]);
    lyne_names_free(file, n);
    return LYNE_OK;
}

lyne_status lyne_find_project(const char *recipe_path, lyne_arena *arena, const char **out, lyne_error *err) {
    bool found = false;
    lyne_status status = LYNE_OK;
    char *folder = realpath(recipe_path, NULL), *slash = folder ? strrchr(folder, '/') : NULL;
    *out = lyne_arena_printf(arena, "%.*s", slash > folder ? (int)(slash - folder) : 1, folder ? folder : ".");
    for (; slash > folder && !found && status == LYNE_OK; slash = strrchr(folder, '/')) { /* not in the root */
        *slash = '\0';
        status = look_for_descriptions(folder, &found, err);
    }
    if (found) *out = lyne_arena_printf(arena, "%s", folder);
    free(folder);
    return status == LYNE_OK && !*out ? lyne_fail_memory(err, recipe_path) : status;
}

static const char *in(const char *folder, const char *name, lyne_arena *arena) {
    const char *path = lyne_arena_printf(arena, "%s/%s.yaml", folder, name);
    return path && lyne_file_exists(path) ? path : NULL;
}

/* The descriptions that were installed with this program; NULL: it cannot be said where it is. */
static const char *installed(lyne_arena *arena) {
    char *program = realpath("/proc/self/exe", NULL), *slash = program ? strrchr(program, '/') : NULL;
    const char *folder =
        slash ? lyne_arena_printf(arena, "%.*s/" LYNE_DATADIR "/datasets", (int)(slash - program), program) : NULL;
    free(program);
    return folder;
}

const char *lyne_find_description(const char *recipe_path, const char *name, lyne_arena *arena) {
    const char *folder, *found = NULL;
    if (!lyne_name_ok(name)) return NULL;
    for (int k = 0; !found && (folder = place(recipe_path, k, arena)); k++) found = in(folder, name, arena);
    if (!found) found = in("datasets", name, arena);
    return found || !(folder = installed(arena)) ? found : in(folder, name, arena);
}

static const char *nearest_in(const char *folder, const char *name, lyne_arena *arena) {
    char **file;
    size_t n;
    const char *parent = lyne_arena_strndup(arena, folder, strlen(folder) - strlen("/datasets"));
    const bool inside = parent && lyne_file_within(folder, &parent, 1, NULL) == LYNE_OK;
    if (!inside || lyne_directory_list(folder, &file, &n, NULL) != LYNE_OK) return NULL;
    for (size_t i = 0; i < n; i++) {
        if (ends_in_yaml(file[i])) file[i][strlen(file[i]) - 5] = '\0';
    }
    const char *near = lyne_nearest(name, (const char *const *)file, n);
    if (near) near = lyne_arena_strndup(arena, near, strlen(near));
    lyne_names_free(file, n);
    return near;
}

const char *lyne_nearest_description(const char *recipe_path, const char *name, lyne_arena *arena) {
    const char *folder, *near = NULL;
    for (int k = 0; !near && (folder = place(recipe_path, k, arena)); k++) near = nearest_in(folder, name, arena);
    return near || !(folder = installed(arena)) ? near : nearest_in(folder, name, arena);
}
