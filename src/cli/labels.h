/* cli/labels.h -- the verbs of `lyne labels` that need a recipe. */
#ifndef LYNE_CLI_LABELS_H
#define LYNE_CLI_LABELS_H

#include "component/registry.h"
#include "labels/ask.h"

/** Ask the teacher of a cache again about n records: by the recipe that `import` left in it, or by that of the run it is a
 *  stage of.  folder: with data sets, before those of LYNE_DATA; NULL: none. */
lyne_status lyne_cli_ask(const char *cache, uint64_t n, const char *folder, const lyne_labels *labels,
                         const lyne_registry *registry, lyne_asked *out, lyne_error *err);
/** Whether there is such a recipe. */
bool lyne_cli_can_ask(const char *cache);

/* What `import` is given. */
typedef struct lyne_import {
    const char *logits, *ids, *data, *encoding, *out, *folder;
} lyne_import;
/** OUT/recipe.yaml, and its one stage into OUT. */
lyne_status lyne_cli_import(const lyne_import *i, const lyne_registry *registry, lyne_error *err);

#endif
