/* tests/formats/npy.c -- what numpy writes is read, anything else is refused with its reason. */
#include "formats/npy.h"

#include "scratch.h"
#include <errno.h>

TestSuite(npy, .init = scratch_enter, .fini = scratch_leave);

static lyne_status open_and_use(const char *path, lyne_error *err) {
    lyne_npy npy;
    lyne_status status = lyne_npy_open(&npy, path, err);
    const unsigned char *p = npy.array.data;
    if (status == LYNE_OK) cr_assert(p >= npy.map.data && p + npy.array.bytes == npy.map.data + npy.map.size);
    lyne_npy_close(&npy);
    return status;
}

/* A .npy of the given version with this dict, padded as numpy does, and so many zero bytes. */
static void put_npy(const char *path, int version, const char *dict, size_t data) {
    unsigned char bytes[1024] = "\x93NUMPY";
    size_t prefix = version == 1 ? 10 : 12, total = (prefix + strlen(dict) + 1 + 63) / 64 * 64;
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)(total - prefix);
    bytes[9] = (unsigned char)((total - prefix) >> 8);
    memset(bytes + prefix, ' ', total - prefix);
    memcpy(bytes + prefix, dict, strlen(dict));
    bytes[total - 1] = '\n';
    put(path, bytes, total + data);
}

Test(npy, round_trip) {
    static const float f32[6] = {1, -2, 3.5f, 4, 5, 6};
    static const int64_t i64[3] = {INT64_MIN, 0, INT64_MAX};
    static const lyne_array rows[] = {{.dtype = LYNE_DTYPE_F32, .rank = 2, .dims = {2, 3}, .data = f32},
                                      {.dtype = LYNE_DTYPE_I64, .rank = 1, .dims = {3}, .data = i64},
                                      {.dtype = LYNE_DTYPE_F32, .rank = 0, .data = f32},
                                      {.dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {24}, .data = f32},
                                      {.dtype = LYNE_DTYPE_F32, .rank = 3, .dims = {2, 0, 3}, .data = f32}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        lyne_error err = {0};
        lyne_npy npy;
        cr_assert_eq(lyne_npy_write(at("a.npy"), &rows[i], &err), LYNE_OK, "%s", err.text);
        cr_assert_eq(lyne_npy_open(&npy, at("a.npy"), &err), LYNE_OK, "%s", err.text);
        const lyne_array *a = &npy.array;
        cr_assert(a->dtype == rows[i].dtype && a->rank == rows[i].rank, "row %zu", i);
        cr_assert_eq(((const unsigned char *)a->data - npy.map.data) % 64, 0);
        if (a->rank) cr_assert_arr_eq(a->dims, rows[i].dims, (size_t)a->rank * sizeof(int64_t));
        if (a->bytes) cr_assert_arr_eq(a->data, rows[i].data, a->bytes);
        lyne_npy_close(&npy);
    }
    lyne_npy_close(NULL);
}

/* numpy.save(f, numpy.zeros((3,), "i8")), numpy 2.4.6 */
Test(npy, the_header_is_numpys) {
    static const char due[] = "\x93NUMPY\x01\0v\0{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }";
    const lyne_array a = {.dtype = LYNE_DTYPE_I64, .rank = 1, .dims = {3}, .data = (int64_t[3]){0}};
    size_t n;
    cr_assert_eq(lyne_npy_write(at("a.npy"), &a, NULL), LYNE_OK);
    char *bytes = get(at("a.npy"), &n);
    cr_assert_eq(n, 128 + 24);
    cr_assert_arr_eq(bytes, due, sizeof due - 1);
    cr_assert_eq(bytes[127], '\n');
    for (size_t i = sizeof due - 1; i < 127; i++) cr_assert_eq(bytes[i], ' ');
    lyne_free(bytes);
}

#define DICT(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

Test(npy, headers) {
    static const struct {
        int version;
        const char *dict;
        size_t data;
        const char *says; /* NULL: fine */
    } rows[] = {
        {1, DICT("'<f4'", "False", "(3, 4)"), 48, NULL},
        {2, DICT("'<f8'", "False", "(2,)"), 16, NULL},
        {3, DICT("'<f2'", "False", "()"), 2, NULL},
        {1, DICT("'|u1'", "False", "(2, 3, 1)"), 6, NULL},
        {1, DICT("'<u2'", "False", "(1, 2,)"), 4, NULL},
        {1, DICT("'<i4'", "False", "(0, 7)"), 0, NULL},
        {1, "{\"shape\":(1,),\"descr\":\"<i8\",\"fortran_order\":False}", 8, NULL},
        {4, DICT("'<f4'", "False", "(1,)"), 4, "version"},
        {1, DICT("'|O'", "False", "(1,)"), 8, "Python objects"},
        {1, DICT("'>f4'", "False", "(1,)"), 4, "big-endian"},
        {1, DICT("'<c8'", "False", "(1,)"), 8, "none of"},
        {1, DICT("'<U5'", "False", "(1,)"), 20, "none of"},
        {1, DICT("[('a', '<f4')]", "False", "(1,)"), 4, "structured"},
        {1, DICT("'<f4'", "True", "(3, 4)"), 48, "Fortran order"},
        {1, DICT("'<f4'", "0", "(3, 4)"), 48, "Fortran order"},
        {1, DICT("'<f4'", "False", "(3)"), 12, "no tuple"},
        {1, DICT("'<f4'", "False", "(3 4)"), 48, "no tuple"},
        {1, DICT("'<f4'", "False", "[3]"), 12, "no dict as numpy"},
        {1, DICT("'<f4'", "False", "(-3,)"), 12, "no number"},
        {1, DICT("'<f4'", "False", "(3L,)"), 12, "no tuple"},
        {1, DICT("'<f4'", "False", "(,)"), 4, "no number"},
        {1, DICT("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), 4, "more than 8"},
        {1, DICT("'<f4'", "False", "(99999999999999999999,)"), 4, "too large"},
        {1, DICT("'<f4'", "False", "(4294967296, 4294967296)"), 4, "too large"},
        {1, DICT("'<f4'", "False", "(3,)"), 11, "holds 11 bytes of data, its shape asks for 12"},
        {1, DICT("'<f4'", "False", "(3,)"), 13, "holds 13 bytes"},
        {1, DICT("'<f4'", "False", "(1,)") " x", 4, "behind the header"},
        {1, "{'descr': '<f4', 'fortran_order': False}", 4, "lacks one of"},
        {1, "{'descr': '<f4', 'descr': '<f4'}", 4, "another key"},
        {1, "{'descr': '<f4', 'other': 1}", 4, "another key"},
        {1, "{'descr': '<f4' 'shape': ()}", 4, "no dict as numpy"},
        {1, "{'descr' '<f4'}", 4, "no dict as numpy"},
        {1, "{descr: '<f4'}", 4, "not quoted"},
        {1, "{'descr", 4, "does not end"},
        {1, "", 4, "no dict as numpy"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        lyne_error err = {0};
        put_npy(at("a.npy"), rows[i].version, rows[i].dict, rows[i].data);
        cr_assert_eq(open_and_use(at("a.npy"), &err), rows[i].says ? LYNE_EDATA : LYNE_OK, "row %zu: %s", i, err.text);
        if (rows[i].says)
            cr_assert(strstr(err.text, rows[i].says) && strstr(err.text, at("a.npy")), "row %zu: %s", i, err.text);
    }
}

Test(npy, damaged) {
    for (int version = 1; version <= 2; version++) {
        put_npy(at("a.npy"), version, DICT("'<f4'", "False", "(3, 2)"), 24);
        damage(at("a.npy"), open_and_use);
    }
}

Test(npy, refuses_to_write_nonsense) {
    static const lyne_array rows[] = {{.dtype = LYNE_DTYPE_BF16, .rank = 0},
                                      {.dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {-1}},
                                      {.dtype = LYNE_DTYPE_F32, .rank = 9}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_assert_eq(lyne_npy_write(at("a.npy"), &rows[i], NULL), LYNE_EOTHER, "row %zu", i);
        cr_assert_not(lyne_file_exists(at("a.npy")));
    }
    const lyne_array fine = {.dtype = LYNE_DTYPE_F32, .rank = 0, .data = (float[1]){1}};
    for (uint64_t n = 1; n <= 8; n++) {
        lyne_file_fail_at(n, ENOSPC);
        cr_assert_eq(lyne_npy_write(at("a.npy"), &fine, NULL), LYNE_ENOSPACE, "call %d", (int)n);
        lyne_file_fail_at(0, 0);
        cr_assert_not(lyne_file_exists(at("a.npy")));
    }
}
