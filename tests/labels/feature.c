/* tests/labels/feature.c -- features and the teacher's last layer: the logits they give, and damage to either. */
#include "cache.h"
#include "labels/parts.h"

#include <math.h>

TestSuite(feature, .init = make_root, .fini = remove_root);

static float draw(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*state >> 40) / (1 << 23) - 1);
}

/* Against sums in double; and a row's bits are the same alone and among others. */
Test(feature, head_product) {
    static const struct {
        int64_t classes, features;
    } table[] = {{1, 1}, {3, 2}, {10, 7}, {16, 300}, {17, 64}, {1000, 33}, {100, LYNE_MOST_FEATURES}};
    uint64_t state = 1;
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        const int64_t C = table[t].classes, F = table[t].features;
        float *weight = lyne_alloc((size_t)(C * F), 4), *bias = lyne_alloc((size_t)C, 4);
        float *x = lyne_alloc((size_t)F, LYNE_HEAD_ROWS * 4), *logits = lyne_alloc((size_t)C, LYNE_HEAD_ROWS * 4);
        float *alone = lyne_alloc((size_t)C, 4);
        const float *row[LYNE_HEAD_ROWS];
        lyne_head h;
        for (int64_t i = 0; i < C * F; i++) weight[i] = draw(&state);
        for (int64_t i = 0; i < C; i++) bias[i] = draw(&state);
        for (int64_t i = 0; i < LYNE_HEAD_ROWS * F; i++) x[i] = draw(&state);
        for (int r = 0; r < LYNE_HEAD_ROWS; r++) row[r] = x + r * F;
        cr_assert_eq(lyne_head_init(&h, C, F, weight, bias, NULL), LYNE_OK);
        for (int64_t n = 1; n <= LYNE_HEAD_ROWS; n++) {
            lyne_head_product(&h, n, row, logits);
            for (int64_t r = 0; r < n; r++) {
                lyne_head_product(&h, 1, row + r, alone);
                cr_expect(memcmp(alone, logits + r * C, (size_t)C * 4) == 0, "%d classes, row %d", (int)C, (int)r);
                for (int64_t c = 0; c < C; c++) {
                    double sum = (double)bias[c];
                    for (int64_t f = 0; f < F; f++) sum += (double)weight[c * F + f] * (double)row[r][f];
                    cr_assert_lt(fabs(sum - (double)logits[r * C + c]), 1e-6 * (double)F + 1e-6);
                }
            }
        }
        lyne_head_deinit(&h);
        lyne_free(weight), lyne_free(bias), lyne_free(x), lyne_free(logits), lyne_free(alone);
    }
    lyne_error err = {0};
    cr_expect_eq(lyne_head_init(&(lyne_head){0}, 10, LYNE_MOST_FEATURES + 1, NULL, NULL, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "1 to 8192 can be stored"), "%s", err.text);
}

Test(feature, reads_logits_and_features) {
    static const char *const encodings[] = {"{feature: {type: f16}}", "{feature: {type: f32}}"};
    for (int e = 0; e < 2; e++) {
        lyne_directory_remove(root, NULL);
        const lyne_labels_plan plan = small_plan(encodings[e]);
        write_cache(&plan);
        lyne_labels *labels = opened();
        cr_expect_eq(lyne_labels_features(labels), FEATURES);
        cr_expect_eq(lyne_labels_record_bytes(labels), 16 + FEATURES * (e ? 4 : 2));
        cr_expect_eq(lyne_labels_error_of(labels).max[0], 0, "all of its numbers are held exactly");
        uint64_t sample[RECORDS + 3];
        uint32_t view[RECORDS + 3];
        float logits[(RECORDS + 3) * CLASSES], features[(RECORDS + 3) * FEATURES];
        lyne_error err = {0};
        for (int i = 0; i < RECORDS + 3; i++) sample[i] = (uint64_t)(i * 3 % SAMPLES), view[i] = (uint32_t)i % VIEWS;
        const uint64_t before = lyne_memory_count();
        cr_assert_eq(lyne_labels_read(labels, sample, view, RECORDS + 3, logits, &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(lyne_labels_read_features(labels, sample, view, RECORDS + 3, features, &err), LYNE_OK);
        cr_expect_eq(lyne_memory_count(), before, "reading does not allocate");
        for (int i = 0; i < RECORDS + 3; i++) {
            float due[FEATURES], z[CLASSES];
            for (int f = 0; f < FEATURES; f++) due[f] = feature(sample[i] * VIEWS + view[i], f);
            lyne_head_product(small_head(), 1, (const float *[]){due}, z);
            cr_expect(memcmp(due, features + i * FEATURES, sizeof due) == 0);
            cr_expect(memcmp(z, logits + i * CLASSES, sizeof z) == 0);
        }
        cr_expect_eq(lyne_labels_verify(labels, &err), LYNE_OK, "%s", err.text);
        cr_expect_eq(lyne_labels_read_features(labels, (uint64_t[]){SAMPLES}, view, 1, features, &err), LYNE_EDATA);
        lyne_labels_close(labels);
    }
    const lyne_labels_plan plan = small_plan("f32");
    write_cache(&plan);
    lyne_labels *labels = opened();
    lyne_error err = {0};
    float features[FEATURES];
    cr_expect_eq(lyne_labels_features(labels), 0);
    cr_expect_eq(lyne_labels_read_features(labels, &(uint64_t){0}, &(uint32_t){0}, 1, features, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "f32, which stores no features; `feature` does"), "%s", err.text);
    lyne_labels_close(labels);
    char head[160];
    snprintf(head, sizeof head, "%s/head.safetensors", root);
    cr_expect_not(lyne_file_exists(head), "the layer of another encoding is left behind");
}

/* Each bit and each length of the layer's file. */
Test(feature, damaged_head) {
    const lyne_labels_plan plan = small_plan("feature");
    write_cache(&plan);
    const bytes b = get_file("head.safetensors");
    for (size_t bit = 0; bit < 8 * b.size; bit++) {
        lyne_error err = {0};
        flip_bit_of("head.safetensors", bit);
        cr_expect_eq(lyne_labels_open(root, &(lyne_labels *){NULL}, &err), LYNE_EDATA, "bit %d", (int)bit);
        cr_expect(strstr(err.text, "head.safetensors"), "%s", err.text);
        flip_bit_of("head.safetensors", bit);
    }
    for (size_t n = 0; n < b.size; n++) {
        put_file("head.safetensors", b.data, n);
        cr_expect_eq(lyne_labels_open(root, &(lyne_labels *){NULL}, NULL), LYNE_EDATA, "%d bytes", (int)n);
    }
    put_file("head.safetensors", b.data, b.size);
    lyne_labels_close(opened());
    lyne_free(b.data);
    char **names;
    size_t n;
    cr_assert_eq(lyne_labels_clear(root, NULL), LYNE_OK);
    cr_assert_eq(lyne_directory_list(root, &names, &n, NULL), LYNE_OK);
    cr_expect(n == 1 && strcmp(names[0], ".lock") == 0, "%zu files are left", n);
    lyne_names_free(names, n);
}

Test(feature, refuses_what_it_cannot_store) {
    static const struct {
        float feature, logit;
        lyne_status status;
        const char *message;
    } table[] = {{NAN, 0, LYNE_ENOTFINITE, "feature 1 for sample 0, view 1 is nan"},
                 {70000, 0, LYNE_EDATA, "feature 1 for sample 0, view 1 is 70000; feature holds up to 65504"},
                 {0, INFINITY, LYNE_ENOTFINITE, "logit 1 for sample 0, view 1 is inf"},
                 {1, 1e30f, LYNE_OK, ""}};
    const lyne_labels_plan plan = small_plan("feature");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        float features[2 * FEATURES] = {[FEATURES + 1] = table[i].feature};
        float logits[2 * CLASSES] = {[CLASSES + 1] = table[i].logit};
        lyne_error err = {0};
        lyne_labels_writer *w = begun(&plan);
        cr_expect_eq(lyne_labels_append_features(w, features, logits, 2, &err), table[i].status, "%s", err.text);
        cr_expect(strstr(err.text, table[i].message), "%s", err.text);
        lyne_labels_writer_free(w);
    }
    lyne_labels_plan wrong = small_plan("f32");
    lyne_labels_writer *w;
    lyne_error err = {0};
    wrong.features = 3;
    cr_expect_eq(lyne_labels_begin(&wrong, &w, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "f32 with 3 features"), "%s", err.text);
}
