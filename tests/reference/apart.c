/* reference/apart.c -- see apart.h. */
#include "reference/apart.h"
#include "graph/steps.h"
#include <stdio.h>
#include <string.h>

enum { BETWEEN = 4096, LINE = 64, KNOWN = 0xa5 };
static bool apart;

lyne_status __real_lyne_place(lyne_storage *storage, int n, int n_steps, size_t *bytes, lyne_error *err);
lyne_status __wrap_lyne_place(lyne_storage *storage, int n, int n_steps, size_t *bytes, lyne_error *err);

lyne_status __wrap_lyne_place(lyne_storage *storage, int n, int n_steps, size_t *bytes, lyne_error *err) {
    if (!apart) return __real_lyne_place(storage, n, n_steps, bytes, err);
    *bytes = BETWEEN;
    for (int i = 0; i < n; i++) {
        lyne_storage *s = &storage[i];
        if (s->whole) s->first = 0, s->last = n_steps;
        if (s->fixed || s->first > s->last) continue;
        s->offset = *bytes;
        *bytes += (s->bytes + LINE - 1) / LINE * LINE + BETWEEN;
    }
    return LYNE_OK;
}

void apart_from_now_on(bool yes) {
    apart = yes;
}

/* What lies before buffer i, and behind it. */
static void beside(const lyne_program *p, int i, unsigned char *at[2], size_t size[2]) {
    const lyne_storage *s = &p->storage[i];
    at[0] = p->memory + s->offset - BETWEEN;
    at[1] = p->memory + s->offset + s->bytes;
    size[0] = BETWEEN;
    size[1] = (s->bytes + LINE - 1) / LINE * LINE - s->bytes + BETWEEN;
}

static bool is_apart(const lyne_program *p, int i) {
    return !p->storage[i].fixed && p->storage[i].first <= p->storage[i].last;
}

void apart_fill(bench *b) {
    unsigned char *at[2];
    size_t size[2];
    for (int i = 0; i < b->program->n_storage; i++) {
        if (!is_apart(b->program, i)) continue;
        beside(b->program, i, at, size);
        for (int side = 0; side < 2; side++) memset(at[side], KNOWN, size[side]);
    }
}

static const char *who_touches(const lyne_program *p, int buffer) {
    static char text[256];
    int n = 0;
    for (int pass = 0; pass < N_PASSES; pass++)
        for (int i = 0; i < p->pass[pass].n; i++) {
            const lyne_step *s = &p->pass[pass].item[i];
            for (int k = 0; k < s->n_buffers; k++)
                if (s->buffer[k] == buffer && n < (int)sizeof text)
                    n += snprintf(text + n, sizeof text - (size_t)n, "%s%s (argument %d)", n ? ", " : "", s->name, k);
        }
    return text;
}

const char *apart_written_beside(const bench *b) {
    unsigned char *at[2];
    size_t size[2];
    for (int i = 0; i < b->program->n_storage; i++) {
        if (!is_apart(b->program, i)) continue;
        beside(b->program, i, at, size);
        for (int side = 0; side < 2; side++)
            for (size_t k = 0; k < size[side]; k++)
                if (at[side][k] != KNOWN) return who_touches(b->program, i);
    }
    return NULL;
}
