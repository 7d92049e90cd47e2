/* graph/shape.c -- shapes and element types. */
#include "lyne/graph.h"
#include <assert.h>
#include <stdio.h>

size_t lyne_type_size(lyne_type type) {
    static const size_t size[] = {[LYNE_F32] = 4, [LYNE_BF16] = 2, [LYNE_S32] = 4, [LYNE_U8] = 1};
    assert((unsigned)type < sizeof size / sizeof *size);
    return size[type];
}

int64_t lyne_shape_size(const lyne_shape *s) {
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) n *= s->dim[i];
    return n;
}

bool lyne_shape_equal(const lyne_shape *a, const lyne_shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

const char *lyne_shape_print(const lyne_shape *s, char out[LYNE_SHAPE_TEXT]) {
    int n = snprintf(out, LYNE_SHAPE_TEXT, "(");
    for (int i = 0; i < s->rank; i++)
        n += snprintf(out + n, (size_t)(LYNE_SHAPE_TEXT - n), i ? ", %lld" : "%lld", (long long)s->dim[i]);
    snprintf(out + n, (size_t)(LYNE_SHAPE_TEXT - n), ")");
    return out;
}
