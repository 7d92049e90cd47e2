/* tests/labels/given.c -- logits of other programs: each type, any order of samples, and files that are not what they
 * should be. */
#include "labels/given.h"
#include "cache.h"

#include <math.h>

TestSuite(given, .init = make_root, .fini = remove_root);

enum { N = 4, C = 3 };
static const int order[N] = {2, 0, 3, 1}; /* the sample of each row */

static const char *at(const char *name) {
    static char path[4][128];
    static int turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", root, name);
    return out;
}

static void put_npy(const char *name, lyne_dtype dtype, int rank, int64_t rows, int64_t columns, const void *data) {
    const lyne_array array = {.dtype = dtype, .rank = rank, .dims = {rows, columns}, .data = data};
    lyne_error err = {0};
    cr_assert_eq(lyne_npy_write(at(name), &array, &err), LYNE_OK, "%s", err.text);
}

static void put_tensors(const char *name, const lyne_array *array, size_t n) {
    lyne_error err = {0};
    cr_assert_eq(lyne_safetensors_write(at(name), array, n, NULL, 0, &err), LYNE_OK, "%s", err.text);
}

/* Row i holds 10 * sample + class, which all types hold exactly. */
static void numbers(float out[N * C]) {
    for (int i = 0; i < N * C; i++) out[i] = (float)(10 * order[i / C] + i % C);
}

static void expect_good(const char *logits, const char *ids) {
    lyne_given g;
    lyne_error err = {0};
    float z[N * C];
    cr_assert_eq(lyne_given_open(&g, logits, ids, N, C, &err), LYNE_OK, "%s", err.text);
    lyne_given_read(&g, 0, N, z);
    for (int i = 0; i < N * C; i++) cr_expect_eq(z[i], 10 * (i / C) + i % C, "%s", logits);
    lyne_given_read(&g, 2, 1, z);
    cr_expect_eq(z[1], 21);
    lyne_given_close(&g);
}

Test(given, types) {
    float z[N * C];
    double d[N * C];
    uint16_t half[N * C], brain[N * C];
    int64_t i8[N];
    int32_t i4[N];
    unsigned char u1[N];
    numbers(z);
    for (int i = 0; i < N * C; i++) {
        d[i] = (double)z[i];
        memcpy(&brain[i], (char *)&z[i] + 2, 2);
    }
    lyne_f16_encode(z, N * C, half);
    for (int i = 0; i < N; i++) i8[i] = i4[i] = u1[i] = (unsigned char)order[i];
    put_npy("f4.npy", LYNE_DTYPE_F32, 2, N, C, z);
    put_npy("f8.npy", LYNE_DTYPE_F64, 2, N, C, d);
    put_npy("f2.npy", LYNE_DTYPE_F16, 2, N, C, half);
    put_npy("i8.npy", LYNE_DTYPE_I64, 1, N, 0, i8);
    put_npy("i4.npy", LYNE_DTYPE_I32, 1, N, 0, i4);
    put_npy("u1.npy", LYNE_DTYPE_U8, 1, N, 0, u1);
    const lyne_array both[] = {{.name = "ids", .dtype = LYNE_DTYPE_I64, .rank = 1, .dims = {N}, .data = i8},
                               {.name = "logits", .dtype = LYNE_DTYPE_BF16, .rank = 2, .dims = {N, C}, .data = brain},
                               {.name = "other", .dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {N}, .data = u1}};
    put_tensors("both.safetensors", both, 3);
    expect_good(at("f4.npy"), at("i8.npy"));
    expect_good(at("f8.npy"), at("i4.npy"));
    expect_good(at("f2.npy"), at("u1.npy"));
    expect_good(at("both.safetensors"), at("both.safetensors"));
    expect_good(at("both.safetensors"), at("i8.npy"));
}

static void expect_bad(const char *logits, const char *ids, const char *message) {
    lyne_given g;
    lyne_error err = {0};
    cr_expect_eq(lyne_given_open(&g, at(logits), at(ids), N, C, &err), LYNE_EDATA, "%s, %s", logits, ids);
    cr_expect(strstr(err.text, message), "%s", err.text);
    cr_expect(strstr(err.text, root), "names the file: %s", err.text);
}

Test(given, refused) {
    float z[N * C];
    const int64_t ids[N] = {2, 0, 3, 1}, twice[N] = {2, 0, 2, 1}, beyond[N] = {2, 0, 4, 1}, below[N] = {2, 0, -1, 1};
    const int32_t below4[N] = {-2, 0, 1, 3};
    const uint64_t huge[N] = {UINT64_MAX, 0, 1, 2};
    numbers(z);
    put_npy("z.npy", LYNE_DTYPE_F32, 2, N, C, z);
    put_npy("few.npy", LYNE_DTYPE_F32, 2, N - 1, C, z);
    put_npy("wide.npy", LYNE_DTYPE_F32, 2, C, N, z);
    put_npy("flat.npy", LYNE_DTYPE_F32, 1, N * C, 0, z);
    put_npy("ids.npy", LYNE_DTYPE_I64, 1, N, 0, ids);
    put_npy("twice.npy", LYNE_DTYPE_I64, 1, N, 0, twice);
    put_npy("beyond.npy", LYNE_DTYPE_I64, 1, N, 0, beyond);
    put_npy("below.npy", LYNE_DTYPE_I64, 1, N, 0, below);
    put_npy("below4.npy", LYNE_DTYPE_I32, 1, N, 0, below4);
    put_npy("short.npy", LYNE_DTYPE_I64, 1, N - 1, 0, ids);
    put_npy("column.npy", LYNE_DTYPE_I64, 2, N, 1, ids);
    put_tensors("none.safetensors",
                &(lyne_array){.name = "z", .dtype = LYNE_DTYPE_U64, .rank = 1, .dims = {N}, .data = huge}, 1);
    put_tensors("huge.safetensors",
                &(lyne_array){.name = "ids", .dtype = LYNE_DTYPE_U64, .rank = 1, .dims = {N}, .data = huge}, 1);
    put_file("z.pt", "pickle", 6);
    put_file("text.npy", "1 2 3", 5);
    put_file("text.safetensors", "1 2 3", 5);
    expect_bad("few.npy", "ids.npy", "the logits are F32 (3, 3), but F16, BF16, F32 or F64 (4, 3) are due");
    expect_bad("wide.npy", "ids.npy", "F32 (3, 4)");
    expect_bad("flat.npy", "ids.npy", "F32 (12)");
    expect_bad("ids.npy", "ids.npy", "the logits are I64 (4)");
    expect_bad("z.npy", "z.npy", "the ids are F32 (4, 3), but integers (4) are due");
    expect_bad("z.npy", "short.npy", "the ids are I64 (3)");
    expect_bad("z.npy", "column.npy", "the ids are I64 (4, 1)");
    expect_bad("z.npy", "twice.npy", "rows 0 and 2 are both of sample 2");
    expect_bad("z.npy", "beyond.npy", "id 4 of row 2 is not among the samples 0 to 3");
    expect_bad("z.npy", "below.npy", "id -1 of row 2");
    expect_bad("z.npy", "below4.npy", "id -2 of row 0");
    expect_bad("z.npy", "huge.safetensors", "id -1 of row 0");
    expect_bad("none.safetensors", "ids.npy", "has no tensor `logits`");
    expect_bad("z.npy", "none.safetensors", "has no tensor `ids`");
    expect_bad("z.pt", "ids.npy", "expects a name that ends in .npy or .safetensors");
    expect_bad("text.npy", "ids.npy", "is no .npy file");
    expect_bad("text.safetensors", "ids.npy", "text.safetensors");
    expect_bad("missing.npy", "ids.npy", "missing.npy");
}

Test(given, digest_is_of_both_files) {
    float z[N * C];
    int64_t ids[N] = {0, 1, 2, 3};
    lyne_digest a, b;
    numbers(z);
    put_npy("z.npy", LYNE_DTYPE_F32, 2, N, C, z);
    put_npy("ids.npy", LYNE_DTYPE_I64, 1, N, 0, ids);
    cr_expect_eq(lyne_given_digest(at("z.npy"), at("ids.npy"), &a, NULL), LYNE_OK);
    cr_expect_eq(lyne_given_digest(at("z.npy"), at("ids.npy"), &b, NULL), LYNE_OK);
    cr_expect(lyne_digest_equal(a, b));
    ids[0] = 1, ids[1] = 0;
    put_npy("ids.npy", LYNE_DTYPE_I64, 1, N, 0, ids);
    cr_expect_eq(lyne_given_digest(at("z.npy"), at("ids.npy"), &b, NULL), LYNE_OK);
    cr_expect_not(lyne_digest_equal(a, b));
    cr_expect_eq(lyne_given_digest(at("z.npy"), at("missing.npy"), &b, NULL), LYNE_EDATA);
}

Test(given, no_memory) {
    float z[N * C];
    const int64_t ids[N] = {2, 0, 3, 1};
    numbers(z);
    put_npy("z.npy", LYNE_DTYPE_F32, 2, N, C, z);
    put_tensors("ids.safetensors",
                &(lyne_array){.name = "ids", .dtype = LYNE_DTYPE_I64, .rank = 1, .dims = {N}, .data = ids}, 1);
    lyne_status status = LYNE_ENOSPACE;
    for (uint64_t n = 1; status != LYNE_OK; n++) {
        lyne_given g;
        lyne_memory_fail_at(n);
        status = lyne_given_open(&g, at("z.npy"), at("ids.safetensors"), N, C, NULL);
        lyne_memory_fail_at(0);
        cr_assert(status == LYNE_OK || status == LYNE_ENOSPACE);
        lyne_given_close(&g);
    }
}
