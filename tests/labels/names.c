/* tests/labels/names.c -- which files are a cache's: by the whole of their names. */
#include "labels/parts.h"
#include <criterion/criterion.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

Test(names, say_all_of_it) {
    static const struct {
        const char *name;
        int kind;
        bool torn;
        uint64_t at, n;
    } rows[] = {
        {"labels-00003-of-00008.safetensors", LYNE_CACHE_SHARD, false, 3, 8},
        {"labels-00003-of-00008.safetensors.tmp.17", LYNE_CACHE_SHARD, true, 3, 8},
        {"labels-00003-of-00008.safetensors.tmp.", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"labels-00003-of-00008.safetensors.tmp.1x", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"labels-00003-of-00008.safetensors.bak", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"labels-00003-of-00008.npy", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"labels-3-of-8.safetensors", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"labels-teacher.npy", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"labels-notes.txt", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"manifest.json", LYNE_CACHE_MANIFEST, false, 0, 0},
        {"manifest.json.tmp.4", LYNE_CACHE_MANIFEST, true, 0, 0},
        {"manifest.json.old", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"part-00002-of-00004.json", LYNE_CACHE_PART, false, 2, 4},
        {"part-00002-of-00004.json.tmp.9", LYNE_CACHE_PART, true, 2, 4},
        {"part-00005-of-00004.json", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"head.safetensors", LYNE_CACHE_HEAD, false, 0, 0},
        {"head.safetensors.tmp.1", LYNE_CACHE_HEAD, true, 0, 0},
        {"head.safetensors.txt", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"a name that is longer than any of a cache is, by far and away.safetensors", LYNE_NO_CACHE_FILE, false, 0, 0},
        {"", LYNE_NO_CACHE_FILE, false, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const lyne_cache_file f = lyne_cache_file_named(rows[i].name);
        cr_expect_eq((int)f.kind, rows[i].kind, "%s: %d", rows[i].name, (int)f.kind);
        if (f.kind == LYNE_NO_CACHE_FILE) continue;
        cr_expect(f.torn == rows[i].torn && f.at == rows[i].at && f.n == rows[i].n, "%s", rows[i].name);
    }
}
