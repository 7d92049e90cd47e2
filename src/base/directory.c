/* base/directory.c -- the directories of base/file.h: make, remove, list. */
#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIRECTORY_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static bool is_dot(const char *name) {
    return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Whether nothing is in it, or `one` and nothing else. */
static bool is_empty(const char *path, bool one) {
    const int fd = system_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : system_fdopendir(fd);
    if (!dir) {
        if (fd >= 0) system_close(fd);
        return false; /* who may not look may still go through it */
    }
    int left = one ? 1 : 0;
    struct dirent *entry;
    while ((entry = system_readdir(dir)) && left >= 0) left -= !is_dot(entry->d_name);
    const bool empty = left >= 0 && !errno;
    closedir(dir);
    return empty;
}

/* mkdir, content when the directory is there already. */
static lyne_status make_one(const char *path, bool *made, lyne_error *err) {
    struct stat st;
    *made = system_mkdir(path) == 0;
    if (*made) return system_sync_parent(path, err); /* or all that is in it may go with it */
    int cause = errno;
    if (system_stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) return LYNE_OK;
        cause = ENOTDIR;
    }
    errno = cause;
    return lyne_fail_errno(err, path, "make the directory");
}

lyne_status lyne_directory_make(const char *path, lyne_error *err) {
    char *part = lyne_strdup(path), *slash = part;
    if (!part) return lyne_fail_memory(err, path);
    lyne_status status = LYNE_OK;
    size_t there = 0;
    bool any = false, made;
    do {
        slash = *slash ? strchr(slash + 1, '/') : NULL;
        if (slash) *slash = '\0';
        status = make_one(part, &made, err);
        any |= made;
        if (!any) there = strlen(part);
        if (slash) *slash = '/';
    } while (status == LYNE_OK && slash);
    /* Nothing was in the last that was there: a process may have been killed that had made it and not synced its parent. */
    part[there] = '\0';
    if (status == LYNE_OK && there && is_empty(part, any)) status = system_sync_parent(part, err);
    lyne_free(part);
    return status;
}

/* ---- remove: by descriptors, so that no link put in the way is followed ---- */

/* Remove what is in the directory behind fd, which is closed.  0, or -1 with errno. */
static int empty(int fd) {
    DIR *dir = system_fdopendir(fd);
    if (!dir) {
        int cause = errno;
        system_close(fd);
        errno = cause;
        return -1;
    }
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = system_readdir(dir));) {
        const char *name = entry->d_name;
        if (is_dot(name) || system_unlinkat(fd, name, 0) == 0 || errno == ENOENT) continue;
        int inner = errno == EISDIR || errno == EPERM ? system_openat(fd, name, DIRECTORY_FLAGS) : -1;
        result = inner < 0 || empty(inner) || system_unlinkat(fd, name, AT_REMOVEDIR) ? -1 : 0;
    }
    int cause = errno;
    closedir(dir);
    errno = cause;
    return result || cause ? -1 : 0;
}

lyne_status lyne_directory_remove(const char *path, lyne_error *err) {
    char *name = lyne_strdup(path);
    if (!name) return lyne_fail_memory(err, path);
    for (size_t n = strlen(name); n > 1 && name[n - 1] == '/'; n--)
        name[n - 1] = '\0'; /* "link/" is what it links to */
    lyne_status status = LYNE_OK;
    int fd = system_openat(AT_FDCWD, name, DIRECTORY_FLAGS);
    bool missing = fd < 0 && errno == ENOENT;
    if (!missing && (fd < 0 || empty(fd) || system_unlinkat(AT_FDCWD, name, AT_REMOVEDIR)))
        status = lyne_fail_errno(err, path, "remove the directory");
    lyne_free(name);
    return status;
}

/* ---- list ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

lyne_status lyne_directory_list(const char *path, char ***names, size_t *n, lyne_error *err) {
    char **list = NULL;
    size_t count = 0, capacity = 0;
    lyne_status status = LYNE_OK;
    int fd = system_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return lyne_fail_errno(err, path, "list the directory");
    DIR *dir = system_fdopendir(fd);
    if (!dir) {
        status = lyne_fail_errno(err, path, "list the directory");
        system_close(fd);
        return status;
    }
    for (struct dirent *entry; status == LYNE_OK && (entry = system_readdir(dir));) {
        if (is_dot(entry->d_name)) continue;
        if (lyne_grow(&list, &capacity, count + 1, sizeof *list) && (list[count] = lyne_strdup(entry->d_name)))
            count++;
        else
            status = lyne_fail_memory(err, path);
    }
    if (status == LYNE_OK && errno) status = lyne_fail_errno(err, path, "list the directory");
    closedir(dir);
    if (status != LYNE_OK) {
        lyne_names_free(list, count);
        return status;
    }
    if (count) qsort(list, count, sizeof *list, by_name);
    *names = list;
    *n = count;
    return LYNE_OK;
}

void lyne_names_free(char **names, size_t n) {
    for (size_t i = 0; i < n; i++) lyne_free(names[i]);
    lyne_free(names);
}

lyne_status lyne_directory_weed(const char *path, bool (*is_unwanted)(const void *self, const char *name),
                                const void *self, lyne_error *err) {
    char **names;
    size_t n;
    lyne_status status = lyne_directory_list(path, &names, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        if (!is_unwanted(self, names[i])) continue;
        lyne_text file = {0};
        lyne_text_add(&file, "%s/%s", path, names[i]);
        status = file.failed ? lyne_fail_memory(err, path) : lyne_file_remove(file.data, err);
        lyne_text_free(&file);
    }
    lyne_names_free(names, n);
    return status;
}
