/* tests/labels/topk.c -- what becomes of the rest: one class, alike, or nothing; and how wide a class is. */
#include "cache.h"
#include "labels/parts.h"

#include <math.h>

TestSuite(topk, .init = make_root, .fini = remove_root);

/* The bytes are the same but for the header; reading differs, and what a loss is told. */
Test(topk, tails) {
    static const struct {
        const char *encoding;
        bool rest_is_class, nothing;
    } table[] = {{"{topk: {k: 1}}", true, false},
                 {"{topk: {k: 1, tail: class}}", true, false},
                 {"{topk: {k: 1, tail: uniform}}", false, false},
                 {"{topk: {k: 1, tail: drop}}", false, true},
                 {"{topk: {k: 3}}", false, false},
                 {"f16", false, false},
                 {"{sampled: {draws: 3}}", false, false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const lyne_labels_plan plan = small_plan(table[i].encoding);
        lyne_directory_remove(root, NULL);
        write_cache(&plan);
        lyne_labels *labels = opened();
        cr_expect_eq(lyne_labels_rest_is_class(labels), table[i].rest_is_class, "%s", table[i].encoding);
        for (uint64_t r = 0; r < RECORDS && i < 4; r++) {
            float logits[CLASSES], z[CLASSES];
            double sum = 0, rest = 0;
            int best = 0;
            cr_assert_eq(
                lyne_labels_read(labels, &(uint64_t){r / VIEWS}, &(uint32_t){(uint32_t)(r % VIEWS)}, 1, logits, NULL),
                LYNE_OK);
            for (int c = 0; c < CLASSES; c++) z[c] = logit(r, c), best = z[c] > z[best] ? c : best;
            for (int c = 0; c < CLASSES; c++) sum += c == best ? 0 : exp((double)z[c]);
            for (int c = 0; c < CLASSES; c++) rest += c == best ? 0 : exp((double)logits[c]);
            cr_expect_eq(logits[best], z[best]);
            cr_expect(table[i].nothing ? rest == 0 : fabs(rest / sum - 1) < 1e-6, "%g, not %g", rest, sum);
        }
        lyne_labels_close(labels);
    }
}

/* With `class` the rest is all that shares the least logit, also where the k-th is as large as what is left out and its
 * half is rounded down below it (log 0.01), or not rounded at all (1). */
Test(topk, rest_stands_alone) {
    static const struct {
        float first, others;
    } table[] = {{-0.0943106795f, -4.60517025f}, {5, 1}, {5, -1}, {0, 0}, {-1, -2.7182818f}, {3, 3}};
    enum { ALL = 10 };
    for (int64_t k = 1; k < ALL - 1; k++)
        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
            char text[64];
            unsigned char byte[LYNE_ENCODING_PARTS][4 * ALL];
            float logits[ALL];
            lyne_record r;
            snprintf(text, sizeof text, "{topk: {k: %d, tail: class}}", (int)k);
            const lyne_instance encoding = encoding_of(text);
            cr_assert_eq(lyne_record_init(&r, &encoding, ALL, 0, NULL), LYNE_OK);
            for (int c = 0; c < ALL; c++) logits[c] = c == 4 ? table[i].first : table[i].others;
            r.encoding->encode(&r, 0, logits, (void *const[]){byte[0], byte[1], byte[2]}, NULL);
            cr_assert(r.encoding->decode(&r, (const void *const[]){byte[0], byte[1], byte[2]}, logits));
            float least = logits[0];
            int64_t n = 0;
            for (int c = 0; c < ALL; c++) least = logits[c] < least ? logits[c] : least;
            for (int c = 0; c < ALL; c++) n += logits[c] == least;
            cr_expect_eq(n, ALL - k, "k = %d, row %zu: %d of %d", (int)k, i, (int)n, (int)(ALL - k));
            cr_expect_float_eq(least, table[i].others, 2e-3, "k = %d, row %zu: %g", (int)k, i, least);
        }
}

Test(topk, a_class_takes_what_it_must) {
    static const struct {
        int64_t classes;
        lyne_dtype dtype;
        size_t bytes; /* k = 2: rest, two halves, two classes */
    } table[] = {{2, LYNE_DTYPE_U8, 10},      {256, LYNE_DTYPE_U8, 10},    {257, LYNE_DTYPE_U16, 12},
                 {65536, LYNE_DTYPE_U16, 12}, {65537, LYNE_DTYPE_U32, 16}, {1000000, LYNE_DTYPE_U32, 16}};
    const lyne_instance two = encoding_of("{topk: {k: 2}}");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_record r;
        bool found = false;
        cr_assert_eq(lyne_record_init(&r, &two, table[i].classes, 0, NULL), LYNE_OK);
        cr_expect_eq(r.bytes, table[i].bytes, "%d classes: %d bytes", (int)table[i].classes, (int)r.bytes);
        for (int p = 0; p < r.n_parts; p++)
            if (strcmp(r.part[p].name, "class") == 0) found = r.part[p].dtype == table[i].dtype;
        cr_expect(found, "%d classes", (int)table[i].classes);
    }
}
