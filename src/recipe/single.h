/* recipe/single.h -- one stage of soft labels by itself, outside a run: `lyne labels import` and `lyne labels verify`. */
#ifndef LYNE_RECIPE_SINGLE_H
#define LYNE_RECIPE_SINGLE_H

#include "labels/ask.h"
#include "recipe/pipeline.h"

/** Make the soft labels of stage `name` in `directory`, reading earlier stages in o->out. */
lyne_status lyne_single_run(const lyne_recipe *r, const lyne_run_options *o, const char *name, const char *directory,
                            lyne_result *out, lyne_error *err);

/** Ask again whoever made the labels of stage `name` about n records drawn at random, all if there are no more.
 *  LYNE_EDATA if teacher, data, preprocessing, views or classes are others than those of the labels. */
lyne_status lyne_single_ask(const lyne_recipe *r, const lyne_run_options *o, const char *name,
                            const lyne_labels *labels, uint64_t n, lyne_asked *out, lyne_error *err);

#endif
