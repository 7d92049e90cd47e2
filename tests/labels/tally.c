/* tests/labels/tally.c -- divergences against plain sums; percentiles; tallies as text, good and bad. */
#include "labels/tally.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "labels/encoding.h"

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

static long double exact_divergence(const float *s, const float *x, int n, double T) {
    long double max_s = s[0], max_x = x[0], sum_s = 0, sum_x = 0, cross = 0;
    for (int i = 1; i < n; i++) max_s = fmaxl(max_s, s[i]), max_x = fmaxl(max_x, x[i]);
    for (int i = 0; i < n; i++) {
        const long double e = expl((s[i] - max_s) / T);
        sum_s += e;
        sum_x += expl((x[i] - max_x) / T);
        cross += e * ((s[i] - max_s) - (x[i] - max_x));
    }
    return cross / (T * sum_s) + logl(sum_x / sum_s);
}

/* What each encoding makes of logits from nearly alike to spread over hundreds, of a teacher that is sure or is not: the
 * divergence to 1 part in 10,000, down to 1e-10. */
Test(tally, divergence_is_exact) {
    static const char *const encodings[] = {"f16", "bf16", "int8", "{topk: {k: 5}}", "{sampled: {draws: 40}}"};
    static const int classes[] = {10, 16, 37, 1000, 50000};
    static const float spread[] = {0.01f, 1, 5, 150}, surplus[] = {0, 5, 20};
    enum { N_ENCODINGS = 5, N_CLASSES = 5, MOST = 50000 };
    static float in[MOST], out[MOST];
    static double scratch[MOST];
    static unsigned char stored[LYNE_ENCODING_PARTS][2 * MOST];
    lyne_arena arena = {0};
    for (int i = 0; i < N_ENCODINGS * N_CLASSES * 4 * 3; i++) {
        const int C = classes[i / 12 % N_CLASSES];
        const float wide = spread[i / 3 % 4];
        void *part[1][LYNE_ENCODING_PARTS] = {{stored[0], stored[1], stored[2]}};
        lyne_instance encoding;
        lyne_record r;
        double kl[1][LYNE_LABELS_TEMPERATURES];
        if (C == MOST && i % 12 != 4) continue; /* of which one is enough */
        cr_assert_eq(lyne_encoding_read(encodings[i / 12 / N_CLASSES], &arena, &encoding, NULL), LYNE_OK);
        cr_assert_eq(lyne_record_init(&r, &encoding, C, 0, NULL), LYNE_OK);
        lyne_stream stream = lyne_stream_at(1, LYNE_FOR_CHECK, 4, (uint64_t)i);
        for (int c = 0; c < C; c++) in[c] = wide * lyne_stream_normal(&stream);
        in[i % C] += surplus[i % 3] * fminf(wide, 1);
        r.encoding->encode(&r, 0, in, part[0], scratch);
        cr_assert_eq(lyne_record_logits(&r, 1, (const void *const(*)[LYNE_ENCODING_PARTS])part, out), 1);
        lyne_divergence(1, C, out, in, kl);
        for (int t = 0; t < LYNE_LABELS_TEMPERATURES; t++) {
            const double due = (double)exact_divergence(out, in, C, lyne_labels_temperatures[t]);
            cr_expect_float_eq(kl[0][t], due, 1e-4 * fmax(due, 1e-10),
                               "%s of %d, spread %g, %g more, T = %g: %g, not %g", encodings[i / 12 / N_CLASSES], C,
                               (double)wide, (double)surplus[i % 3], lyne_labels_temperatures[t], kl[0][t], due);
        }
    }
    lyne_arena_free(&arena);
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
            const bool near = i / C % 2;
            a[i] = i % 7 == 3 && !near ? -1e30f : 5 * lyne_stream_normal(&stream);
            b[i] = near ? a[i] + 0.01f * lyne_stream_normal(&stream) : 5 * lyne_stream_normal(&stream);
        }
        for (int n = 1; n <= LYNE_HEAD_ROWS; n++) {
            lyne_divergence(n, C, a, b, all);
            for (int r = 0; r < n; r++) {
                lyne_divergence(1, C, a + r * C, b + r * C, &alone);
                cr_expect(memcmp(all[r], alone, sizeof alone) == 0, "%d classes, record %d of %d", C, r, n);
                for (int t = 0; C > 2 && t < LYNE_LABELS_TEMPERATURES; t++)
                    cr_expect_float_eq(alone[t], plain(a + r * C, b + r * C, C, lyne_labels_temperatures[t]),
                                       C >= 16 && r % 2 ? 1e-4 * alone[t] : 1e-11);
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
