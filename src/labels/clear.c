/* labels/clear.c -- which files are a cache's, and taking them away. */
#include "base/file.h"
#include "labels/parts.h"
#include <stdio.h>
#include <string.h>

lyne_cache_file lyne_cache_file_named(const char *name) {
    char of[LYNE_SHARD_NAME], due[LYNE_SHARD_NAME];
    unsigned long long at, n;
    uint32_t part, n_parts;
    const size_t stem = lyne_file_stem(name);
    lyne_cache_file f = {.torn = name[stem] != '\0'};
    if (stem >= sizeof of) return f;
    snprintf(of, sizeof of, "%.*s", (int)stem, name);
    if (strcmp(of, "manifest.json") == 0) f.kind = LYNE_CACHE_MANIFEST;
    if (strcmp(of, LYNE_HEAD_NAME) == 0) f.kind = LYNE_CACHE_HEAD;
    if (lyne_manifest_named(of, &part, &n_parts)) {
        f.kind = LYNE_CACHE_PART;
        f.at = part;
        f.n = n_parts;
    }
    if (sscanf(of, "labels-%5llu-of-%5llu", &at, &n) == 2) {
        lyne_shard_name(&(lyne_layout){.n_shards = n}, at, due);
        if (strcmp(of, due) == 0) f.kind = LYNE_CACHE_SHARD;
        f.at = at;
        f.n = n;
    }
    return f;
}

static bool is_of_cache(const void *self, const char *name) {
    const lyne_cache_file f = lyne_cache_file_named(name);
    (void)self;
    return f.kind != LYNE_NO_CACHE_FILE && f.kind != LYNE_CACHE_PART;
}

bool lyne_labels_owns(const char *name) {
    return is_of_cache(NULL, name) && !name[lyne_file_stem(name)];
}

lyne_status lyne_labels_clear(const char *directory, lyne_error *err) {
    return lyne_directory_weed(directory, is_of_cache, NULL, err);
}
