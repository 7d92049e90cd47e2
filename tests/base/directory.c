/* tests/base/directory.c -- directories made, committed, removed and listed, with each call failing in turn. */
#include "base/file.h"
#include "base/memory.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char root[64];

static void enter(void) {
    strcpy(root, "/tmp/lyne-directory-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
}

static void leave(void) {
    lyne_error err = {0};
    lyne_file_fail_at(0, 0);
    cr_assert_eq(lyne_directory_remove(root, &err), LYNE_OK, "%s", err.text);
    cr_assert_not(lyne_file_exists(root));
}

TestSuite(directory, .init = enter, .fini = leave);

static const char *at(const char *name) {
    static char joined[8][160];
    static int turn;
    char *out = joined[turn++ % 8];
    snprintf(out, sizeof joined[0], "%s/%s", root, name);
    return out;
}

static void make(const char *name) {
    lyne_error err = {0};
    cr_assert_eq(lyne_directory_make(at(name), &err), LYNE_OK, "%s", err.text);
}

static void put(const char *name) {
    cr_assert_eq(lyne_file_commit(at(name), "x", 1, NULL), LYNE_OK);
}

Test(directory, make) {
    static const char *const good[] = {"a", "a/b/c", "a//b/d", "a/e/", "a/b/c"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        make(good[i]);
        cr_assert(lyne_file_exists(at(good[i])));
    }
    put("a/file");
    cr_assert_eq(lyne_directory_make("", NULL), LYNE_EDATA);
    static const char *const bad[] = {"a/file", "a/file/x", "a/file/x/y"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lyne_error err = {0};
        cr_assert_eq(lyne_directory_make(at(bad[i]), &err), LYNE_EDATA);
        cr_assert(strstr(err.text, "a/file") && strstr(err.text, strerror(ENOTDIR)), "%s", err.text);
    }
}

/* At whatever call; when it only looks whether one that is there is empty, nothing is lost. */
Test(directory, make_reports_a_full_disk) {
    int failed = 0;
    for (uint64_t n = 1; n < 40; n++) {
        lyne_error err = {0};
        lyne_file_fail_at(n, ENOSPC);
        const lyne_status status = lyne_directory_make(at("new"), &err);
        lyne_file_fail_at(0, 0);
        const bool looked = status == LYNE_EDATA && strstr(err.text, strerror(EEXIST)); /* it was a stat */
        cr_expect(status == LYNE_OK || status == LYNE_ENOSPACE || looked, "call %d: %s", (int)n, err.text);
        failed += status != LYNE_OK && strstr(err.text, "/new: cannot make the directory");
        cr_assert_eq(lyne_directory_remove(at("new"), NULL), LYNE_OK);
    }
    cr_expect_eq(failed, 1);
}

Test(directory, remove_follows_no_link) {
    make("keep");
    put("keep/precious");
    make("victim/deep/deeper");
    put("victim/deep/file");
    put("victim/.hidden");
    cr_assert_eq(symlink(at("keep"), at("victim/link")), 0);
    cr_assert_eq(symlink(at("keep"), at("link")), 0);
    lyne_error err = {0};
    cr_assert_eq(lyne_directory_remove(at("victim/"), &err), LYNE_OK, "%s", err.text);
    cr_assert_not(lyne_file_exists(at("victim")));
    cr_assert(lyne_file_exists(at("keep/precious")));
    cr_assert(lyne_directory_exists(at("keep")) && !lyne_directory_exists(at("keep/precious")));
    cr_assert_eq(lyne_directory_remove(at("victim"), NULL), LYNE_OK, "a missing one is fine");
    static const char *const bad[] = {"link", "link/", "keep/precious"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(lyne_directory_remove(at(bad[i]), NULL), LYNE_EDATA, "%s", bad[i]);
    cr_assert(lyne_file_exists(at("keep/precious")));
}

Test(directory, remove_reports_each_failing_call) {
    for (uint64_t n = 1;; n++) {
        lyne_error err = {0};
        make("victim/deep");
        put("victim/deep/file");
        uint64_t before = lyne_file_calls();
        lyne_file_fail_at(n, EIO);
        lyne_status status = lyne_directory_remove(at("victim"), &err);
        bool reached = lyne_file_calls() - before >= n;
        lyne_file_fail_at(0, 0);
        cr_assert_eq(status, reached ? LYNE_EDATA : LYNE_OK, "call %d", (int)n);
        cr_assert_eq(lyne_file_exists(at("victim")), reached);
        if (!reached) return;
        cr_assert(strstr(err.text, "victim"), "%s", err.text);
    }
}

Test(directory, list_is_sorted) {
    static const char *const due[] = {".dot", "A", "b", "b0", "c", "\xC3\xA4"};
    char **names = NULL;
    size_t n = 99;
    cr_assert_eq(lyne_directory_list(root, &names, &n, NULL), LYNE_OK);
    cr_assert_eq(n, 0);
    lyne_names_free(names, n);
    put("c"), put("b0"), put("A"), put(".dot"), put("\xC3\xA4"), make("b");
    cr_assert_eq(lyne_directory_list(root, &names, &n, NULL), LYNE_OK);
    cr_assert_eq(n, sizeof due / sizeof *due);
    for (size_t i = 0; i < n; i++) cr_assert_str_eq(names[i], due[i]);
    lyne_names_free(names, n);
    lyne_error err = {0};
    cr_assert_eq(lyne_directory_list(at("nowhere"), &names, &n, &err), LYNE_EDATA);
    cr_assert(strstr(err.text, "nowhere"), "%s", err.text);
}

Test(directory, list_fails_cleanly) {
    put("a"), put("b");
    for (uint64_t k = 1; k <= 6; k++) {
        char **names = NULL;
        size_t n;
        lyne_file_fail_at(k, EIO);
        lyne_status status = lyne_directory_list(root, &names, &n, NULL);
        lyne_file_fail_at(0, 0);
        cr_assert_eq(status, LYNE_EDATA, "call %d", (int)k);
    }
    for (uint64_t k = 1; k <= 3; k++) {
        char **names = NULL;
        size_t n;
        lyne_memory_fail_at(k);
        cr_assert_eq(lyne_directory_list(root, &names, &n, NULL), LYNE_ENOSPACE, "allocation %d", (int)k);
        lyne_memory_fail_at(0);
    }
}
