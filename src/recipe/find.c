/* recipe/find.c -- a recipe says `data: {use: mnist}`; this finds datasets/mnist.yaml. */
#include "recipe/find.h"
#include "base/file.h"
#include "base/text.h"
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
    if (lyne_directory_list(folder, &file, &n, NULL) != LYNE_OK) return NULL;
    for (size_t i = 0; i < n; i++) {
        char *dot = strrchr(file[i], '.');
        if (dot && strcmp(dot, ".yaml") == 0) *dot = '\0';
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
