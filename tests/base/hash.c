/* tests/base/hash.c -- XXH3 against xxh128sum, CRC-32C against its check value, both ways of computing it. */
#include "base/hash.h"

#include <criterion/criterion.h>
#include <string.h>

static lyne_digest of_texts(const char *a, const char *b) {
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_hash_text(&h, a);
    lyne_hash_text(&h, b);
    return lyne_hash_finish(&h);
}

/* printf TEXT | xxh128sum */
Test(hash, known_answers) {
    static const char *const rows[][2] = {{"", "99aa06d3014798d86001c324468d497f"},
                                          {"abc", "06b05ab6733a618578af5f94892f3950"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[LYNE_DIGEST_TEXT];
        lyne_digest_print(lyne_digest_of(rows[i][0], strlen(rows[i][0])), text);
        cr_assert_str_eq(text, rows[i][1]);
    }
}

Test(hash, pieces_are_as_the_whole) {
    unsigned char bytes[3000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 31 >> 3);
    for (size_t step = 1; step < 700; step += 37) {
        lyne_hash h;
        lyne_hash_init(&h);
        for (size_t i = 0; i < sizeof bytes; i += step)
            lyne_hash_bytes(&h, bytes + i, step < sizeof bytes - i ? step : sizeof bytes - i);
        cr_assert(lyne_digest_equal(lyne_hash_finish(&h), lyne_digest_of(bytes, sizeof bytes)));
        lyne_hash copy = h;
        cr_assert(lyne_digest_equal(lyne_hash_finish(&copy), lyne_hash_finish(&h)), "finishing twice");
    }
}

Test(hash, texts_are_delimited) {
    cr_assert_not(lyne_digest_equal(of_texts("ab", "c"), of_texts("a", "bc")));
    cr_assert_not(lyne_digest_equal(of_texts(NULL, "a"), of_texts("", "a")));
    cr_assert(lyne_digest_equal(of_texts("ab", "c"), of_texts("ab", "c")));
}

Test(hash, doubles) {
    static const struct {
        double a, b;
        bool same;
    } rows[] = {{0.0, -0.0, true}, {1.0, -1.0, false}, {0.1, 0.1 + 1e-18, true}, {0.1, 0.2, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lyne_hash a, b;
        lyne_hash_init(&a);
        lyne_hash_init(&b);
        lyne_hash_double(&a, rows[i].a);
        lyne_hash_double(&b, rows[i].b);
        cr_assert_eq(lyne_digest_equal(lyne_hash_finish(&a), lyne_hash_finish(&b)), rows[i].same, "row %zu", i);
    }
}

Test(hash, digest_text) {
    lyne_digest d = {.high = 0x0123456789abcdef, .low = 0xfedcba9876543210}, back = {0};
    char text[LYNE_DIGEST_TEXT];
    lyne_digest_print(d, text);
    cr_assert_str_eq(text, "0123456789abcdeffedcba9876543210");
    cr_assert(lyne_digest_parse(text, &back) && lyne_digest_equal(d, back));
    static const char *const bad[] = {"",
                                      "0123456789abcdeffedcba987654321",
                                      "0123456789abcdeffedcba98765432100",
                                      "0123456789ABCDEFfedcba9876543210",
                                      "0123456789abcdeffedcba987654321g",
                                      " 123456789abcdeffedcba9876543210"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_not(lyne_digest_parse(bad[i], &back), "row %zu", i);
        cr_assert(lyne_digest_equal(d, back), "row %zu left alone", i);
    }
}

Test(hash, order_and_digests_matter) {
    lyne_hash a, b;
    lyne_hash_init(&a);
    lyne_hash_init(&b);
    lyne_hash_digest(&a, (lyne_digest){.high = 1, .low = 2});
    lyne_hash_digest(&b, (lyne_digest){.high = 2, .low = 1});
    cr_assert_not(lyne_digest_equal(lyne_hash_finish(&a), lyne_hash_finish(&b)));
}

/* RFC 3720, B.4, and the check value of the catalogue. */
Test(hash, crc32c_known_answers) {
    unsigned char zeros[32] = {0}, ones[32], rising[32];
    memset(ones, 0xFF, sizeof ones);
    for (int i = 0; i < 32; i++) rising[i] = (unsigned char)i;
    const struct {
        const void *bytes;
        size_t n;
        uint32_t crc;
    } rows[] = {{"123456789", 9, 0xE3069283},
                {"", 0, 0},
                {zeros, 32, 0x8A9136AA},
                {ones, 32, 0x62A8AB43},
                {rising, 32, 0x46DD794E}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(lyne_crc32c(0, rows[i].bytes, rows[i].n), rows[i].crc, "row %zu", i);
        cr_assert_eq(lyne_crc32c_portable(0, rows[i].bytes, rows[i].n), rows[i].crc, "row %zu, portable", i);
    }
}

Test(hash, crc32c_continues_at_any_place) {
    unsigned char bytes[1800]; /* SSE 4.2 does 768 of them at a time */
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 151 + i / 256 * 89);
    for (size_t start = 0; start < 9; start++) {
        uint32_t whole = lyne_crc32c_portable(0, bytes + start, sizeof bytes - start);
        for (size_t cut = start; cut <= sizeof bytes; cut++) {
            uint32_t crc = lyne_crc32c(0, bytes + start, cut - start);
            cr_assert_eq(lyne_crc32c(crc, bytes + cut, sizeof bytes - cut), whole);
        }
    }
}
