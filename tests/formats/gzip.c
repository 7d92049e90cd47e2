/* tests/formats/gzip.c -- packed and plain files; each cut and each changed byte of a gzip is noticed. */
#include "formats/gzip.h"

#include "scratch.h"
#include <archive.h>
#include <archive_entry.h>

TestSuite(gzip, .init = scratch_enter, .fini = scratch_leave);

/* printf 'the still, the lyne arm, the still, the lyne arm, the condenser\n' | gzip -n9 */
static const unsigned char packed[] = {
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2B, 0xC9, 0x48, 0x55, 0x28, 0x2E, 0xC9, 0xCC, 0xC9,
    0xD1, 0x51, 0x28, 0x01, 0x32, 0x73, 0x2A, 0xF3, 0x52, 0x15, 0x12, 0x8B, 0x72, 0x21, 0x3C, 0x9C, 0x12, 0xC9, 0xF9,
    0x79, 0x29, 0xA9, 0x79, 0xC5, 0xA9, 0x45, 0x5C, 0x00, 0x0E, 0x84, 0x31, 0x23, 0x40, 0x00, 0x00, 0x00};
static const char text[] = "the still, the lyne arm, the still, the lyne arm, the condenser\n";
/* gzip -n < /dev/null */
static const unsigned char packed_nothing[] = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};

static lyne_status open_and_use(const char *path, lyne_error *err) {
    unsigned char *data = NULL;
    size_t size;
    lyne_status status = lyne_inflate(path, 1000, &data, &size, err);
    if (status == LYNE_OK) cr_assert(size == sizeof text - 1 && !memcmp(data, text, size), "other data came out");
    lyne_free(data);
    return status;
}

Test(gzip, packed_and_plain) {
    static const struct {
        const void *bytes;
        size_t n;
        const char *text;
    } rows[] = {{packed, sizeof packed, text},
                {text, sizeof text - 1, text},
                {packed_nothing, sizeof packed_nothing, ""},
                {"", 0, ""},
                {"\x1F", 1, "\x1F"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char *data = NULL;
        size_t size, n = strlen(rows[i].text);
        lyne_error err = {0};
        put(at("a"), rows[i].bytes, rows[i].n);
        cr_assert_eq(lyne_inflate(at("a"), n, &data, &size, &err), LYNE_OK, "row %zu: %s", i, err.text);
        cr_assert(size == n && !memcmp(data, rows[i].text, n), "row %zu", i);
        lyne_free(data);
        if (n == 0) continue;
        cr_assert_eq(lyne_inflate(at("a"), n - 1, &data, &size, &err), LYNE_EDATA, "row %zu", i);
        cr_assert(strstr(err.text, at("a")) && strstr(err.text, "bytes allowed"), "row %zu: %s", i, err.text);
    }
}

/* A file for which room is made again and again. */
Test(gzip, packed_to_a_thousandth) {
    enum { SIZE = 17000000 };
    unsigned char *bytes = lyne_alloc(SIZE, 1), *data = NULL;
    size_t size;
    lyne_error err = {0};
    bytes[SIZE - 1] = 7;
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    cr_assert(archive_write_add_filter_gzip(a) == ARCHIVE_OK && archive_write_set_format_raw(a) == ARCHIVE_OK);
    cr_assert(archive_write_open_filename(a, at("a")) == ARCHIVE_OK);
    archive_entry_set_filetype(e, AE_IFREG);
    cr_assert(archive_write_header(a, e) == ARCHIVE_OK && archive_write_data(a, bytes, SIZE) == SIZE);
    archive_entry_free(e);
    cr_assert(archive_write_free(a) == ARCHIVE_OK);
    cr_assert_eq(lyne_inflate(at("a"), SIZE, &data, &size, &err), LYNE_OK, "%s", err.text);
    cr_expect(size == SIZE && memcmp(data, bytes, SIZE) == 0);
    lyne_free(data);
    char *packed_bytes = get(at("a"), &size);
    packed_bytes[size - 4] ^= 1; /* a byte fewer or more than there are */
    put(at("a"), packed_bytes, size);
    lyne_free(packed_bytes);
    cr_expect_eq(lyne_inflate(at("a"), 2 * SIZE, &data, &size, &err), LYNE_EDATA);
    lyne_free(bytes);
}

/* A cut in the first byte or before leaves a plain file, so the loop of damage() starts behind. */
Test(gzip, damaged) {
    char copy[sizeof packed];
    for (size_t cut = 2; cut < sizeof packed; cut++) {
        lyne_error err = {0};
        put(at("a"), packed, cut);
        cr_assert_eq(open_and_use(at("a"), &err), LYNE_EDATA, "cut at %zu", cut);
        cr_assert(strstr(err.text, at("a")), "%s", err.text);
    }
    for (size_t i = 2; i < sizeof packed; i++)
        for (int bit = 0; bit < 8; bit++) {
            lyne_error err = {0};
            memcpy(copy, packed, sizeof packed);
            copy[i] = (char)(copy[i] ^ 1 << bit);
            put(at("a"), copy, sizeof copy);
            lyne_status status = open_and_use(at("a"), &err); /* mtime, OS, padding: the same text comes out */
            cr_assert(status == LYNE_EDATA || (status == LYNE_OK && i < sizeof packed - 8), "byte %zu: %s", i,
                      err.text);
        }
    for (size_t cut = 2; cut < sizeof packed_nothing; cut++) {
        put(at("a"), packed_nothing, cut);
        cr_assert_eq(open_and_use(at("a"), NULL), LYNE_EDATA, "nothing, cut at %zu", cut);
    }
}

Test(gzip, several_members_and_garbage_behind_are_refused) {
    unsigned char bytes[2 * sizeof packed];
    memcpy(bytes, packed, sizeof packed);
    memcpy(bytes + sizeof packed, packed, sizeof packed);
    put(at("a"), bytes, sizeof bytes);
    cr_assert_eq(open_and_use(at("a"), NULL), LYNE_EDATA);
    put(at("a"), bytes, sizeof packed + 5);
    cr_assert_eq(open_and_use(at("a"), NULL), LYNE_EDATA);
}

Test(gzip, memory_may_run_out) {
    put(at("a"), packed, sizeof packed);
    lyne_status status = LYNE_ENOSPACE;
    uint64_t n = 0;
    while (status == LYNE_ENOSPACE) {
        lyne_memory_fail_at(++n);
        status = open_and_use(at("a"), NULL);
        lyne_memory_fail_at(0);
    }
    cr_assert(status == LYNE_OK && n > 2, "allocation %d: status %d", (int)n, (int)status);
    put(at("a"), text, sizeof text - 1);
    lyne_memory_fail_at(1);
    cr_assert_eq(open_and_use(at("a"), NULL), LYNE_ENOSPACE);
    cr_assert_eq(lyne_inflate(at("missing"), 1, NULL, NULL, NULL), LYNE_EDATA);
}
