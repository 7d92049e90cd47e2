/* recipe/extends.h -- `extends: ../common/cifar.yaml`: a recipe that says only what it changes.  Private to recipe/.
 *
 * Maps are merged, deeply, what the extending recipe says going before; lists and single values are replaced whole.  A
 * component (a model, an optimizer, a stage's kind) is merged with one of the same name and replaces one of another, so
 * `optimizer: {adamw: {lr: 0.001}}` takes the place of `optimizer: {sgd: {lr: 0.1}}`.  `key: ~` takes away what the
 * other recipe says.  The path is relative to the file it stands in, never absolute, and stays below one of the filler's
 * folders; the file may extend another, up to 8 deep.  Every value keeps the mark of the file that it comes from. */
#ifndef LYNE_RECIPE_EXTENDS_H
#define LYNE_RECIPE_EXTENDS_H

#include "component/config.h"

/** The tree of a recipe with all that it extends merged in; NULL, and why in f->out, when a file is missing, no YAML,
 * or extends itself.  The key `extends` stays. */
lyne_yaml *lyne_extends_read(const char *path, const lyne_filler *f);

#endif
