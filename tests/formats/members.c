/* tests/formats/members.c -- what a tar may not hold, whatever it is packed with, and folders. */
#include "formats/members.h"

#include "scratch.h"
#include "tar.h"
#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(members, .init = scratch_enter, .fini = scratch_leave);

static const lyne_members_limit limit = {.bytes = 1000, .member = 600, .count = 4};
static uint8_t tar[1 << 14];

static const tar_entry good[] = {{"b/", '5', NULL, 0, NULL},
                                 {"b/1.jpg", '0', "one", 3, NULL},
                                 {"./a/x", '0', "two", 3, NULL},
                                 {"b/0.jpg", '0', "three", 5, NULL}};

static void expect_good(const lyne_members *m) {
    static const char *const wanted[][3] = {{"b", "1.jpg", "one"}, {"a", "x", "two"}, {"b", "0.jpg", "three"}};
    cr_assert_eq(m->n, 3);
    for (size_t i = 0; i < 3; i++) {
        const lyne_member *f = &m->item[i];
        cr_expect_str_eq(f->folder, wanted[i][0]);
        cr_expect_str_eq(f->name, wanted[i][1]);
        cr_expect(f->size == strlen(wanted[i][2]) && !memcmp(m->bytes + f->at, wanted[i][2], f->size));
    }
}

static void pack(int filter, const char *name, const void *bytes, size_t n) {
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    cr_assert(archive_write_add_filter(a, filter) == ARCHIVE_OK && archive_write_set_format_raw(a) == ARCHIVE_OK);
    cr_assert(archive_write_open_filename(a, at(name)) == ARCHIVE_OK);
    archive_entry_set_filetype(e, AE_IFREG);
    cr_assert(archive_write_header(a, e) == ARCHIVE_OK && archive_write_data(a, bytes, n) == (la_ssize_t)n);
    archive_entry_free(e);
    cr_assert(archive_write_free(a) == ARCHIVE_OK);
}

Test(members, plain_gzip_and_zstd) {
    lyne_members m;
    lyne_error err = {0};
    const size_t n = tar_of(tar, good, COUNT(good));
    put(at("t.tar"), tar, n);
    pack(ARCHIVE_FILTER_GZIP, "t.gz", tar, n);
    pack(ARCHIVE_FILTER_ZSTD, "t.zst", tar, n);
    static const char *const names[] = {"t.tar", "t.gz", "t.zst"};
    for (size_t i = 0; i < COUNT(names); i++) {
        cr_assert_eq(lyne_members_read(&m, at(names[i]), limit, &err), LYNE_OK, "%s", err.text);
        expect_good(&m);
        lyne_members_free(&m);
        size_t size;
        char *bytes = get(at(names[i]), &size);
        for (size_t cut = 1; cut < 600; cut += 7) { /* within the first member of the plain one */
            if (cut >= size - 8 || (i == 0 && cut == 512)) break;
            put(at("cut"), bytes, cut);
            err = (lyne_error){0};
            cr_expect_eq(lyne_members_read(&m, at("cut"), limit, &err), LYNE_EDATA, "%s cut at %zu", names[i], cut);
            cr_expect(strstr(err.text, "cut: "), "%s", err.text);
            cr_expect(!m.item && !m.bytes);
        }
        lyne_free(bytes);
    }
}

Test(members, refused) {
    static const uint8_t big[601] = {1};
    static const struct {
        tar_entry entry;
        const char *message;
    } table[] = {
        {{"../b/1.jpg", '0', "x", 1, NULL}, "\"../b/1.jpg\" leads out of its folder"},
        {{"b/..", '0', "x", 1, NULL}, "leads out"},
        {{"b/../../c", '0', "x", 1, NULL}, "leads out"},
        {{"..", '5', NULL, 0, NULL}, "leads out"},
        {{"/etc/passwd", '0', "x", 1, NULL}, "\"/etc/passwd\" is an absolute path"},
        {{"/etc", '5', NULL, 0, NULL}, "absolute"},
        {{"b/1.jpg", '2', NULL, 0, "/etc/passwd"}, "\"b/1.jpg\" is a link, a device or the like"},
        {{"b/1.jpg", '1', NULL, 0, "b/2.jpg"}, "is a link"},
        {{"b/1.jpg", '3', NULL, 0, NULL}, "is a link"},
        {{"b/1.jpg", '4', NULL, 0, NULL}, "is a link"},
        {{"b/1.jpg", '6', NULL, 0, NULL}, "is a link"},
        {{"1.jpg", '0', "x", 1, NULL}, "\"1.jpg\" is not FOLDER/NAME"},
        {{"a/b/1.jpg", '0', "x", 1, NULL}, "is not FOLDER/NAME"},
        {{"b//1.jpg", '0', "x", 1, NULL}, "is not FOLDER/NAME"},
        {{"././1.jpg", '0', "x", 1, NULL}, "is not FOLDER/NAME"},
        {{"b/.", '0', "x", 1, NULL}, "is not FOLDER/NAME"},
        {{"b/1.jpg", '0', NULL, 0, NULL}, "b/1.jpg is empty"},
        {{"b/1.jpg", '0', big, sizeof big, NULL}, "b/1.jpg has 601 bytes; at most 600 are allowed"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        const tar_entry both[] = {{"a/first.jpg", '0', "x", 1, NULL}, table[i].entry};
        lyne_members m;
        lyne_error err = {0};
        put(at("t.tar"), tar, tar_of(tar, both, 2));
        cr_expect_eq(lyne_members_read(&m, at("t.tar"), limit, &err), LYNE_EDATA, "case %zu", i);
        cr_expect(strstr(err.text, table[i].message), "case %zu: %s", i, err.text);
        cr_expect(!m.item && !m.bytes);
    }
}

Test(members, limits) {
    static const uint8_t half[501] = {1};
    const tar_entry two[] = {{"a/1", '0', half, 501, NULL}, {"a/2", '0', half, 500, NULL}};
    const tar_entry five[] = {{"a/1", '0', "x", 1, NULL},
                              {"a/2", '0', "x", 1, NULL},
                              {"a/3", '0', "x", 1, NULL},
                              {"a/4", '0', "x", 1, NULL},
                              {"a/5", '0', "x", 1, NULL}};
    lyne_members m;
    lyne_error err = {0};
    put(at("t.tar"), tar, tar_of(tar, two, 2));
    cr_expect_eq(lyne_members_read(&m, at("t.tar"), limit, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "more than 4 files or 1000 bytes"), "%s", err.text);
    put(at("t.tar"), tar, tar_of(tar, five, 5));
    cr_expect_eq(lyne_members_read(&m, at("t.tar"), limit, NULL), LYNE_EDATA);
    put(at("t.tar"), tar, tar_of(tar, five, 4));
    cr_expect_eq(lyne_members_read(&m, at("t.tar"), limit, NULL), LYNE_OK);
    lyne_members_free(&m);
    memset(tar + 124, '7', 11); /* a size of 8 GiB in the header: refused before room is made */
    unsigned sum = 0;
    memset(tar + 148, ' ', 8);
    for (int i = 0; i < 512; i++) sum += tar[i];
    snprintf((char *)tar + 148, 8, "%06o", sum);
    put(at("t.tar"), tar, 4096);
    err = (lyne_error){0};
    cr_expect_eq(lyne_members_read(&m, at("t.tar"), limit, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "a/1 has 8589934591 bytes"), "%s", err.text);
}

/* A few bytes of zstd that stand for a lot: of folders, which are passed over, and packed twice. */
Test(members, bombs_of_zstd) {
    enum { FOLDERS = 34000, HEADER = 512 };
    lyne_members m;
    lyne_error err = {0};
    uint8_t *folders = lyne_alloc(FOLDERS, HEADER);
    for (int i = 0; i < FOLDERS; i++) tar_append(folders + i * HEADER, (tar_entry){"b/", '5', NULL, 0, NULL});
    pack(ARCHIVE_FILTER_ZSTD, "folders", folders, (size_t)FOLDERS * HEADER);
    lyne_free(folders);
    cr_expect_eq(lyne_members_read(&m, at("folders"), limit, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "unpacks to more than any data set does"), "%s", err.text);
    pack(ARCHIVE_FILTER_ZSTD, "once", tar, tar_of(tar, good, COUNT(good)));
    cr_assert_eq(lyne_members_read(&m, at("once"), limit, NULL), LYNE_OK);
    lyne_members_free(&m);
    size_t n;
    char *once = get(at("once"), &n);
    pack(ARCHIVE_FILTER_ZSTD, "twice", once, n);
    lyne_free(once);
    cr_expect_eq(lyne_members_read(&m, at("twice"), limit, NULL), LYNE_EDATA);
}

Test(members, no_tar) {
    lyne_members m;
    lyne_error err = {0};
    put(at("t.tar"), "this is no tar at all, but a text of some length", 48);
    cr_expect_eq(lyne_members_read(&m, at("t.tar"), limit, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "t.tar: is no tar"), "%s", err.text);
    cr_expect_eq(lyne_members_read(&m, at("nothing"), limit, NULL), LYNE_EDATA);
}

Test(members, folder) {
    lyne_members m;
    lyne_error err = {0};
    cr_assert(!lyne_directory_make(at("f/b"), NULL) && !lyne_directory_make(at("f/a"), NULL));
    put(at("f/b/1"), "one", 3);
    put(at("f/b/0"), "two", 3);
    put(at("f/a/9"), "three", 5);
    cr_assert_eq(lyne_members_read(&m, at("f"), limit, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(m.n, 3);
    static const char *const wanted[][2] = {{"a", "9"}, {"b", "0"}, {"b", "1"}};
    for (size_t i = 0; i < 3; i++)
        cr_expect(!strcmp(m.item[i].folder, wanted[i][0]) && !strcmp(m.item[i].name, wanted[i][1]));
    cr_expect(memcmp(m.bytes, "threetwoone", 11) == 0);
    lyne_members_free(&m);
    cr_assert(!mkfifo(at("f/b/pipe"), 0600));
    cr_expect_eq(lyne_members_read(&m, at("f"), limit, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "pipe"), "%s", err.text);
    cr_assert(!unlink(at("f/b/pipe")));
    put(at("f/file"), "x", 1);
    cr_expect_eq(lyne_members_read(&m, at("f"), limit, NULL), LYNE_EDATA, "a file where a folder should be");
}

Test(members, no_memory) {
    static const char *const names[] = {"t.tar", "t.gz", "t.zst"};
    const size_t size = tar_of(tar, good, COUNT(good));
    put(at("t.tar"), tar, size);
    pack(ARCHIVE_FILTER_GZIP, "t.gz", tar, size);
    pack(ARCHIVE_FILTER_ZSTD, "t.zst", tar, size);
    for (size_t i = 0; i < COUNT(names); i++) {
        uint64_t n = 0;
        for (lyne_status status = LYNE_ENOSPACE; status != LYNE_OK;) {
            lyne_members m;
            lyne_error err = {0};
            lyne_memory_fail_at(++n);
            status = lyne_members_read(&m, at(names[i]), limit, &err);
            lyne_memory_fail_at(0);
            cr_assert(status == LYNE_OK || status == LYNE_ENOSPACE, "%s, allocation %d: %s", names[i], (int)n,
                      err.text);
            lyne_members_free(&m);
        }
        cr_expect_gt(n, i == 0 ? 3 : i == 1 ? 6 : 4); /* zlib's are ours, zstd's are its own */
    }
}

/* What libzstd takes one frame behind another, and what it passes over. */
Test(members, frames_of_zstd) {
    static const uint8_t passed_over[] = {0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};
    enum { FIRST = 700 };
    lyne_members m;
    lyne_error err = {0};
    size_t a, b;
    const size_t n = tar_of(tar, good, COUNT(good));
    pack(ARCHIVE_FILTER_ZSTD, "a", tar, FIRST);
    pack(ARCHIVE_FILTER_ZSTD, "b", tar + FIRST, n - FIRST);
    char *first = get(at("a"), &a), *second = get(at("b"), &b);
    const size_t all = sizeof passed_over + a + b;
    char *bytes = malloc(all + 1);
    memcpy(bytes, passed_over, sizeof passed_over);
    memcpy(bytes + sizeof passed_over, first, a);
    memcpy(bytes + sizeof passed_over + a, second, b);
    bytes[all] = 'x';
    put(at("t"), bytes, all);
    cr_assert_eq(lyne_members_read(&m, at("t"), limit, &err), LYNE_OK, "%s", err.text);
    expect_good(&m);
    lyne_members_free(&m);
    put(at("t"), bytes, all - 1);
    cr_expect_eq(lyne_members_read(&m, at("t"), limit, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "it ends early"), "%s", err.text);
    put(at("t"), passed_over, sizeof passed_over); /* which is nothing */
    cr_assert_eq(lyne_members_read(&m, at("t"), limit, &err), LYNE_OK);
    cr_expect_eq(m.n, 0);
    lyne_members_free(&m);
    free(bytes);
    lyne_free(first);
    lyne_free(second);
}
