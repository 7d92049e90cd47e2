/* tests/formats/tar.c -- headers of a tar by what they say, and whole tars as libarchive writes them. */
#include "formats/tar.h"

#include "formats/members.h"
#include "scratch.h"
#include "tar.h"
#include <archive.h>
#include <archive_entry.h>

TestSuite(tar, .init = scratch_enter, .fini = scratch_leave);

static void seal(uint8_t *block) {
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (int i = 0; i < LYNE_TAR_BLOCK; i++) sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
}

Test(tar, kinds) {
    static const struct {
        char type;
        const char *name;
        lyne_tar_kind kind;
    } table[] = {{'0', "a/b", LYNE_TAR_FILE},    {'\0', "a/b", LYNE_TAR_FILE}, {'7', "a/b", LYNE_TAR_FILE},
                 {'\0', "a/", LYNE_TAR_FOLDER},  {'5', "a", LYNE_TAR_FOLDER},  {'1', "a", LYNE_TAR_OTHER},
                 {'2', "a", LYNE_TAR_OTHER},     {'S', "a", LYNE_TAR_OTHER},   {'M', "a", LYNE_TAR_OTHER},
                 {'L', "a", LYNE_TAR_LONG_NAME}, {'x', "a", LYNE_TAR_PAX},     {'X', "a", LYNE_TAR_PAX},
                 {'g', "a", LYNE_TAR_PASSED},    {'A', "a", LYNE_TAR_PASSED}};
    for (size_t i = 0; i < COUNT(table); i++) {
        uint8_t block[LYNE_TAR_BLOCK];
        tar_append(block, (tar_entry){table[i].name, table[i].type, NULL, 0, NULL});
        const lyne_tar_header h = lyne_tar_parse(block);
        cr_expect_eq(h.kind, table[i].kind, "row %zu: %d", i, (int)h.kind);
        cr_expect_str_eq(h.name, table[i].name);
        for (int byte = 0; byte < LYNE_TAR_BLOCK; byte++) {
            if (byte == 155) continue; /* behind the checksum and its NUL */
            block[byte] ^= 0x40;
            cr_expect_eq(lyne_tar_parse(block).kind, LYNE_TAR_BROKEN, "row %zu, byte %d", i, byte);
            block[byte] ^= 0x40;
        }
    }
    cr_expect_eq(lyne_tar_parse((const uint8_t[LYNE_TAR_BLOCK]){0}).kind, LYNE_TAR_END);
}

Test(tar, numbers) {
    static const struct {
        const char *field;
        bool good;
        uint64_t size;
    } table[] = {{"00000000017\0", true, 15},
                 {"        17 \0", true, 15},
                 {"777777777777", true, (UINT64_C(1) << 36) - 1},
                 {"\0\0\0\0\0\0\0\0\0\0\0\0", true, 0},
                 {"00000000018\0", false, 0},
                 {"-0000000001\0", false, 0},
                 {"\x80\0\0\0\0\0\0\0\0\0\1\2", true, 258},
                 {"\x80\0\0\0\x40\0\0\0\0\0\0\0", true, UINT64_C(1) << 62},
                 {"\x80\0\0\0\x80\0\0\0\0\0\0\0", false, 0},
                 {"\x80\0\0\1\0\0\0\0\0\0\0\0", false, 0},
                 {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", false, 0}};
    for (size_t i = 0; i < COUNT(table); i++) {
        uint8_t block[LYNE_TAR_BLOCK];
        tar_append(block, (tar_entry){"a/b", '0', NULL, 0, NULL});
        memcpy(block + 124, table[i].field, 12);
        seal(block);
        const lyne_tar_header h = lyne_tar_parse(block);
        cr_expect_eq(h.kind, table[i].good ? LYNE_TAR_FILE : LYNE_TAR_BROKEN, "row %zu: %d", i, (int)h.kind);
        if (table[i].good) cr_expect_eq(h.size, table[i].size, "row %zu: %llu", i, (unsigned long long)h.size);
    }
}

Test(tar, extensions) {
    static const struct {
        const char *bytes;
        bool good;
        const char *name; /* NULL: not said */
        uint64_t size;    /* 0: not said    */
    } table[] = {{"", true, NULL, 0},
                 {"12 path=a/b\n", true, "a/b", 0},
                 {"12 path=a/b\n12 path=a/c\n", true, "a/c", 0},
                 {"11 size=12\n22 comment=path=a=b=c\n12 path=a=b\n", true, "a=b", 12},
                 {"11 path=a/b\n", false, NULL, 0},
                 {"13 path=a/b\n", false, NULL, 0},
                 {"99999999999999999999 path=a\n", false, NULL, 0},
                 {"0 path=a\n", false, NULL, 0},
                 {"2 path=a\n", false, NULL, 0},
                 {"path=a\n", false, NULL, 0},
                 {" 8 path=\n", false, NULL, 0},
                 {"11 size=-1\n", false, NULL, 0},
                 {"27 size=123456789012345678\n", true, NULL, 123456789012345678},
                 {"28 size=1234567890123456789\n", false, NULL, 0},
                 {"22 GNU.sparse.major=1\n", false, NULL, 0}};
    for (size_t i = 0; i < COUNT(table); i++) {
        const size_t n = strlen(table[i].bytes);
        char *bytes = malloc(n + 1); /* so that a sanitizer sees reading on */
        const char *name = NULL;
        uint64_t size = 0;
        bool has_size = false;
        memcpy(bytes, table[i].bytes, n);
        cr_expect_eq(lyne_tar_extend(bytes, n, &name, &size, &has_size), table[i].good, "row %zu", i);
        if (table[i].good) {
            cr_expect(table[i].name ? name && !strcmp(name, table[i].name) : !name, "row %zu: %s", i, name);
            cr_expect(size == table[i].size && has_size == (size > 0), "row %zu", i);
        }
        free(bytes);
    }
    char nul[] = "12 path=a\0b\n";
    cr_expect(!lyne_tar_extend(nul, 12, &(const char *){NULL}, &(uint64_t){0}, &(bool){false}));
}

/* Names of 3 to 240 bytes, some not of ASCII, in each kind of tar that can have them. */
Test(tar, as_others_write_it) {
    static const struct {
        int format;
        size_t longest;
    } table[] = {{ARCHIVE_FORMAT_TAR_USTAR, 200},
                 {ARCHIVE_FORMAT_TAR_GNUTAR, 240},
                 {ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, 240},
                 {ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, 240}};
    static const size_t lengths[] = {3, 50, 98, 100, 101, 130, 200, 240};
    char name[COUNT(lengths)][256];
    for (size_t i = 0; i < COUNT(lengths); i++) {
        memset(name[i], 'b', sizeof name[i]);
        name[i][lengths[i]] = '\0';
        name[i][lengths[i] / 2] = '/';
        if (i % 2) memcpy(name[i] + lengths[i] - 2, "\xC3\xA9", 2);
    }
    for (size_t t = 0; t < COUNT(table); t++) {
        lyne_members m;
        lyne_error err = {0};
        size_t n = 0;
        struct archive *a = archive_write_new();
        cr_assert(archive_write_set_format(a, table[t].format) == ARCHIVE_OK);
        cr_assert(archive_write_open_filename(a, at("t.tar")) == ARCHIVE_OK);
        for (; n < COUNT(lengths) && lengths[n] <= table[t].longest; n++) {
            struct archive_entry *e = archive_entry_new();
            archive_entry_copy_pathname(e, name[n]);
            archive_entry_set_filetype(e, AE_IFREG);
            archive_entry_set_perm(e, 0644);
            archive_entry_set_mtime(e, 1, 500000000); /* which pax writes as well */
            archive_entry_set_size(e, (la_int64_t)(n * 300 + 1));
            cr_assert(archive_write_header(a, e) >= ARCHIVE_WARN, "%s", archive_error_string(a));
            for (size_t k = 0; k < n * 300 + 1; k++) cr_assert_eq(archive_write_data(a, &"xyz"[n % 3], 1), 1);
            archive_entry_free(e);
        }
        cr_assert(archive_write_free(a) == ARCHIVE_OK);
        const lyne_members_limit limit = {.bytes = 1 << 20, .member = 1 << 20, .count = 100};
        cr_assert_eq(lyne_members_read(&m, at("t.tar"), limit, &err), LYNE_OK, "row %zu: %s", t, err.text);
        cr_assert_eq(m.n, n);
        for (size_t i = 0; i < n; i++) {
            char found[256];
            snprintf(found, sizeof found, "%s/%s", m.item[i].folder, m.item[i].name);
            cr_expect_str_eq(found, name[i]);
            cr_expect_eq(m.item[i].size, i * 300 + 1);
            cr_expect_eq(m.bytes[m.item[i].at + m.item[i].size - 1], "xyz"[i % 3]);
        }
        lyne_members_free(&m);
    }
}
