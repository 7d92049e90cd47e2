/* tests/data/strokes.c -- the drawn digits are a function of seed and index. */
#include "rows.h"

#include <omp.h>

static lyne_dataset opened(const char *yaml, lyne_split split) {
    filled f = filled_with(&lyne_dataset_strokes.component, yaml);
    lyne_dataset d;
    lyne_error err = {0};
    cr_assert_eq(lyne_dataset_open(&d, &lyne_dataset_strokes, f.instance.config, split,
                                   &(lyne_data_paths){.dataset = "strokes"}, &err),
                 LYNE_OK, "%s", err.text);
    unfill(&f);
    return d;
}

static void expect_same_start(const lyne_dataset *a, const lyne_dataset *b, int64_t n, const char *why) {
    cr_expect_arr_eq(a->labels, b->labels, (size_t)n, "%s", why);
    cr_expect_arr_eq(a->pictures, b->pictures, (size_t)(n * a->height * a->width), "%s", why);
}

Test(strokes, shape_and_balance) {
    lyne_dataset d = opened("strokes", LYNE_TRAIN);
    cr_expect(d.n == 8000 && d.channels == 1 && d.height == 20 && d.width == 20 && d.n_classes == 10);
    cr_expect_str_eq(d.name, "strokes");
    int64_t count[10] = {0};
    for (int64_t i = 0; i < d.n; i++) count[d.labels[i]]++;
    for (int c = 0; c < 10; c++) cr_expect_eq(count[c], 800);
    lyne_dataset_close(&d);
}

Test(strokes, same_bytes_at_any_number_of_threads) {
    omp_set_num_threads(1);
    lyne_dataset one = opened("strokes", LYNE_TRAIN);
    omp_set_num_threads(2);
    lyne_dataset two = opened("strokes", LYNE_TRAIN);
    expect_same_start(&one, &two, one.n, "threads");
    cr_expect(lyne_digest_equal(one.digest, two.digest));
    lyne_dataset_close(&one);
    lyne_dataset_close(&two);
}

/* The bytes themselves: a change of the drawing is a change of every result on this data set and must be meant. */
Test(strokes, digest) {
    lyne_dataset d = opened("strokes", LYNE_TEST);
    char digest[LYNE_DIGEST_TEXT];
    lyne_digest_print(d.digest, digest);
    cr_expect_str_eq(digest, "ab319453fe733ed1397ecc8b66ed1834");
    lyne_dataset_close(&d);
}

Test(strokes, sample_does_not_depend_on_how_many_are_asked_for) {
    lyne_dataset few = opened("{strokes: {train: 37}}", LYNE_TRAIN),
                 many = opened("{strokes: {train: 500}}", LYNE_TRAIN);
    expect_same_start(&few, &many, 37, "fewer");
    lyne_dataset_close(&few);
    lyne_dataset_close(&many);
}

Test(strokes, seeds_splits_and_samples_differ) {
    lyne_dataset a = opened("strokes", LYNE_TRAIN), b = opened("strokes", LYNE_TEST),
                 c = opened("{strokes: {seed: 2}}", LYNE_TRAIN);
    for (int64_t i = 0; i < 100; i++) {
        cr_expect_arr_neq(a.pictures + i * 400, b.pictures + i * 400, 400, "split, sample %d", (int)i);
        cr_expect_arr_neq(a.pictures + i * 400, c.pictures + i * 400, 400, "seed, sample %d", (int)i);
        cr_expect_arr_neq(a.pictures + i * 400, a.pictures + (i + 10) * 400, 400, "sample %d", (int)i);
    }
    lyne_dataset_close(&a);
    lyne_dataset_close(&b);
    lyne_dataset_close(&c);
}

/* Without noise the background is black and every digit has ink, whatever the size. */
Test(strokes, ink) {
    static const char *const table[] = {"{strokes: {train: 300, noise: 0}}",
                                        "{strokes: {train: 300, noise: 0, size: 12, distortion: 1}}",
                                        "{strokes: {train: 300, noise: 0, size: 64, distortion: 0}}"};
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        lyne_dataset d = opened(table[t], LYNE_TRAIN);
        int64_t area = d.height * d.width;
        for (int64_t i = 0; i < d.n; i++) {
            int64_t inked = 0;
            for (int64_t k = 0; k < area; k++) inked += d.pictures[i * area + k] > 40;
            cr_expect(inked * 30 > area && inked * 2 < area, "%s: sample %d has %d of %d pixels inked", table[t],
                      (int)i, (int)inked, (int)area);
        }
        lyne_dataset_close(&d);
    }
}

/* The figures that datasets/strokes.yaml gives for normalisation are those of the pictures. */
Test(strokes, mean_and_sd) {
    lyne_dataset d = opened("strokes", LYNE_TRAIN);
    double sum = 0, squares = 0, n = (double)(d.n * d.height * d.width);
    for (int64_t i = 0; i < d.n * d.height * d.width; i++) {
        double v = d.pictures[i] / 255.0;
        sum += v;
        squares += v * v;
    }
    cr_expect_float_eq(sum / n, 0.1343, 1e-4);
    cr_expect_float_eq(squares / n - sum / n * (sum / n), 0.2285 * 0.2285, 1e-4);
    lyne_dataset_close(&d);
}

Test(strokes, no_memory) {
    filled f = filled_with(&lyne_dataset_strokes.component, "strokes");
    for (uint64_t n = 1; n <= 2; n++) {
        lyne_dataset d;
        lyne_error err = {0};
        lyne_memory_fail_at(n);
        cr_expect_eq(lyne_dataset_open(&d, &lyne_dataset_strokes, f.instance.config, LYNE_TEST,
                                       &(lyne_data_paths){.dataset = "strokes"}, &err),
                     LYNE_ENOSPACE);
        cr_expect_null(d.pictures);
    }
    unfill(&f);
}
