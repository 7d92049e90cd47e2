/* tests/labels/compare.c -- two caches side by side, and one as an array. */
#include "labels/compare.h"
#include "cache.h"
#include "formats/npy.h"

#include <math.h>

TestSuite(compare, .init = make_root, .fini = remove_root);

static char second[80];

/* A cache in `second` whose logits are those of the first but for record `other`, where class 2 is pushed up. */
static lyne_labels *other_cache(lyne_labels_plan plan, uint64_t other) {
    snprintf(second, sizeof second, "%s/second", root);
    plan.directory = second;
    lyne_labels_writer *w = begun(&plan);
    for (uint64_t r = 0; r < plan.samples * plan.views; r++) {
        float logits[CLASSES];
        for (int c = 0; c < CLASSES; c++) logits[c] = logit(r, c) + (r == other && c == 2 ? 20 : 0);
        cr_assert_eq(lyne_labels_append(w, logits, 1, NULL), LYNE_OK);
    }
    cr_assert_eq(lyne_labels_finish(w, NULL), LYNE_OK);
    lyne_labels_writer_free(w);
    lyne_labels *labels;
    lyne_error err = {0};
    cr_assert_eq(lyne_labels_open(second, &labels, &err), LYNE_OK, "%s", err.text);
    return labels;
}

Test(compare, finds_the_one_that_differs) {
    lyne_labels_plan plan = small_plan("f32");
    write_cache(&plan);
    plan.identity.teacher.low++; /* may differ */
    plan.encoding = encoding_of("f16");
    lyne_labels *a = opened(), *b = other_cache(plan, 5);
    lyne_comparison c;
    lyne_error err = {0};
    cr_assert_eq(lyne_labels_compare(a, b, 4, &c, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(c.records, RECORDS);
    cr_assert_eq(c.agreeing, RECORDS - 1);
    cr_assert_eq(c.n_listed, 1);
    const lyne_disagreement *d = c.listed;
    int64_t due = 0;
    double sum = 0;
    for (int i = 0; i < CLASSES; i++) sum += exp((double)logit(5, i)), due = logit(5, i) > logit(5, due) ? i : due;
    cr_expect(d->sample == 2 && d->view == 1 && d->class[0] == due && d->class[1] == 2);
    cr_expect_float_eq(d->probability[0], exp((double)logit(5, due)) / sum, 1e-9);
    cr_expect_gt(d->probability[1], 0.99);
    cr_expect(c.kl.max[0] > 1 && c.kl.mean[0] > 0.1 && fabs(c.kl.mean[0] * RECORDS - c.kl.max[0]) < 1e-9);
    lyne_free(c.listed);
    cr_assert_eq(lyne_labels_compare(a, b, 0, &c, &err), LYNE_OK);
    cr_expect(c.n_listed == 0 && c.agreeing == RECORDS - 1);
    lyne_free(c.listed);
    lyne_labels_close(a);
    lyne_labels_close(b);
}

Test(compare, refuses_what_is_not_alike) {
    static const struct {
        int what;
        const char *message;
    } table[] = {{0, "5 samples of 2 views and 3 classes"}, {1, "other data: data is"}, {2, "other views: views is"}};
    lyne_labels_plan plan = small_plan("f32");
    write_cache(&plan);
    lyne_labels *a = opened();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_labels_plan changed = plan;
        changed.samples -= table[i].what == 0;
        changed.identity.data.low += table[i].what == 1;
        changed.identity.views.low += table[i].what == 2;
        lyne_labels *b = other_cache(changed, 0);
        lyne_comparison c;
        lyne_error err = {0};
        cr_expect_eq(lyne_labels_compare(a, b, 4, &c, &err), LYNE_EDATA);
        cr_expect(strstr(err.text, table[i].message), "%s", err.text);
        lyne_labels_close(b);
    }
    lyne_labels_close(a);
}

Test(compare, export) {
    lyne_labels_plan plan = small_plan("f16");
    char directory[80], path[96];
    for (int views = 2; views >= 1; views--) {
        plan.views = (uint32_t)views;
        plan.samples = RECORDS / (unsigned)views;
        write_cache(&plan);
        lyne_labels *labels = opened();
        lyne_npy npy;
        lyne_error err = {0};
        snprintf(directory, sizeof directory, "%s/export-%d", root, views);
        cr_assert_eq(lyne_labels_export(labels, directory, &err), LYNE_OK, "%s", err.text);
        snprintf(path, sizeof path, "%s/logits.npy", directory);
        cr_assert_eq(lyne_npy_open(&npy, path, &err), LYNE_OK, "%s", err.text);
        cr_expect(npy.array.dtype == LYNE_DTYPE_F32 && npy.array.rank == (views > 1 ? 3 : 2));
        cr_expect(npy.array.dims[0] == RECORDS / views && npy.array.dims[npy.array.rank - 1] == CLASSES);
        for (int i = 0; i < RECORDS * CLASSES; i++) {
            float found;
            memcpy(&found, (const char *)npy.array.data + 4 * i, 4);
            cr_expect_eq(found, logit((uint64_t)i / CLASSES, i % CLASSES));
        }
        lyne_npy_close(&npy);
        snprintf(path, sizeof path, "%s/ids.npy", directory);
        cr_assert_eq(lyne_npy_open(&npy, path, &err), LYNE_OK, "%s", err.text);
        cr_expect(npy.array.dtype == LYNE_DTYPE_I64 && npy.array.dims[0] == RECORDS / views);
        for (int64_t i = 0, found; i < RECORDS / views; i++) {
            memcpy(&found, (const char *)npy.array.data + 8 * i, 8);
            cr_expect_eq(found, i);
        }
        lyne_npy_close(&npy);
        cr_expect_eq(lyne_labels_export(labels, directory, &err), LYNE_EUSAGE);
        cr_expect(strstr(err.text, "/logits.npy: is there already"), "%s", err.text);
        lyne_labels_close(labels);
    }
}

Test(compare, no_memory) {
    lyne_labels_plan plan = small_plan("f32");
    char directory[80];
    write_cache(&plan);
    snprintf(directory, sizeof directory, "%s/export", root);
    lyne_labels *a = opened(), *b = other_cache(plan, 1);
    for (int what = 0; what < 2; what++) {
        lyne_status status = LYNE_ENOSPACE;
        for (uint64_t n = 1; status != LYNE_OK; n++) {
            lyne_comparison c = {0};
            cr_assert_eq(lyne_directory_remove(directory, NULL), LYNE_OK);
            lyne_memory_fail_at(n);
            status = what ? lyne_labels_compare(a, b, 2, &c, NULL) : lyne_labels_export(a, directory, NULL);
            lyne_memory_fail_at(0);
            cr_assert(status == LYNE_OK || status == LYNE_ENOSPACE, "allocation %d", (int)n);
            lyne_free(c.listed);
        }
    }
    lyne_labels_close(a);
    lyne_labels_close(b);
}
