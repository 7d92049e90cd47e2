/* labels/clear.c -- take a cache away. */
#include "base/file.h"
#include "base/text.h"
#include "labels/writer.h"
#include <string.h>

static bool is_of_cache(const char *name) {
    return strncmp(name, "labels-", 7) == 0 || strncmp(name, "manifest.json", 13) == 0;
}

lyne_status lyne_labels_clear(const char *directory, lyne_error *err) {
    char **name;
    size_t n;
    lyne_status status = lyne_directory_list(directory, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        if (!is_of_cache(name[i])) continue;
        lyne_text path = {0};
        lyne_text_add(&path, "%s/%s", directory, name[i]);
        status = path.failed ? lyne_fail_memory(err, "a path") : lyne_file_remove(path.data, err);
        lyne_text_free(&path);
    }
    lyne_names_free(name, n);
    return status;
}
