/* tests/base/random.c -- Philox against the known answers of Random123, the draws against their distributions, the
 * permutation against being one. */
#include "base/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* kat_vectors of Random123: philox4x32 10. */
Test(random, philox_known_answers) {
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t out[4];
        lyne_philox(rows[i].counter, rows[i].key, out);
        cr_assert_arr_eq(out, rows[i].out, sizeof out, "row %zu", i);
    }
}

/* Where a coordinate stands in the counter is part of every result. */
Test(random, coordinates_are_fixed) {
    lyne_stream s = lyne_stream_at(0x1111222233334444, LYNE_FOR_AUGMENT, 7, 0x5555666677778888);
    for (uint32_t block = 0; block < 2; block++) {
        uint32_t out[4], counter[4] = {3u << 24 | block, 7, 0x77778888, 0x55556666}, key[2] = {0x33334444, 0x11112222};
        lyne_philox(counter, key, out);
        for (int i = 0; i < 4; i++) cr_assert_eq(lyne_stream_bits(&s), out[i]);
    }
}

Test(random, a_copy_has_its_own_position) {
    lyne_stream a = lyne_stream_at(1, LYNE_FOR_CHECK, 0, 0), b;
    lyne_stream_bits(&a);
    b = a;
    uint32_t next = lyne_stream_bits(&a);
    lyne_stream_bits(&a);
    cr_assert_eq(lyne_stream_bits(&b), next);
}

Test(random, fill_is_many_draws) {
    uint32_t out[300];
    for (int before = 0; before < 6; before++)
        for (size_t n = 0; n < 300; n += n < 70 ? 1 : 29) {
            lyne_stream one = lyne_stream_at(9, LYNE_FOR_CHECK, 3, 5), many = one;
            for (int i = 0; i < before; i++) lyne_stream_bits(&one), lyne_stream_bits(&many);
            lyne_stream_fill(&many, out, n);
            for (size_t i = 0; i < n; i++) cr_assert_eq(out[i], lyne_stream_bits(&one), "%d, %zu of %zu", before, i, n);
            cr_assert_eq(lyne_stream_bits(&many), lyne_stream_bits(&one), "%d, behind %zu", before, n);
        }
}

Test(random, uniform_and_normal_have_their_moments) {
    enum { N = 200000 };
    lyne_stream s = lyne_stream_at(42, LYNE_FOR_CHECK, 0, 0);
    double sum = 0, squares = 0, low = 1, high = 0;
    for (int i = 0; i < N; i++) {
        double u = lyne_stream_uniform(&s);
        cr_assert(u >= 0 && u < 1);
        sum += u, squares += u * u, low = fmin(low, u), high = fmax(high, u);
    }
    cr_assert(fabs(sum / N - 0.5) < 0.003 && fabs(squares / N - 1.0 / 3) < 0.003 && low < 1e-4 && high > 1 - 1e-4);
    double moment[5] = {0};
    for (int i = 0; i < N; i++) {
        double z = lyne_stream_normal(&s), power = 1;
        for (int k = 0; k < 5; k++, power *= z) moment[k] += power / N;
    }
    cr_assert(fabs(moment[1]) < 0.01 && fabs(moment[2] - 1) < 0.02 && fabs(moment[3]) < 0.04 &&
                  fabs(moment[4] - 3) < 0.15,
              "%g %g %g %g", moment[1], moment[2], moment[3], moment[4]);
}

Test(random, between_is_inclusive_and_even) {
    static const struct {
        int64_t lo, hi;
    } rows[] = {{0, 0}, {-1, 1}, {5, 11}, {INT64_MIN, INT64_MIN + 2}, {INT64_MAX - 2, INT64_MAX}};
    enum { N = 30000 };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        lyne_stream s = lyne_stream_at(r, LYNE_FOR_CHECK, 0, 0);
        int count[16] = {0}, width = (int)(rows[r].hi - rows[r].lo) + 1;
        for (int i = 0; i < N; i++) {
            int64_t v = lyne_stream_between(&s, rows[r].lo, rows[r].hi);
            cr_assert(v >= rows[r].lo && v <= rows[r].hi);
            count[v - rows[r].lo]++;
        }
        for (int k = 0; k < width; k++)
            cr_assert_lt(abs(count[k] - N / width), 5 * (int)sqrt((double)N / width) + 1, "row %zu value %d", r, k);
    }
    /* Three quarters of 2^32: a draw without refusal would give the first of every three values twice as often. */
    lyne_stream s = lyne_stream_at(9, LYNE_FOR_CHECK, 0, 0);
    int third[3] = {0};
    for (int i = 0; i < N; i++) third[lyne_stream_between(&s, 0, 0xBFFFFFFF) % 3]++;
    for (int k = 0; k < 3; k++) cr_assert_lt(abs(third[k] - N / 3), 500, "%d", third[k]);
    bool upper = false;
    for (int i = 0; i < 100; i++) upper |= lyne_stream_between(&s, -1, 0xFFFFFFFE) > 0x7FFFFFFF;
    cr_assert(upper);
}

static void check_bijection(uint64_t seed, uint32_t epoch, uint64_t n) {
    unsigned char *seen = calloc(n, 1);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t v = lyne_permute(seed, epoch, n, i);
        cr_assert_lt(v, n);
        cr_assert_not(seen[v], "n %d: %d twice", (int)n, (int)v);
        seen[v] = 1;
    }
    free(seen);
}

Test(random, permute_is_a_bijection) {
    for (uint64_t n = 1; n <= 300; n++) check_bijection(n * 7919, (uint32_t)n, n);
    check_bijection(1, 0, 60000);
    static const uint64_t large[] = {UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1, UINT64_C(1) << 62, UINT64_MAX};
    for (size_t r = 0; r < sizeof large / sizeof *large; r++)
        for (uint64_t i = 0; i < 1000; i++) cr_assert_lt(lyne_permute(3, 4, large[r], large[r] - 1 - i), large[r]);
}

/* Two random orders of n have one item in common on average. */
Test(random, permute_depends_on_seed_and_epoch) {
    static const struct {
        uint64_t seed[2];
        uint32_t epoch[2];
    } rows[] = {{{1, 2}, {0, 0}}, {{1, 1}, {0, 1}}, {{1, 1}, {5, 6}}, {{1, UINT64_C(1) << 32 | 1}, {0, 0}}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        int common = 0, fixed = 0, followed = 0;
        for (uint64_t i = 0; i < 10000; i++) {
            uint64_t a = lyne_permute(rows[r].seed[0], rows[r].epoch[0], 10000, i);
            common += a == lyne_permute(rows[r].seed[1], rows[r].epoch[1], 10000, i);
            fixed += a == i;
            followed += lyne_permute(rows[r].seed[0], rows[r].epoch[0], 10000, (i + 1) % 10000) == (a + 1) % 10000;
        }
        cr_assert(common < 10 && fixed < 10 && followed < 10, "row %zu: %d %d %d", r, common, fixed, followed);
    }
}

/* Over many seeds each item must land on each place equally often: chi-square with (n - 1)^2 degrees of freedom, and
 * for pairs of neighbours on n (n - 1) pairs of places. */
Test(random, permute_is_even) {
    static const uint64_t sizes[] = {2, 3, 4, 5, 7, 10, 16, 17, 33};
    enum { SEEDS = 20000, MOST = 33 };
    for (size_t r = 0; r < sizeof sizes / sizeof *sizes; r++) {
        uint64_t n = sizes[r];
        static int place[MOST][MOST], pair[MOST][MOST];
        memset(place, 0, sizeof place);
        memset(pair, 0, sizeof pair);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            for (uint64_t i = 0; i < n; i++) place[i][lyne_permute(seed, 3, n, i)]++;
            pair[lyne_permute(seed, 3, n, 0)][lyne_permute(seed, 3, n, 1)]++;
        }
        double m = (double)n, chi = 0, chi_pair = 0, due = SEEDS / m, due_pair = SEEDS / (m * (m - 1));
        for (uint64_t i = 0; i < n; i++)
            for (uint64_t k = 0; k < n; k++) {
                chi += pow(place[i][k] - due, 2) / due;
                if (i != k) chi_pair += pow(pair[i][k] - due_pair, 2) / due_pair;
            }
        double freedom = (m - 1) * (m - 1), freedom_pair = m * (m - 1) - 1;
        cr_assert_lt((chi - freedom) / sqrt(2 * freedom), 4.5, "n %d: chi-square %g", (int)n, chi);
        cr_assert_lt((chi_pair - freedom_pair) / sqrt(2 * freedom_pair), 4.5, "n %d: pairs %g", (int)n, chi_pair);
    }
}
