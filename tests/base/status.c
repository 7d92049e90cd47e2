/* tests/base/status.c -- the first failure wins, errno becomes words, long texts stay UTF-8. */
#include "lyne/status.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(status, first_failure_wins) {
    lyne_error err = {0};
    cr_assert_eq(lyne_fail(&err, LYNE_EDATA, "%s: %d", "a", 1), LYNE_EDATA);
    cr_assert_eq(lyne_fail(&err, LYNE_EUSAGE, "later"), LYNE_EDATA);
    cr_assert_str_eq(err.text, "a: 1");
    cr_assert_eq(lyne_fail(NULL, LYNE_EUSAGE, "no one listens"), LYNE_EUSAGE);
}

Test(status, errno_decides) {
    static const struct {
        int cause;
        lyne_status status;
    } rows[] = {{ENOSPC, LYNE_ENOSPACE}, {EDQUOT, LYNE_ENOSPACE}, {ENOMEM, LYNE_ENOSPACE},
                {ENOENT, LYNE_EDATA},    {EIO, LYNE_EDATA},       {EACCES, LYNE_EDATA}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lyne_error err = {0};
        errno = rows[i].cause;
        cr_assert_eq(lyne_fail_errno(&err, "some/file", "read"), rows[i].status, "row %zu", i);
        cr_assert(strstr(err.text, "some/file: cannot read: "), "%s", err.text);
        cr_assert(strstr(err.text, strerror(rows[i].cause)), "%s", err.text);
    }
}

Test(status, memory_and_context) {
    lyne_error err = {0};
    cr_assert_eq(lyne_error_context(&err, "nothing failed"), LYNE_OK);
    cr_assert_str_eq(err.text, "");
    cr_assert_eq(lyne_fail_memory(&err, "a graph"), LYNE_ENOSPACE);
    cr_assert_eq(lyne_error_context(&err, "stage %s", "teacher"), LYNE_ENOSPACE);
    cr_assert_str_eq(err.text, "stage teacher: out of memory for a graph");
    cr_assert_neq(lyne_error_context(NULL, "x"), LYNE_OK);
}

/* Names from files are quoted: a tensor's, a tar member's. */
Test(status, nothing_steers_the_terminal) {
    lyne_error err = {0};
    lyne_fail(&err, LYNE_EDATA, "%s",
              "a\x1b[31m\xC2\x9B"
              "0m\nb\x7F\r\t\xC2\xA3\xE2\x82\xAC");
    cr_expect_str_eq(err.text, "a [31m  0m b   \xC2\xA3\xE2\x82\xAC");
    lyne_error_context(&err, "%s", "\x07");
    cr_expect_str_eq(err.text, " : a [31m  0m b   \xC2\xA3\xE2\x82\xAC");
    err = (lyne_error){0};
    lyne_fail(&err, LYNE_EDATA, "%s", "\xC2");
    cr_expect_str_eq(err.text, "\xC2");
}

/* The euro sign is three bytes: a text of them is cut at a multiple of three. */
Test(status, long_text_is_cut_between_characters) {
    char euros[4096] = "";
    for (int i = 0; i < 1200; i++) strcat(euros, "\xE2\x82\xAC");
    for (int shift = 0; shift < 3; shift++) {
        lyne_error err = {0};
        lyne_fail(&err, LYNE_EDATA, "%.*s%s", shift, "ab", euros);
        size_t length = strlen(err.text);
        cr_assert_lt(length, sizeof err.text);
        cr_assert_geq(length, sizeof err.text - 4);
        cr_assert_eq((length - (size_t)shift) % 3, 0, "shift %d: %zu", shift, length);
        lyne_error_context(&err, "in €");
        cr_assert_eq((strlen(err.text) - strlen("in €: ") - (size_t)shift) % 3, 0);
    }
}
