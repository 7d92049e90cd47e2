/* labels/clear.c -- take a cache away. */
#include "base/file.h"
#include "labels/parts.h"
#include <string.h>

static bool is_of_cache(const void *self, const char *name) {
    (void)self;
    return strncmp(name, "labels-", 7) == 0 || strncmp(name, "manifest.json", 13) == 0 ||
           strncmp(name, LYNE_HEAD_NAME, strlen(LYNE_HEAD_NAME)) == 0;
}

lyne_status lyne_labels_clear(const char *directory, lyne_error *err) {
    return lyne_directory_weed(directory, is_of_cache, NULL, err);
}
