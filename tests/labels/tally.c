/* tests/labels/tally.c -- divergences against plain sums; percentiles; tallies as text, good and bad. */
#include "labels/tally.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double plain(const float *s, const float *x, int n, double T) {
    double sum_s = 0, sum_x = 0, kl = 0;
    for (int i = 0; i < n; i++) sum_s += exp((double)s[i] / T), sum_x += exp((double)x[i] / T);
    for (int i = 0; i < n; i++) {
        const double p = exp((double)s[i] / T) / sum_s, q = exp((double)x[i] / T) / sum_x;
        if (p > 0) kl += p * log(p / q);
    }
    return kl;
}

Test(tally, divergence) {
    enum { C = 37 };
    float a[C], b[C];
    double kl[LYNE_LABELS_TEMPERATURES];
    lyne_stream stream = lyne_stream_at(1, LYNE_FOR_CHECK, 2, 0);
    for (int i = 0; i < C; i++) {
        a[i] = 5 * lyne_stream_normal(&stream);
        b[i] = a[i] + 0.1f * lyne_stream_normal(&stream);
    }
    lyne_divergence(1, C, a, b, &kl);
    for (int t = 0; t < LYNE_LABELS_TEMPERATURES; t++)
        cr_expect_float_eq(kl[t], plain(a, b, C, lyne_labels_temperatures[t]), 1e-12, "T = %g: %g",
                           lyne_labels_temperatures[t], kl[t]);
    lyne_divergence(1, C, a, a, &kl);
    for (int t = 0; t < LYNE_LABELS_TEMPERATURES; t++) cr_expect_eq(kl[t], 0);
    /* one class for sure against two alike: log 2 at any temperature; half of them that are as good as none */
    const float sure[] = {0, -1e30f}, even[] = {3, 3};
    lyne_divergence(1, 2, sure, even, &kl);
    for (int t = 0; t < LYNE_LABELS_TEMPERATURES; t++) cr_expect_float_eq(kl[t], log(2), 1e-12);
    const float far[] = {3e38f, -3e38f};
    lyne_divergence(1, 2, far, even, &kl);
    for (int t = 0; t < LYNE_LABELS_TEMPERATURES; t++) cr_expect_float_eq(kl[t], log(2), 1e-12);
    for (int i = 0; i < 2 * C; i++) { /* what is no number is no error of 0 */
        float *z = i < C ? a : b, kept = z[i % C];
        z[i % C] = NAN;
        lyne_divergence(1, i % 2 ? C : 5, a, b, &kl);
        for (int t = 0; (i % 2 || i % C < 5) && t < LYNE_LABELS_TEMPERATURES; t++) cr_expect(isnan(kl[t]), "%d", i);
        z[i % C] = kept;
    }
}

/* Several records at a time say what each says alone, be there few classes or many. */
Test(tally, divergence_of_several) {
    static const int classes[] = {1, 2, 10, 15, 16, 17, 40};
    for (size_t k = 0; k < sizeof classes / sizeof *classes; k++) {
        const int C = classes[k];
        float a[LYNE_HEAD_ROWS * 40], b[LYNE_HEAD_ROWS * 40];
        double all[LYNE_HEAD_ROWS][LYNE_LABELS_TEMPERATURES], alone[LYNE_LABELS_TEMPERATURES];
        lyne_stream stream = lyne_stream_at(1, LYNE_FOR_CHECK, 3, (uint64_t)C);
        for (int i = 0; i < LYNE_HEAD_ROWS * C; i++) {
            a[i] = i % 7 == 3 ? -1e30f : 5 * lyne_stream_normal(&stream);
            b[i] = 5 * lyne_stream_normal(&stream);
        }
        for (int n = 1; n <= LYNE_HEAD_ROWS; n++) {
            lyne_divergence(n, C, a, b, all);
            for (int r = 0; r < n; r++) {
                lyne_divergence(1, C, a + r * C, b + r * C, &alone);
                cr_expect(memcmp(all[r], alone, sizeof alone) == 0, "%d classes, record %d of %d", C, r, n);
                for (int t = 0; C > 2 && t < LYNE_LABELS_TEMPERATURES; t++)
                    cr_expect_float_eq(alone[t], plain(a + r * C, b + r * C, C, lyne_labels_temperatures[t]), 1e-11);
            }
        }
    }
}

static void add(lyne_tally *t, double kl) {
    const double all[] = {kl, kl / 2, 0, kl * 1e30, 1e-30};
    lyne_tally_record(t, all);
}

static lyne_tally *new_tally(int from, int to) {
    lyne_tally *t = lyne_alloc(1, sizeof *t);
    for (int i = from; i < to; i++) add(t, i / 1024.0);
    return t;
}

Test(tally, error) {
    lyne_tally *t = new_tally(1, 1001);
    const lyne_labels_error e = lyne_tally_error(t);
    cr_expect_float_eq(e.mean[0], 500.5 / 1024, 1e-12);
    cr_expect_eq(e.max[0], 1000 / 1024.0);
    cr_expect(e.p99[0] >= 990 / 1024.0 && e.p99[0] <= 990 / 1024.0 * 1.0625, "%g", e.p99[0]);
    cr_expect_eq(e.max[1], 500 / 1024.0);
    cr_expect(e.mean[2] == 0 && e.p99[2] == 0 && e.max[2] == 0);
    cr_expect(e.p99[3] == e.max[3] && e.max[3] > 1e29, "beyond the last bin");
    cr_expect_eq(e.p99[4], 0, "below the first bin");
    *t = (lyne_tally){0};
    const lyne_labels_error none = lyne_tally_error(t);
    cr_expect(none.mean[0] == 0 && none.p99[0] == 0);
    for (int i = 0; i < 99; i++) add(t, 0.5);
    add(t, 100);
    cr_expect_leq(lyne_tally_error(t).p99[0], 0.54, "99 of 100");
    add(t, 100);
    cr_expect_geq(lyne_tally_error(t).p99[0], 99, "99 of 101 are not enough");
    lyne_free(t);
}

Test(tally, adds_up) {
    lyne_tally *a = new_tally(0, 300), *b = new_tally(300, 1000), *all = new_tally(0, 1000);
    lyne_tally_add(a, b);
    cr_expect(a->n == all->n && memcmp(a->bin, all->bin, sizeof a->bin) == 0);
    cr_expect(a->sum[0] == all->sum[0] && a->sum[1] == all->sum[1], "multiples of 2^-11 add up exactly");
    cr_expect_arr_eq(a->max, all->max, sizeof a->max);
    lyne_free(a), lyne_free(b), lyne_free(all);
}

Test(tally, text) {
    for (int n = 0; n < 500; n += 83) {
        lyne_tally *t = new_tally(0, n), *back = new_tally(0, 3);
        lyne_text text = {0};
        lyne_text_add(&text, "before ");
        lyne_tally_print(t, &text);
        cr_expect(lyne_tally_parse(text.data + 7, back), "%s", text.data);
        cr_expect_eq(memcmp(t, back, sizeof *t), 0);
        for (size_t i = 7; i < text.length; i++) { /* every bit, every truncation */
            for (int bit = 0; bit < 8; bit++) {
                text.data[i] = (char)(text.data[i] ^ 1 << bit);
                cr_expect_not(lyne_tally_parse(text.data + 7, back), "byte %d, bit %d", (int)i, bit);
                text.data[i] = (char)(text.data[i] ^ 1 << bit);
            }
            const char kept = text.data[i];
            text.data[i] = '\0';
            cr_expect_not(lyne_tally_parse(text.data + 7, back));
            text.data[i] = kept;
        }
        lyne_text_free(&text);
        lyne_free(t), lyne_free(back);
    }
}

/* With a checksum that fits: what it says must make sense. */
Test(tally, text_refused) {
    static const char one[] = "1 3fe0000000000000 3fe0000000000000 1009:1;";
    static const char *const first[] = {"1 3fe0000000000000 3fe0000000000000 1009:2;",
                                        "1 3fe0000000000000 3fe0000000000000 1009:0;",
                                        "1 3fe0000000000000 3fe0000000000000 1345:1;",
                                        "2 3fe0000000000000 3fe0000000000000 1009:1 1008:1;",
                                        "2 3fe0000000000000 3fe0000000000000 9:1 9:1;",
                                        "1 7ff0000000000000 3fe0000000000000 1009:1;",
                                        "1 3fe0000000000000 fff8000000000000 1009:1;",
                                        "1 bfe0000000000000 3fe0000000000000 1009:1;",
                                        "1 3fe0000000000000 3fe0000000000000;",
                                        "1 3fe0000000000000 3fe0000000000000  1009:1;",
                                        "1  3fe0000000000000 3fe0000000000000 1009:1;",
                                        "-1 3fe0000000000000 3fe0000000000000;",
                                        "1 3fe0000000000000 3fe0000000000000 1009:99999999999999999999;",
                                        "x",
                                        "",
                                        "1",
                                        "1 3",
                                        "1 3 4",
                                        "1 3 4 5:"};
    lyne_tally *t = lyne_alloc(1, sizeof *t);
    for (size_t i = 0; i <= sizeof first / sizeof *first; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s%s%s%s%s", i ? first[i - 1] : one, one, one, one, one);
        const uint32_t crc = lyne_crc32c(0, text, strlen(text));
        snprintf(text + strlen(text), 16, "%08x", crc);
        cr_expect_eq(lyne_tally_parse(text, t), i == 0, "%s", text);
    }
    lyne_free(t);
}
