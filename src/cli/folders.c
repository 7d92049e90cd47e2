/* cli/folders.c -- see folders.h. */
#include "cli/folders.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

lyne_status lyne_words_add(lyne_words *words, const char *value, const char *what, lyne_error *err) {
    if (words->n == LYNE_MOST_WORDS) return lyne_fail(err, LYNE_EUSAGE, "more than %d times %s", LYNE_MOST_WORDS, what);
    words->item[words->n++] = value;
    return LYNE_OK;
}

lyne_status lyne_folders_environment(lyne_folders *f, lyne_error *err) {
    const char *from = getenv("LYNE_DATA");
    lyne_status status = LYNE_OK;
    f->environment = from ? lyne_strdup(from) : NULL;
    if (from && !f->environment) return lyne_fail_memory(err, "LYNE_DATA");
    char *rest = f->environment;
    for (char *part; status == LYNE_OK && rest && (part = strsep(&rest, ":"));)
        if (*part) status = lyne_words_add(&f->list, part, "a folder with data sets", err);
    return status;
}

void lyne_folders_free(lyne_folders *f) {
    lyne_free(f->environment);
}
