/* base/limits.c -- see limits.h.  Files of the kernel have no size, so they are read line by line. */
#include "base/limits.h"
#include "base/system.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 4096 };

/* A number that is alone in a file; "max" is none. */
static uint64_t number_in(const char *path) {
    uint64_t n = LYNE_NO_LIMIT;
    FILE *f = fopen(path, "re");
    if (!f) return n;
    if (fscanf(f, "%" SCNu64, &n) != 1) n = LYNE_NO_LIMIT;
    fclose(f);
    return n;
}

/* The group's and those around it, from the innermost; a container may see only some of them.  group is cut. */
static void least_of(const char *root, const char *folder, char *group, const char *file, lyne_memory_limits *out) {
    for (;;) {
        char path[sizeof out->file];
        const int length = snprintf(path, sizeof path, "%s/sys/fs/cgroup%s%s/%s", root, folder, group, file);
        const uint64_t n = length < (int)sizeof path ? number_in(path) : LYNE_NO_LIMIT;
        if (n < out->most && n < UINT64_C(1) << 62) { /* version 1 says "none" by a number near 2^63 */
            out->most = n;
            memcpy(out->file, path, sizeof path);
        }
        char *slash = strrchr(group, '/');
        if (!slash) return;
        *slash = '\0';
    }
}

/* Whether `word` is one of a list with commas. */
static bool lists(const char *list, const char *word) {
    const size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0')) return true;
    return false;
}

/* A line of /proc/self/cgroup: NUMBER:CONTROLLERS:GROUP, of version 2 without controllers. */
static void take_group(const char *root, char *line, lyne_memory_limits *out) {
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) return;
    *group++ = '\0';
    if (strcmp(group, "/") == 0) *group = '\0';
    if (controllers[1] == '\0')
        least_of(root, "", group, "memory.max", out);
    else if (lists(controllers + 1, "memory"))
        least_of(root, "/memory", group, "memory.limit_in_bytes", out);
}

static FILE *open_in(const char *root, const char *file) {
    char path[LINE];
    return snprintf(path, sizeof path, "%s%s", root, file) < LINE ? fopen(path, "re") : NULL;
}

lyne_memory_limits lyne_memory_limits_in(const char *root) {
    lyne_memory_limits out = {.most = LYNE_NO_LIMIT, .available = LYNE_NO_LIMIT};
    char line[LINE];
    FILE *f = open_in(root, "/proc/self/cgroup");
    while (f && fgets(line, sizeof line, f)) take_group(root, line, &out);
    if (f) fclose(f);
    uint64_t kb, all = 0, swap = 0;
    f = open_in(root, "/proc/meminfo");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "MemAvailable: %" SCNu64, &kb) == 1) out.available = kb * 1024;
        if (sscanf(line, "MemTotal: %" SCNu64, &kb) == 1) all = kb * 1024;
        if (sscanf(line, "SwapTotal: %" SCNu64, &kb) == 1) swap = kb * 1024;
    }
    if (f) fclose(f);
    if (all && all + swap < out.most) {
        out.most = all + swap;
        snprintf(out.file, sizeof out.file, "%s/proc/meminfo", root);
    }
    return out;
}

lyne_status lyne_disk_free(const char *path, uint64_t *bytes, lyne_error *err) {
    struct statvfs s;
    if (system_statvfs(path, &s)) return lyne_fail_errno(err, path, "ask for free space");
    *bytes = (uint64_t)s.f_bavail * s.f_frsize;
    return LYNE_OK;
}
