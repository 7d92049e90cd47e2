/* component/config_parts.h -- what the files that fill configs share.  Private to component/. */
#ifndef LYNE_COMPONENT_CONFIG_PARTS_H
#define LYNE_COMPONENT_CONFIG_PARTS_H

#include "component/config.h"

/** Zeroed room for n values, or NULL with out_of_memory noted. */
void *config_room(const lyne_filler *f, size_t n, size_t size);
/** "PROBLEM; did you mean 'kd'?" or "PROBLEM; the losses are kd, mse".  problem NULL: memory was out.  Returns false. */
bool config_refuse_name(const lyne_filler *f, lyne_mark mark, const char *problem, const char *word,
                        const char *const *names, size_t n, const char *what);

#endif
