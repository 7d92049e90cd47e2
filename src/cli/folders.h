/* cli/folders.h -- options that may be repeated, and the folders with data sets. */
#ifndef LYNE_CLI_FOLDERS_H
#define LYNE_CLI_FOLDERS_H

#include "lyne/status.h"
#include <stddef.h>

enum { LYNE_MOST_WORDS = 64 };
typedef struct lyne_words {
    const char *item[LYNE_MOST_WORDS];
    size_t n;
} lyne_words;
/** value: borrowed.  LYNE_EUSAGE: more than there is room for of `what`. */
lyne_status lyne_words_add(lyne_words *words, const char *value, const char *what, lyne_error *err);

/* Those of an option and behind them the parts of LYNE_DATA, which `environment` holds. */
typedef struct lyne_folders {
    lyne_words list;
    char *environment;
} lyne_folders;
lyne_status lyne_folders_environment(lyne_folders *f, lyne_error *err);
void lyne_folders_free(lyne_folders *f);

#endif
