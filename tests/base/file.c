/* tests/base/file.c -- every system call made to fail, or to be the last: what bears the final name is whole. */
#include "base/file.h"
#include "../scratch.h"

#include "base/memory.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64], path[128];

static void enter(void) {
    scratch_folder(root, sizeof root, "file");
    snprintf(path, sizeof path, "%s/file", root);
}

static void leave(void) {
    lyne_file_fail_at(0, 0);
    lyne_error err = {0};
    cr_assert_eq(lyne_directory_remove(root, &err), LYNE_OK, "%s", err.text);
}

TestSuite(file, .init = enter, .fini = leave);

static const char *at(const char *name) {
    static char joined[4][160];
    static int turn;
    char *out = joined[turn++ % 4];
    snprintf(out, sizeof joined[0], "%s/%s", root, name);
    return out;
}

static void put(const char *name, const char *text) {
    lyne_error err = {0};
    cr_assert_eq(lyne_file_commit(name, text, strlen(text), &err), LYNE_OK, "%s", err.text);
}

static void check_content(const char *name, const char *text) {
    lyne_error err = {0};
    char *data = NULL;
    size_t size = 0;
    cr_assert_eq(lyne_file_read(name, 1 << 20, &data, &size, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(size, strlen(text));
    cr_assert_str_eq(data, text);
    lyne_free(data);
}

static size_t count_names(const char *directory) {
    char **names = NULL;
    size_t n = 0;
    lyne_error err = {0};
    cr_assert_eq(lyne_directory_list(directory, &names, &n, &err), LYNE_OK, "%s", err.text);
    lyne_names_free(names, n);
    return n;
}

Test(file, reads_within_the_limit) {
    char *data = NULL;
    size_t size = 77;
    lyne_error err = {0};
    put(path, "12345");
    check_content(path, "12345");
    cr_assert_eq(lyne_file_read(path, 5, &data, &size, NULL), LYNE_OK);
    lyne_free(data);
    cr_assert_eq(lyne_file_read(path, 4, &data, &size, &err), LYNE_EDATA);
    cr_assert(strstr(err.text, path) && strstr(err.text, "5 bytes") && strstr(err.text, "4 allowed"), "%s", err.text);
    put(path, "");
    check_content(path, "");
}

Test(file, refuses_what_is_no_regular_file) {
    char *data;
    size_t size;
    uint64_t length;
    lyne_map map;
    cr_assert_eq(mkfifo(at("fifo"), 0600), 0);
    const char *const rows[] = {at("missing"), root, at("fifo")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lyne_error err[3] = {{0}};
        cr_assert_eq(lyne_file_read(rows[i], 100, &data, &size, &err[0]), LYNE_EDATA);
        cr_assert_eq(lyne_map_open(&map, rows[i], &err[1]), LYNE_EDATA);
        cr_assert_eq(lyne_file_size(rows[i], &length, &err[2]), LYNE_EDATA);
        for (int k = 0; k < 3; k++) cr_assert(strstr(err[k].text, rows[i]), "%s", err[k].text);
    }
    cr_assert_not(lyne_file_exists(rows[0]));
    cr_assert(lyne_file_exists(rows[1]));
}

Test(file, removes) {
    lyne_error err = {0};
    put(path, "x");
    cr_assert_eq(lyne_file_remove(path, &err), LYNE_OK, "%s", err.text);
    cr_assert_not(lyne_file_exists(path));
    cr_assert_eq(lyne_file_remove(path, &err), LYNE_OK, "a missing one is fine");
    cr_assert_eq(lyne_file_remove(root, &err), LYNE_EDATA);
    cr_assert(strstr(err.text, root), "%s", err.text);
}

Test(file, maps) {
    lyne_map map;
    uint64_t size;
    put(path, "mapped");
    cr_assert_eq(lyne_map_open(&map, path, NULL), LYNE_OK);
    cr_assert(map.size == 6 && !memcmp(map.data, "mapped", 6));
    put(path, ""); /* the map keeps what it saw: the file was replaced */
    cr_assert_eq(memcmp(map.data, "mapped", 6), 0);
    lyne_map_close(&map);
    lyne_map_close(&map);
    cr_assert_eq(lyne_map_open(&map, path, NULL), LYNE_OK);
    cr_assert(map.size == 0 && map.data);
    lyne_map_close(&map);
    lyne_map_close(NULL);
    cr_assert_eq(lyne_file_size(path, &size, NULL), LYNE_OK);
    cr_assert_eq(size, 0);
}

Test(file, commit_in_pieces_and_abort) {
    lyne_commit c;
    put(path, "old");
    cr_assert_eq(lyne_commit_begin(&c, path, NULL), LYNE_OK);
    cr_assert_eq(lyne_commit_write(&c, "ne", 2, NULL), LYNE_OK);
    check_content(path, "old");
    cr_assert_eq(lyne_commit_write(&c, "w", 1, NULL), LYNE_OK);
    cr_assert_eq(c.size, 3);
    cr_assert_eq(lyne_commit_finish(&c, NULL), LYNE_OK);
    check_content(path, "new");
    lyne_commit_abort(&c);
    check_content(path, "new");

    cr_assert_eq(lyne_commit_begin(&c, path, NULL), LYNE_OK);
    cr_assert_eq(lyne_commit_write(&c, "never", 5, NULL), LYNE_OK);
    lyne_commit_abort(&c);
    lyne_commit_abort(&c);
    lyne_commit_abort(NULL);
    lyne_commit_abort(&(lyne_commit){0});
    cr_assert_neq(lyne_commit_write(&c, "x", 1, NULL), LYNE_OK);
    cr_assert_neq(lyne_commit_finish(&c, NULL), LYNE_OK);
    check_content(path, "new");
    cr_assert_eq(count_names(root), 1);
    cr_assert_eq(lyne_commit_begin(&c, at("no/such/directory"), NULL), LYNE_EDATA);
}

/* As of two processes with the same number, on machines that share a folder: whole files, the last one stays. */
Test(file, commits_of_one_path_do_not_mix) {
    lyne_commit a, b;
    cr_assert_eq(lyne_commit_begin(&a, path, NULL), LYNE_OK);
    cr_assert_eq(lyne_commit_write(&a, "the first", 9, NULL), LYNE_OK);
    cr_assert_eq(lyne_commit_begin(&b, path, NULL), LYNE_OK);
    cr_assert_eq(lyne_commit_finish(&a, NULL), LYNE_OK);
    check_content(path, "the first");
    cr_assert_eq(lyne_commit_write(&b, "the second", 10, NULL), LYNE_OK);
    check_content(path, "the first");
    cr_assert_eq(lyne_commit_finish(&b, NULL), LYNE_OK);
    check_content(path, "the second");
    cr_assert_eq(count_names(root), 1);
}

/* The loop ends when nothing is left to fail; until then the old file or the new one stands there whole, and alone. */
static int fail_each_call(int error, lyne_status due, bool retried_ok) {
    int failures = 0;
    for (uint64_t n = 1;; n++) {
        lyne_error err = {0};
        put(path, "the old one");
        uint64_t before = lyne_file_calls();
        lyne_file_fail_at(n, error);
        lyne_status status = lyne_file_commit(path, "the new one", 11, &err);
        bool reached = lyne_file_calls() - before >= n;
        lyne_file_fail_at(0, 0);
        cr_assert_eq(count_names(root), 1, "call %d left a file behind", (int)n);
        if (status == LYNE_OK) {
            check_content(path, "the new one");
            if (!reached) return failures;
            cr_assert(retried_ok || n > 6, "call %d failed unseen", (int)n);
            continue;
        }
        failures++;
        cr_assert_eq(status, due, "call %d", (int)n);
        cr_assert(strstr(err.text, root), "%s", err.text);
        char *data = NULL;
        size_t size;
        cr_assert_eq(lyne_file_read(path, 100, &data, &size, NULL), LYNE_OK);
        cr_assert(!strcmp(data, "the old one") || !strcmp(data, "the new one"), "%s", data);
        lyne_free(data);
    }
}

/* open, write, fsync, close, rename, open and fsync of the directory; only its close may pass. */
Test(file, commit_survives_each_failing_call) {
    cr_assert_eq(fail_each_call(ENOSPC, LYNE_ENOSPACE, false), 7);
    cr_assert_eq(fail_each_call(EIO, LYNE_EDATA, false), 7);
}

Test(file, interrupted_writes_are_tried_again_and_syncs_are_not) {
    cr_assert_eq(fail_each_call(EINTR, LYNE_EDATA, true), 6);
}

Test(file, interrupted_reads_are_tried_again) {
    put(path, "steady");
    for (uint64_t n = 1; n <= 5; n++) {
        char *data = NULL;
        size_t size;
        lyne_file_fail_at(n, EINTR);
        lyne_status status = lyne_file_read(path, 100, &data, &size, NULL);
        lyne_file_fail_at(0, 0);
        cr_assert_eq(status, n <= 2 ? LYNE_EDATA : LYNE_OK, "call %d", (int)n); /* open and fstat are not */
        if (data) cr_assert_str_eq(data, "steady");
        lyne_free(data);
    }
}

Test(file, each_death_leaves_a_whole_file) {
    for (uint64_t n = 1;; n++) {
        put(path, "the old one");
        pid_t child = fork();
        if (child == 0) {
            lyne_file_fail_at(n, LYNE_FILE_DIE);
            _exit(lyne_file_commit(path, "the new one", 11, NULL) == LYNE_OK ? 0 : 1);
        }
        int how;
        cr_assert_eq(waitpid(child, &how, 0), child);
        if (WIFEXITED(how)) {
            cr_assert(WEXITSTATUS(how) == 0 && n == 9, "ended at call %d", (int)n);
            check_content(path, "the new one");
            return;
        }
        cr_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        check_content(path, n <= 5 ? "the old one" : "the new one");
    }
}

/* A limit in the middle makes the kernel write less than asked, then nothing. */
Test(file, short_writes_do_not_tear) {
    static char large[100000];
    lyne_error err = {0};
    struct rlimit before, tight = {.rlim_cur = 65536, .rlim_max = RLIM_INFINITY};
    put(path, "old");
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
    lyne_status status = lyne_file_commit(path, large, sizeof large, &err);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    cr_assert_eq(status, LYNE_EDATA);
    cr_assert(strstr(err.text, "cannot write"), "%s", err.text);
    check_content(path, "old");
    cr_assert_eq(count_names(root), 1);
}

Test(file, memory_may_run_out) {
    for (uint64_t n = 1;; n++) {
        lyne_error err = {0};
        lyne_memory_fail_at(n);
        lyne_status status = lyne_file_commit(path, "text", 4, &err);
        lyne_memory_fail_at(0);
        if (status == LYNE_OK) {
            cr_assert_gt(n, 2);
            return;
        }
        cr_assert_eq(status, LYNE_ENOSPACE);
        lyne_file_exists(path) ? check_content(path, "text") : (void)0;
    }
}

Test(file, append_keeps_what_it_is_told) {
    static const struct {
        uint64_t keep;
        const char *text;
    } rows[] = {{0, "+"}, {3, "abc+"}, {6, "abcdef+"}, {100, "abcdef+"}, {UINT64_MAX, "abcdef+"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lyne_append a;
        put(path, "abcdef");
        cr_assert_eq(lyne_append_open(&a, path, rows[i].keep, NULL), LYNE_OK);
        cr_assert_eq(lyne_append_write(&a, "+", 1, NULL), LYNE_OK);
        cr_assert_eq(lyne_append_sync(&a, NULL), LYNE_OK);
        cr_assert_eq(a.size, strlen(rows[i].text));
        lyne_append_close(&a);
        lyne_append_close(&a);
        check_content(path, rows[i].text);
    }
    lyne_append_close(NULL);
    lyne_append_close(&(lyne_append){0});
}

Test(file, append_reports_each_failing_call) {
    for (uint64_t n = 1; n <= 5; n++) {
        lyne_append a;
        lyne_error err = {0};
        lyne_file_fail_at(n, ENOSPC);
        lyne_status status = lyne_append_open(&a, path, 0, &err);
        if (status == LYNE_OK) status = lyne_append_write(&a, "x", 1, &err);
        if (status == LYNE_OK) status = lyne_append_sync(&a, &err);
        lyne_file_fail_at(0, 0);
        cr_assert_eq(status, LYNE_ENOSPACE, "call %d", (int)n);
        cr_assert(strstr(err.text, path), "%s", err.text);
        lyne_append_close(&a);
    }
}

Test(file, locks_exclude) {
    int first, second;
    lyne_error err = {0};
    cr_assert_eq(lyne_lock(path, &first, NULL), LYNE_OK);
    cr_assert_eq(lyne_lock(path, &second, &err), LYNE_EOTHER);
    cr_assert_eq(second, -1);
    cr_assert(strstr(err.text, path) && strstr(err.text, "is in use by another process"), "%s", err.text);
    lyne_unlock(second);
    lyne_unlock(first);
    cr_assert_eq(lyne_lock(path, &second, NULL), LYNE_OK);
    lyne_unlock(second);
    cr_assert_eq(lyne_lock(at("no/lock"), &second, NULL), LYNE_EDATA);
}

Test(file, shared_locks) {
    int first, second, alone;
    cr_assert_eq(lyne_lock_shared(path, &first, NULL), LYNE_OK);
    cr_assert_eq(lyne_lock_shared(path, &second, NULL), LYNE_OK);
    cr_assert_eq(lyne_lock(path, &alone, NULL), LYNE_EOTHER);
    lyne_unlock(first);
    lyne_unlock(second);
    cr_assert_eq(lyne_lock(path, &alone, NULL), LYNE_OK);
    cr_assert_eq(lyne_lock_shared(path, &first, NULL), LYNE_EOTHER);
    lyne_unlock(alone);
}

/* In any way, part of it too; who asks holds nothing, and may not write. */
Test(file, says_whether_it_is_locked) {
    lyne_status (*const how[])(const char *, int *, lyne_error *) = {lyne_lock, lyne_lock_shared};
    const char *lock = at("lock");
    int fd, other;
    cr_expect_not(lyne_is_locked(lock), "it is not there");
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(i < 2 ? how[i](lock, &fd, NULL) : lyne_lock_range(lock, 7, 1, &fd, NULL), LYNE_OK);
        cr_expect(lyne_is_locked(lock), "%zu", i);
        cr_expect_eq(lyne_lock(lock, &other, NULL), LYNE_EOTHER, "%zu", i);
        lyne_unlock(fd);
        cr_expect_not(lyne_is_locked(lock), "%zu", i);
    }
}

Test(file, locks_of_ranges) {
    static const struct {
        uint64_t first, n;
        lyne_status status;
    } table[] = {{3, 1, LYNE_EOTHER}, {0, 100, LYNE_EOTHER}, {0, 4, LYNE_EOTHER},
                 {5, 1, LYNE_EOTHER}, {0, 3, LYNE_OK},       {6, 1, LYNE_OK}};
    int held, fd;
    cr_assert_eq(lyne_lock_range(path, 3, 3, &held, NULL), LYNE_OK);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        lyne_error err = {0};
        cr_expect_eq(lyne_lock_range(path, table[i].first, table[i].n, &fd, &err), table[i].status, "%d", (int)i);
        cr_expect_eq(strstr(err.text, "is in use by another process") != NULL, table[i].status == LYNE_EOTHER);
        lyne_unlock(fd);
    }
    lyne_unlock(held);
    cr_expect_eq(lyne_lock_range(path, 0, 100, &fd, NULL), LYNE_OK);
    lyne_unlock(fd);
}

/* Bytes at offsets come back, and no name is left from the beginning on. */
Test(file, spool_has_no_name) {
    lyne_spool s;
    lyne_error err = {0};
    char back[8] = "";
    cr_assert_eq(lyne_spool_open(&s, path, &err), LYNE_OK, "%s", err.text);
    cr_assert(!lyne_file_exists(s.path));
    cr_assert_eq(lyne_spool_write(&s, 100000, "last", 5, &err), LYNE_OK);
    cr_assert_eq(lyne_spool_write(&s, 3, "first", 6, &err), LYNE_OK);
    cr_assert_eq(lyne_spool_read(&s, 3, back, 6, &err), LYNE_OK);
    cr_expect_str_eq(back, "first");
    cr_assert_eq(lyne_spool_read(&s, 100000, back, 5, &err), LYNE_OK);
    cr_expect_str_eq(back, "last");
    cr_expect_eq(lyne_spool_read(&s, 100001, back, 5, &err), LYNE_EOTHER);
    cr_expect(strstr(err.text, "is read where nothing was written"), "%s", err.text);
    lyne_spool_close(&s);
    lyne_spool_close(&s);
    for (uint64_t n = 1; n <= 2; n++) {
        lyne_file_fail_at(n, ENOSPC);
        cr_expect_eq(lyne_spool_open(&s, path, NULL), LYNE_ENOSPACE);
        lyne_file_fail_at(0, 0);
    }
    cr_expect_neq(lyne_spool_open(&s, at("no/spool"), NULL), LYNE_OK);
}

Test(file, digest_and_copy_piece_by_piece) {
    enum { SIZE = (2 << 20) + 7 };
    char *data = lyne_alloc(SIZE, 1), *back, *copy = lyne_strdup(at("copy"));
    size_t size;
    uint64_t said;
    lyne_digest digest;
    for (size_t i = 0; i < SIZE; i++) data[i] = (char)(i * i >> 3);
    cr_assert_eq(lyne_file_commit(path, data, SIZE, NULL), LYNE_OK);
    cr_assert_eq(lyne_file_digest(path, &digest, &said, NULL), LYNE_OK);
    cr_expect(said == SIZE && lyne_digest_equal(digest, lyne_digest_of(data, SIZE)));
    cr_assert_eq(lyne_file_copy(path, copy, NULL), LYNE_OK);
    cr_assert_eq(lyne_file_read(copy, SIZE, &back, &size, NULL), LYNE_OK);
    cr_expect(size == SIZE && memcmp(back, data, SIZE) == 0);
    cr_assert_eq(lyne_file_remove(copy, NULL), LYNE_OK);
    cr_expect_neq(lyne_file_copy(at("missing"), copy, NULL), LYNE_OK);
    cr_expect(!lyne_file_exists(copy), "a copy of nothing");
    cr_expect_neq(lyne_file_digest(at("missing"), &digest, NULL, NULL), LYNE_OK);
    lyne_free(back);
    lyne_free(copy);
    lyne_free(data);
}
