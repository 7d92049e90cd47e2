/* labels/encoding.c -- the encodings that a reader knows. */
#include "labels/encoding.h"

#include <string.h>

extern const lyne_encoding lyne_encoding_f16, lyne_encoding_f32;
static const lyne_encoding *const known[] = {&lyne_encoding_f16, &lyne_encoding_f32};

const lyne_encoding *lyne_encoding_named(const char *name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i]->component.name, name) == 0) return known[i];
    return NULL;
}
