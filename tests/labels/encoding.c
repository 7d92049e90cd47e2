/* tests/labels/encoding.c -- each encoding against its definition: what comes back, what is refused, what it costs. */
#include "labels/encoding.h"
#include "base/random.h"
#include "labels/tally.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lyne_arena arena; /* each test runs in a process of its own */

static lyne_record record_of(const char *text, int64_t classes) {
    lyne_instance encoding;
    lyne_record r;
    lyne_error err = {0};
    cr_assert_eq(lyne_encoding_read(text, &arena, &encoding, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_record_init(&r, &encoding, classes, 0, &err), LYNE_OK, "%s: %s", text, err.text);
    return r;
}

/* A record in memory, each part at an odd address with a guard behind it. */
typedef struct stored {
    unsigned char byte[LYNE_ENCODING_PARTS][1 << 16];
    void *part[LYNE_ENCODING_PARTS];
} stored;

static void encode(const lyne_record *r, uint64_t number, const float *logits, stored *s) {
    double *scratch = lyne_alloc((size_t)r->classes, sizeof *scratch);
    for (int i = 0; i < r->n_parts; i++) {
        s->part[i] = s->byte[i] + 1;
        cr_assert_lt(r->part[i].bytes + 2, sizeof s->byte[i]);
        s->byte[i][0] = s->byte[i][1 + r->part[i].bytes] = 0xAB;
    }
    r->encoding->encode(r, number, logits, s->part, scratch);
    for (int i = 0; i < r->n_parts; i++)
        cr_expect(s->byte[i][0] == 0xAB && s->byte[i][1 + r->part[i].bytes] == 0xAB, "nothing beside the part");
    lyne_free(scratch);
}

static bool decode(const lyne_record *r, const stored *s, float *logits) {
    return r->encoding->decode(r, (const void *const *)s->part, logits);
}

static void round_trip(const char *text, int64_t classes, const float *in, float *out) {
    static stored s;
    const lyne_record r = record_of(text, classes);
    encode(&r, 0, in, &s);
    cr_assert(decode(&r, &s, out), "%s", text);
}

/* Logits as a trained teacher's: mostly around 0, one far above. */
static void draw(float *logits, int64_t n, uint64_t item) {
    lyne_stream stream = lyne_stream_at(1, LYNE_FOR_CHECK, 1, item);
    for (int64_t i = 0; i < n; i++) logits[i] = 2 * lyne_stream_normal(&stream);
    logits[(int64_t)(item % (uint64_t)n)] += 8;
}

static void softmax(const float *z, int64_t n, double T, double *p) {
    double max = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) max = fmax(max, (double)z[i]);
    for (int64_t i = 0; i < n; i++) sum += p[i] = exp(((double)z[i] - max) / T);
    for (int64_t i = 0; i < n; i++) p[i] /= sum;
}

/* ---- text ---- */

Test(encoding, text) {
    static const struct {
        const char *text, *printed;
    } table[] = {{"f32", "f32"},
                 {"{f16: {}}", "f16"},
                 {"int8", "int8"},
                 {"topk", "{topk: {k: 10, temperature: 1, tail: class}}"},
                 {"{topk: {tail: drop, k: 3}}", "{topk: {k: 3, temperature: 1, tail: drop}}"},
                 {"{sampled: {draws: 12}}", "{sampled: {draws: 12, temperature: 1, seed: 0}}"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_instance encoding;
        lyne_error err = {0};
        cr_expect_eq(lyne_encoding_read(table[i].text, &arena, &encoding, &err), LYNE_OK, "%s", err.text);
        cr_expect_str_eq(lyne_encoding_print(&encoding, &arena), table[i].printed);
    }
}

Test(encoding, text_refused) {
    static const struct {
        const char *text, *message;
    } table[] = {{"f64", "there is no encoding 'f64'"},
                 {"", "encoding"},
                 {"{topk: {k: 0}}", "k = 0 is outside [1, 4096]"},
                 {"{topk: {m: 1}}", "m"},
                 {"{topk: {tail: none}}", "none"},
                 {"{topk: {k: 1}", "encoding:"},
                 {"[f16]", "encoding"},
                 {"{sampled: {draws: 65537}}", "draws = 65537 is outside"},
                 {"{sampled: {temperature: 0}}", "temperature = 0 is outside"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_instance encoding;
        lyne_error err = {0};
        cr_expect_eq(lyne_encoding_read(table[i].text, &arena, &encoding, &err), LYNE_EDATA, "%s", table[i].text);
        cr_expect_eq(err.status, LYNE_EDATA);
        cr_expect(strstr(err.text, table[i].message), "%s: %s", table[i].text, err.text);
    }
}

Test(encoding, no_memory) {
    lyne_status status = LYNE_ENOSPACE;
    for (uint64_t n = 1; status != LYNE_OK; n++) {
        lyne_instance encoding;
        lyne_arena here = {0};
        lyne_memory_fail_at(n);
        status = lyne_encoding_read("{topk: {k: 3}}", &here, &encoding, NULL);
        lyne_memory_fail_at(0);
        cr_assert(status == LYNE_OK || status == LYNE_ENOSPACE, "allocation %d", (int)n);
        lyne_arena_free(&here);
    }
}

/* ---- sizes ---- */

Test(encoding, bytes) {
    static const struct {
        const char *text;
        int64_t classes;
        size_t bytes;
    } table[] = {{"f32", 1000, 4000},
                 {"f16", 1000, 2000},
                 {"bf16", 1000, 2000},
                 {"int8", 1000, 1008},
                 {"{topk: {k: 10}}", 10, 4 + 10 * 3},
                 {"{topk: {k: 10}}", 256, 4 + 10 * 3},
                 {"{topk: {k: 10}}", 257, 4 + 10 * 4},
                 {"{topk: {k: 10}}", 65536, 4 + 10 * 4},
                 {"{topk: {k: 10}}", 65537, 4 + 10 * 6},
                 {"{sampled: {draws: 50}}", 256, 50},
                 {"{sampled: {draws: 50}}", 1000, 100},
                 {"{sampled: {draws: 50}}", 70000, 200}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const lyne_record r = record_of(table[i].text, table[i].classes);
        cr_expect_eq(r.bytes, table[i].bytes, "%s of %d", table[i].text, (int)table[i].classes);
        for (int p = 1; p < r.n_parts; p++)
            cr_expect_leq(lyne_dtype_size(r.part[p].dtype), lyne_dtype_size(r.part[p - 1].dtype), "widest first");
    }
}

/* ---- dense ---- */

Test(encoding, f32_is_exact) {
    const float in[] = {0, -0.0f, 1.1f, -FLT_MAX, FLT_MIN, 1e-45f};
    float out[6];
    round_trip("f32", 6, in, out);
    cr_expect_arr_eq(in, out, sizeof in);
}

Test(encoding, bf16_rounds_to_nearest_even) {
    const float in[] = {1, 0x1.01p0f, 0x1.03p0f, 0x1.010002p0f, -0x1.01p0f, 0x1.fep127f, 1e-40f, 0},
                due[] = {1, 1, 0x1.04p0f, 0x1.02p0f, -1, 0x1.fep127f, 0x1p-133f, 0};
    float out[8];
    round_trip("bf16", 8, in, out);
    for (int i = 0; i < 8; i++)
        cr_expect_eq(out[i], due[i], "%a gives %a, not %a", (double)in[i], (double)out[i], (double)due[i]);
}

Test(encoding, int8_by_hand) {
    const float in[] = {-127, 127, 0.4f, 0.6f, -63.5f};
    float out[5], same[3];
    round_trip("int8", 5, in, out); /* a step of 1 around 0; halves to even */
    cr_expect(out[0] == -127 && out[1] == 127 && out[2] == 0 && out[3] == 1 && out[4] == -64);
    round_trip("int8", 3, (float[]){7.7f, 7.7f, 7.7f}, same);
    for (int i = 0; i < 3; i++) cr_expect_eq(same[i], 7.7f, "a range of 0");
    round_trip("int8", 2, (float[]){-1e38f, 1e38f}, same);
    cr_expect(fabs((double)same[0] + 1e38) < 1e32 && fabs((double)same[1] - 1e38) < 1e32);
}

Test(encoding, int8_within_half_a_step) {
    enum { C = 1000 };
    static float in[C], out[C];
    for (uint64_t k = 0; k < 20; k++) {
        draw(in, C, k);
        round_trip("int8", C, in, out);
        float low = in[0], high = in[0];
        for (int i = 0; i < C; i++) low = fminf(low, in[i]), high = fmaxf(high, in[i]);
        for (int i = 0; i < C; i++)
            cr_assert_leq(fabs((double)in[i] - (double)out[i]), ((double)high - (double)low) / 508 * 1.0001);
    }
}

/* ---- topk ---- */

Test(encoding, topk_by_hand) {
    const float in[] = {1, 5, 3, 5, -2, 0}; /* of equal logits, the lower class first */
    static stored s;
    float out[6];
    const lyne_record r = record_of("{topk: {k: 3}}", 6);
    encode(&r, 0, in, &s);
    const unsigned char due[] = {1, 3, 2};
    float rest;
    memcpy(&rest, s.part[0], 4);
    cr_expect_arr_eq(s.part[2], due, 3);
    const double mass = exp(1) + exp(-2) + exp(0);
    cr_expect_float_eq(rest, log(mass), 1e-6);
    cr_expect(decode(&r, &s, out));
    cr_expect(out[1] == 5 && out[3] == 5 && out[2] == 3);
    cr_expect(out[0] == out[4] && out[4] == out[5]);
    cr_expect_float_eq(out[0], log(mass / 3), 1e-6);
    round_trip("{topk: {k: 3, tail: drop}}", 6, in, out);
    cr_expect(out[1] == 5 && out[2] == 3 && out[0] == LYNE_NO_LOGIT && out[5] == LYNE_NO_LOGIT);
    round_trip("{topk: {k: 6}}", 6, in, out);
    cr_expect_arr_eq(in, out, sizeof in, "all of them");
    round_trip("{topk: {k: 2}}", 6, (float[]){1, 1, 1, 1, 1, 1}, out);
    for (int i = 0; i < 6; i++) cr_expect_float_eq(out[i], 1, 1e-6, "ties are shared out");
}

/* At its temperature the softmax gives the k their probabilities and the rest its mass, and at another too much to the
 * rest if that is higher, too little if lower. */
Test(encoding, topk_keeps_mass_at_its_temperature) {
    enum { C = 300, K = 10 };
    static const double T[] = {1, 4, 20};
    static float in[C], out[C];
    static double p[C], q[C];
    for (int t = 0; t < 3; t++)
        for (uint64_t k = 0; k < 10; k++) {
            char text[64];
            snprintf(text, sizeof text, "{topk: {k: %d, temperature: %g}}", K, T[t]);
            draw(in, C, k);
            for (int i = 0; i < C; i++) in[i] = rintf(in[i] * 64) / 64; /* which halves hold */
            round_trip(text, C, in, out);
            softmax(in, C, T[t], p);
            softmax(out, C, T[t], q);
            int alike = 0;
            for (int i = 0; i < C; i++) {
                if (in[i] != out[i]) continue;
                cr_assert_float_eq(q[i], p[i], 1e-6 * p[i]);
                alike++;
            }
            cr_assert_eq(alike, K);
            double rest[2][2] = {{0}}; /* at a lower and a higher temperature, in and out */
            for (int side = 0; side < 2; side++) {
                softmax(in, C, side ? 2 * T[t] : T[t] / 2, p);
                softmax(out, C, side ? 2 * T[t] : T[t] / 2, q);
                for (int i = 0; i < C; i++)
                    if (in[i] != out[i]) rest[side][0] += p[i], rest[side][1] += q[i];
            }
            cr_expect_lt(rest[0][1], rest[0][0], "too little below");
            cr_expect_gt(rest[1][1], rest[1][0], "too much above");
        }
}

static const float *sorted_by;

/* Of equal logits, the lower class first. */
static int descending(const void *a, const void *b) {
    const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    return sorted_by[i] != sorted_by[j] ? (sorted_by[i] < sorted_by[j] ? 1 : -1) : (i > j) - (i < j);
}

Test(encoding, topk_selects) {
    enum { C = 2000 };
    static const int ks[] = {1, 2, 7, 10, 32, 33, 64, 65, 777, 1999, 2000}, classes[] = {65, 100, 777, 2000};
    static const float steps[] = {0, 1, 32}; /* one logit of all, few ones, some ties */
    static float in[C], out[C], kept[C];
    static uint32_t sorted[C], class[C];
    for (size_t j = 0; j < sizeof ks / sizeof *ks * 4 * 3; j++) {
        char text[64];
        static stored s;
        const int k = ks[j / 12], n = classes[j / 3 % 4];
        if (k > n) continue;
        snprintf(text, sizeof text, "{topk: {k: %d}}", k);
        const lyne_record r = record_of(text, n);
        draw(in, n, j);
        for (int i = 0; i < n; i++) in[i] = steps[j % 3] > 0 ? rintf(in[i] * steps[j % 3]) / steps[j % 3] : -3;
        encode(&r, 0, in, &s);
        lyne_f16_decode(s.part[r.part[1].dtype == LYNE_DTYPE_F16 ? 1 : 2], k, kept);
        lyne_classes_get(lyne_class_dtype(n), s.part[r.part[1].dtype == LYNE_DTYPE_F16 ? 2 : 1], k, class);
        for (uint32_t i = 0; i < (uint32_t)n; i++) sorted[i] = i;
        sorted_by = in;
        qsort(sorted, (size_t)n, sizeof *sorted, descending);
        cr_expect_arr_eq(class, sorted, (size_t)k * sizeof *class, "%d of %d, %d", k, n, (int)j % 3);
        for (int i = 0; i < k; i++) cr_assert_eq(kept[i], in[sorted[i]]);
        cr_expect(decode(&r, &s, out));
        for (int i = 0; i < k; i++) cr_assert_eq(out[sorted[i]], in[sorted[i]], "each at its class");
    }
}

/* ---- sampled ---- */

/* The mean of the target over M records is p: within five standard errors of it for every class, and the counts of
 * each record are within one of what their share is. */
Test(encoding, sampled_is_unbiased) {
    enum { C = 40, N = 12, M = 20000 };
    static const double T[] = {1, 4};
    static float in[C], out[C];
    static double p[C], q[C];
    for (int t = 0; t < 2; t++) {
        char text[64];
        static stored s;
        double sum[C] = {0}, squares[C] = {0};
        snprintf(text, sizeof text, "{sampled: {draws: %d, temperature: %g}}", N, T[t]);
        const lyne_record r = record_of(text, C);
        draw(in, C, 3);
        in[3] -= 6; /* a tail that matters */
        softmax(in, C, T[t], p);
        for (uint64_t m = 0; m < M; m++) {
            encode(&r, m, in, &s);
            cr_assert(decode(&r, &s, out));
            softmax(out, C, T[t], q);
            double total = 0;
            for (int c = 0; c < C; c++) {
                const double n = q[c] * N;
                cr_assert_lt(fabs(n - rint(n)), 1e-6, "a whole number of draws");
                cr_assert_lt(fabs(n - p[c] * N), 2);
                sum[c] += q[c];
                squares[c] += (q[c] - p[c]) * (q[c] - p[c]);
                total += q[c];
            }
            cr_assert_float_eq(total, 1, 1e-9);
        }
        for (int c = 0; c < C; c++) {
            const double variance = squares[c] / M, error = sqrt(variance / M);
            cr_expect_lt(fabs(sum[c] / M - p[c]), 5 * error + 1e-7, "class %d: %g, not %g +- %g", c, sum[c] / M, p[c],
                         error);
            const double slack = 1 + 5 / sqrt(M * fmin(1, N * p[c]));
            cr_expect_leq(variance, slack * fmin(p[c] * (1 - p[c]) / N, 0.5 / (N * N)), "class %d", c);
        }
        double tail = 0, tail_due = 0; /* what topk would give nothing or everything */
        for (int c = 0; c < C; c++)
            if (p[c] < 1.0 / N) tail += sum[c] / M, tail_due += p[c];
        cr_expect(tail_due > 0.01 && fabs(tail / tail_due - 1) < 0.02, "%g, not %g", tail, tail_due);
    }
}

Test(encoding, sampled_draws_by_record_and_seed) {
    enum { C = 50 };
    static float in[C];
    static stored a, b;
    draw(in, C, 1);
    const lyne_record r = record_of("{sampled: {draws: 30, temperature: 10}}", C);
    const lyne_record other = record_of("{sampled: {draws: 30, temperature: 10, seed: 1}}", C);
    encode(&r, 7, in, &a);
    encode(&r, 7, in, &b);
    cr_expect_arr_eq(a.part[0], b.part[0], 30);
    encode(&r, 8, in, &b);
    cr_expect_arr_neq(a.part[0], b.part[0], 30);
    encode(&other, 7, in, &b);
    cr_expect_arr_neq(a.part[0], b.part[0], 30);
    cr_expect_eq(r.encoding->temperature(r.config), 10);
}

/* ---- what no encoder stores ---- */

Test(encoding, decode_refuses) {
    static const float inf = INFINITY, nan_ = NAN, negative = -1, huge = 1e38f;
    static const uint16_t half_inf = 0x7C00;
    static const struct {
        const char *text;
        int part;
        size_t at, size;
        const void *bytes;
    } table[] = {{"int8", 0, 0, 4, &inf},
                 {"int8", 0, 0, 4, &nan_},
                 {"int8", 1, 0, 4, &negative},
                 {"int8", 1, 0, 4, &huge},
                 {"int8", 1, 0, 4, &nan_},
                 {"{topk: {k: 2}}", 0, 0, 4, &inf},
                 {"{topk: {k: 2}}", 1, 2, 2, &half_inf},
                 {"{topk: {k: 2}}", 2, 0, 1, "\5"},
                 {"{topk: {k: 2}}", 2, 1, 1, "\377"},
                 {"{sampled: {draws: 3}}", 0, 2, 1, "\5"},
                 {"{sampled: {draws: 3}}", 0, 0, 3, "\1\2\1"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        static stored s;
        const lyne_record r = record_of(table[i].text, 5);
        float out[5];
        encode(&r, 0, (float[]){1, 2, 3, 4, 5}, &s);
        cr_expect(decode(&r, &s, out), "%s", table[i].text);
        memcpy((unsigned char *)s.part[table[i].part] + table[i].at, table[i].bytes, table[i].size);
        cr_expect_not(decode(&r, &s, out), "row %d: %s", (int)i, table[i].text);
    }
}
