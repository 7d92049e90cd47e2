/* graph/place.c -- one arena, placed by lifetime: buffers that are never alive at the same step may share bytes.
 *
 * Greedy by size (Pisarchyk and Lee 2020, arXiv:2001.03288): the largest buffer first, each at the lowest offset where it
 * collides with none that is alive at the same time.  Quadratic in the number of buffers, which is a few thousand at most,
 * and within a few percent of the lower bound on the networks we run. */
#include "graph/steps.h"
#include <stdlib.h>

#define LINE 64

static int by_size(const void *a, const void *b) {
    const lyne_storage *x = *(lyne_storage *const *)a, *y = *(lyne_storage *const *)b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return x < y ? -1 : x > y; /* the same order on every machine */
}

static bool alive_together(const lyne_storage *a, const lyne_storage *b) {
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which s fits below, between or above the placed ones, which are sorted by offset. */
static size_t lowest_gap(const lyne_storage *s, lyne_storage *const *placed, int n) {
    size_t offset = 0;
    for (int i = 0; i < n; i++) {
        const lyne_storage *o = placed[i];
        if (!alive_together(s, o)) continue;
        if (offset + s->bytes <= o->offset) break;
        size_t end = (o->offset + o->bytes + LINE - 1) / LINE * LINE;
        if (end > offset) offset = end;
    }
    return offset;
}

static void insert_by_offset(lyne_storage **placed, int n, lyne_storage *s) {
    int i = n;
    for (; i > 0 && placed[i - 1]->offset > s->offset; i--) placed[i] = placed[i - 1];
    placed[i] = s;
}

lyne_status lyne_place(lyne_storage *storage, int n, int n_steps, size_t *bytes, lyne_error *err) {
    lyne_storage **order = lyne_alloc((size_t)n, sizeof *order), **placed = lyne_alloc((size_t)n, sizeof *placed);
    int n_order = 0, n_placed = 0;
    *bytes = 0;
    if (!order || !placed) {
        lyne_free(order);
        lyne_free(placed);
        return lyne_fail_memory(err, "placing a program's memory");
    }
    for (int i = 0; i < n; i++) {
        lyne_storage *s = &storage[i];
        if (s->whole) s->first = 0, s->last = n_steps;
        if (!s->fixed && s->first <= s->last) order[n_order++] = s;
    }
    qsort(order, (size_t)n_order, sizeof *order, by_size);
    for (int i = 0; i < n_order; i++) {
        lyne_storage *s = order[i];
        s->offset = lowest_gap(s, placed, n_placed);
        insert_by_offset(placed, n_placed++, s);
        if (s->offset + s->bytes > *bytes) *bytes = s->offset + s->bytes;
    }
    lyne_free(order);
    lyne_free(placed);
    return LYNE_OK;
}
