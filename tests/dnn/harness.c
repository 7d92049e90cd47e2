/* Reordering in and out by dnn_reorder, as a caller would; every block starts as 0xff, so what is not written shows. */
#include "harness.h"
#include "base/memory.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

dnn_context *open_context(void) {
    dnn_context *c = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_context_new(&c, &err), LYNE_OK, "%s", err.text);
    return c;
}

dnn_tensor shape2(dnn_format format, int64_t a, int64_t b) {
    return (dnn_tensor){.rank = 2, .dim = {a, b}, .format = format};
}

dnn_tensor shape4(dnn_format format, int64_t a, int64_t b, int64_t c, int64_t d) {
    return (dnn_tensor){.rank = 4, .dim = {a, b, c, d}, .format = format};
}

size_t count_of(const dnn_tensor *t) {
    size_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= (size_t)t->dim[i];
    return n;
}

static uint32_t next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

float *numbers(const dnn_tensor *t, uint32_t seed) {
    size_t n = count_of(t);
    float *x = lyne_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)(next(&seed) % 17) / 8.0f - 1.0f;
    return x;
}

float *distinct(const dnn_tensor *t, uint32_t seed) {
    size_t n = count_of(t);
    float *x = lyne_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = 2.0f * ((float)i + 0.5f) / (float)n - 1.0f;
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = next(&seed) % (i + 1);
        float swap = x[i];
        x[i] = x[j];
        x[j] = swap;
    }
    return x;
}

static void reorder(dnn_context *c, const dnn_layout *from, const dnn_layout *to, void *src, void *dst) {
    dnn_primitive *p = NULL;
    lyne_error err = {0};
    cr_assert_eq(dnn_reorder(c, from, to, &p, &err), LYNE_OK, "%s", err.text);
    dnn_bind(p, DNN_SRC, src);
    dnn_bind(p, DNN_DST, dst);
    const dnn_layout *scratch = dnn_layout_of(p, DNN_SCRATCHPAD);
    void *room = lyne_alloc(scratch ? dnn_layout_bytes(scratch) : 0, 1);
    if (scratch) dnn_bind(p, DNN_SCRATCHPAD, room);
    cr_assert_eq(dnn_execute(p, &err), LYNE_OK, "%s", err.text);
    dnn_primitive_free(p);
    lyne_free(room);
}

static dnn_layout *plain(const dnn_tensor *shape) {
    dnn_layout *l = NULL;
    dnn_tensor t = *shape;
    t.type = DNN_F32;
    t.format = DNN_PLAIN;
    lyne_error err = {0};
    cr_assert_eq(dnn_layout_new(t, &l, &err), LYNE_OK, "%s", err.text);
    return l;
}

/* Two reorders lay the same numbers out again over garbage; what differs from `block` is its padding. */
static void padding_is_zero(dnn_context *c, const dnn_layout *layout, const dnn_layout *flat, void *block,
                            const char *name) {
    size_t bytes = dnn_layout_bytes(layout);
    void *numbers_of = lyne_alloc(dnn_layout_bytes(flat), 1), *again = lyne_alloc(bytes, 1);
    memset(again, 0xff, bytes);
    reorder(c, layout, flat, block, numbers_of);
    reorder(c, flat, layout, numbers_of, again);
    cr_assert_eq(memcmp(block, again, bytes), 0, "%s: padding is not zero", name);
    lyne_free(numbers_of);
    lyne_free(again);
}

void run(dnn_context *c, dnn_primitive *p, const operand *args, int n, const char *name) {
    void *block[DNN_N_ARGS] = {0}, *first[DNN_N_ARGS] = {0};
    size_t bytes[DNN_N_ARGS] = {0};
    dnn_layout *flat[DNN_N_ARGS] = {0};
    const operand *given[DNN_N_ARGS] = {0};
    lyne_error err = {0};
    for (int i = 0; i < n; i++) given[args[i].arg] = &args[i];
    for (int a = 0; a < DNN_N_ARGS; a++) {
        const dnn_layout *layout = dnn_layout_of(p, (dnn_arg)a);
        if (a != DNN_SCRATCHPAD) cr_assert_eq(layout != NULL, given[a] != NULL, "%s: argument %d", name, a);
        if (!layout) continue;
        bytes[a] = dnn_layout_bytes(layout);
        bool raw = given[a] && !given[a]->shape;
        block[a] = raw ? given[a]->data : lyne_alloc(bytes[a], 1);
        if (!raw) memset(block[a], 0xff, bytes[a]);
        if (given[a] && !raw) {
            flat[a] = plain(given[a]->shape);
            if (!given[a]->out) reorder(c, flat[a], layout, given[a]->data, block[a]);
        }
        dnn_bind(p, (dnn_arg)a, block[a]);
    }
    cr_assert_eq(dnn_execute(p, &err), LYNE_OK, "%s: %s", name, err.text);
    for (int a = 0; a < DNN_N_ARGS; a++) {
        if (!flat[a] || !given[a]->out) continue;
        first[a] = lyne_alloc(bytes[a], 1);
        memcpy(first[a], block[a], bytes[a]);
        memset(block[a], 0xff, bytes[a]);
    }
    cr_assert_eq(dnn_execute(p, &err), LYNE_OK, "%s: %s", name, err.text);
    for (int a = 0; a < DNN_N_ARGS; a++) {
        const dnn_layout *layout = dnn_layout_of(p, (dnn_arg)a);
        if (first[a]) {
            cr_assert_eq(memcmp(first[a], block[a], bytes[a]), 0, "%s: argument %d: other bits the second time", name,
                         a);
            padding_is_zero(c, layout, flat[a], block[a], name);
            reorder(c, layout, flat[a], block[a], given[a]->data);
        }
        if (!given[a] || given[a]->shape) lyne_free(block[a]);
        lyne_free(first[a]);
        dnn_layout_free(flat[a]);
    }
}

void same(const float *got, const double *want, size_t n, double tolerance, const char *name) {
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(want[i]));
    cr_assert_gt(most, 0, "%s: the reference is all zero, so it proves nothing", name);
    for (size_t i = 0; i < n; i++)
        cr_assert(fabs((double)got[i] - want[i]) <= tolerance * most, "%s: [%zu] is %g, not %g", name, i,
                  (double)got[i], want[i]);
}

bool has_bf16(void) {
    const char *isa = dnn_isa();
    bool has = strncmp(isa, "avx512_core", 11) == 0 || strcmp(isa, "avx2_vnni_2") == 0;
    if (!has) cr_log_info("skipped: oneDNN on %s has no bf16", isa);
    return has;
}
