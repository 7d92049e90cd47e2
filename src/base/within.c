/* base/within.c -- where a path leads.  Looked at before a file is opened: nothing protects from somebody who changes
 * links in between. */
#include "base/file.h"
#include "base/memory.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *lyne_file_target(const char *path) {
    struct stat st;
    char *real = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(path, NULL) : NULL;
    char *target = lyne_strdup(real ? real : path); /* one that leads nowhere is refused where it is opened */
    free(real);
    return target;
}

/* Where a path leads, as far as it is there: cut off its end until something is.  NULL with errno. */
static char *lead(char *path, bool *whole) {
    char *real = realpath(path, NULL);
    *whole = real;
    while (!real && errno == ENOENT) {
        char *slash = strrchr(path, '/'), *end = slash ? slash + 1 : path;
        if (strcmp(end, "..") == 0 || !*path) {
            errno = ENOENT;
            return NULL;
        }
        if (slash && slash > path)
            *slash = '\0';
        else
            memcpy(path, slash ? "/" : ".", 2); /* any path has room for that */
        real = realpath(path, NULL);
    }
    return real;
}

/* Or that very folder. */
static bool is_below(const char *real, const char *folder, bool itself) {
    char *root = realpath(folder, NULL);
    const size_t n = root ? strlen(root) : 0;
    const bool begins = n && strncmp(real, root, n) == 0;
    const bool below = begins && (n == 1 || real[n] == '/' || (itself && !real[n])); /* n == 1: / */
    free(root);
    return below;
}

lyne_status lyne_file_within(const char *path, const char *const *folder, size_t n, lyne_error *err) {
    bool whole, within = false;
    char *copy = lyne_strdup(*path ? path : ".");
    if (!copy) return lyne_fail_memory(err, path);
    char *real = lead(copy, &whole);
    lyne_status status = real ? LYNE_OK : lyne_fail_errno(err, path, "find");
    for (size_t i = 0; real && i < n && !within; i++) within = is_below(real, folder[i], !whole);
    if (real && !within)
        status = lyne_fail(err, LYNE_EDATA, "%s: leads out of its folder, to %s%s", path, real, whole ? "" : "/...");
    free(real);
    lyne_free(copy);
    return status;
}
