/* tests/formats/safetensors.c -- what is written is read; what is malformed is refused with its reason. */
#include "formats/safetensors.h"

#include "scratch.h"
#include <errno.h>

TestSuite(safetensors, .init = scratch_enter, .fini = scratch_leave);

static const float weight[6] = {1, -2, 3.5f, 4, 5, 6}, bias[2] = {0.5f, -0.5f};
static const int64_t step[1] = {1234567890123};
static const uint8_t mask[3] = {1, 0, 1};
static const lyne_array tensors[] = {
    {.name = "mask", .dtype = LYNE_DTYPE_BOOL, .rank = 1, .dims = {3}, .data = mask},
    {.name = "fc.weight", .dtype = LYNE_DTYPE_F32, .rank = 2, .dims = {2, 3}, .data = weight},
    {.name = "fc.bias", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {2}, .data = bias},
    {.name = "none", .dtype = LYNE_DTYPE_U8, .rank = 2, .dims = {0, 5}},
    {.name = "step", .dtype = LYNE_DTYPE_I64, .rank = 0, .data = step}};
static const lyne_pair metadata[] = {{"lyne", "a \"quoted\" text\n\xC3\xA9"}, {"format", "pt"}};

static void write_sample(const char *path) {
    lyne_error err = {0};
    cr_assert_eq(lyne_safetensors_write(path, tensors, COUNT(tensors), metadata, COUNT(metadata), &err), LYNE_OK, "%s",
                 err.text);
}

static lyne_status open_and_use(const char *path, lyne_error *err) {
    lyne_safetensors s;
    lyne_status status = lyne_safetensors_open(&s, path, err);
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char *p = s.tensor[i].data;
        cr_assert(p >= s.map.data && s.tensor[i].bytes <= (size_t)(s.map.data + s.map.size - p));
        cr_assert_not_null(lyne_safetensors_find(&s, s.tensor[i].name));
    }
    lyne_safetensors_close(&s);
    return status;
}

Test(safetensors, round_trip) {
    static const char *const order[] = {"step", "fc.bias", "fc.weight", "none", "mask"};
    lyne_safetensors s;
    lyne_error err = {0};
    write_sample(at("a"));
    cr_assert_eq(lyne_safetensors_open(&s, at("a"), &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(s.n, COUNT(tensors));
    cr_assert_eq(((const unsigned char *)s.tensor[0].data - s.map.data) % 64, 0);
    for (size_t i = 0; i < COUNT(tensors); i++) {
        const lyne_array *due = &tensors[i], *a = lyne_safetensors_find(&s, due->name);
        cr_assert_str_eq(s.tensor[i].name, order[i]);
        cr_assert(a && a->dtype == due->dtype && a->rank == due->rank);
        cr_assert_arr_eq(a->dims, due->dims, (size_t)a->rank * sizeof(int64_t));
        if (a->bytes) cr_assert_arr_eq(a->data, due->data, a->bytes);
    }
    cr_assert_null(lyne_safetensors_find(&s, "fc"));
    for (size_t i = 0; i < COUNT(metadata); i++)
        cr_assert_str_eq(lyne_safetensors_metadata(&s, metadata[i].key), metadata[i].value);
    cr_assert_null(lyne_safetensors_metadata(&s, "other"));
    lyne_safetensors_close(&s);
    lyne_safetensors_close(&s);
    lyne_safetensors_close(NULL);
}

/* The bytes that the official writer gives for the same tensors, but for the padding to 64 (safetensors 0.8.0). */
Test(safetensors, the_header_is_the_official_one) {
    static const char due[] = "{\"__metadata__\":{\"format\":\"pt\"},"
                              "\"step\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                              "\"fc.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]},"
                              "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[16,40]},"
                              "\"none\":{\"dtype\":\"U8\",\"shape\":[0,5],\"data_offsets\":[40,40]},"
                              "\"mask\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[40,43]}}";
    size_t n;
    cr_assert_eq(lyne_safetensors_write(at("a"), tensors, COUNT(tensors), metadata + 1, 1, NULL), LYNE_OK);
    char *bytes = get(at("a"), &n);
    cr_assert_eq(memcmp(bytes + 8, due, sizeof due - 1), 0, "%.400s", bytes + 8);
    lyne_free(bytes);
}

Test(safetensors, same_content_same_bytes) {
    lyne_array turned[COUNT(tensors)];
    lyne_pair pairs[COUNT(metadata)];
    for (size_t i = 0; i < COUNT(tensors); i++) turned[i] = tensors[COUNT(tensors) - 1 - i];
    for (size_t i = 0; i < COUNT(metadata); i++) pairs[i] = metadata[COUNT(metadata) - 1 - i];
    write_sample(at("a"));
    cr_assert_eq(lyne_safetensors_write(at("b"), turned, COUNT(turned), pairs, COUNT(pairs), NULL), LYNE_OK);
    size_t n, m;
    char *a = get(at("a"), &n), *b = get(at("b"), &m);
    cr_assert_eq(n, m);
    cr_assert_arr_eq(a, b, n);
    lyne_free(a);
    lyne_free(b);
}

Test(safetensors, empty) {
    lyne_safetensors s;
    cr_assert_eq(lyne_safetensors_write(at("a"), NULL, 0, NULL, 0, NULL), LYNE_OK);
    cr_assert_eq(lyne_safetensors_open(&s, at("a"), NULL), LYNE_OK);
    cr_assert_eq(s.n, 0);
    lyne_safetensors_close(&s);
}

Test(safetensors, get_says_what_is_there) {
    static const struct {
        const char *name;
        lyne_dtype dtype;
        int rank;
        int64_t dims[2];
        const char *says; /* NULL: is found */
    } rows[] = {
        {"fc.weight", LYNE_DTYPE_F32, 2, {2, 3}, NULL},
        {"step", LYNE_DTYPE_I64, 0, {0}, NULL},
        {"fc.weight", LYNE_DTYPE_F16, 2, {2, 3}, "tensor \"fc.weight\" is F32 (2, 3); it should be F16 (2, 3)"},
        {"fc.weight", LYNE_DTYPE_F32, 2, {3, 2}, "it should be F32 (3, 2)"},
        {"fc.weight", LYNE_DTYPE_F32, 1, {6}, "it should be F32 (6)"},
        {"fc.wieght", LYNE_DTYPE_F32, 1, {6}, "there is no tensor \"fc.wieght\""},
    };
    lyne_safetensors s;
    write_sample(at("a"));
    cr_assert_eq(lyne_safetensors_open(&s, at("a"), NULL), LYNE_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        lyne_error err = {0};
        const void *data = NULL;
        lyne_status status =
            lyne_safetensors_get(&s, rows[i].name, rows[i].dtype, rows[i].rank, rows[i].dims, &data, &err);
        cr_assert_eq(status, rows[i].says ? LYNE_EDATA : LYNE_OK, "row %zu", i);
        cr_assert(rows[i].says ? strstr(err.text, rows[i].says) != NULL : data != NULL, "row %zu: %s", i, err.text);
    }
    lyne_safetensors_close(&s);
}

/* A header and so many zero bytes behind it. */
static void put_header(const char *path, const char *header, size_t data) {
    size_t n = strlen(header);
    unsigned char *bytes = calloc(8 + n + data, 1);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)n >> 8 * i);
    memcpy(bytes + 8, header, n);
    put(path, bytes, 8 + n + data);
    free(bytes);
}

#define T(name, dtype, shape, offsets)                                                                                 \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

Test(safetensors, malformed) {
    static const struct {
        const char *header;
        size_t data;
        const char *says; /* NULL: fine */
    } rows[] = {
        {"{}", 0, NULL},
        {"{}   ", 0, NULL},
        {"{" T("a", "F32", "[2]", "[0,8]") "}", 8, NULL},
        {"{" T("b", "F32", "[1]", "[4,8]") "," T("a", "I32", "[1]", "[0,4]") "}", 8, NULL},
        {"{" T("a", "F32", "[0]", "[0,0]") "," T("b", "U8", "[1]", "[0,1]") "," T("c", "F32", "[0]", "[1,1]") "}", 1,
         NULL},
        {"{\"__metadata__\":{}}", 0, NULL},
        {"", 0, "no JSON object"},
        {"[]", 0, "no JSON object"},
        {" {}", 0, "no JSON object"},
        {"{", 0, "header, byte"},
        {"{} x", 0, "header, byte"},
        {"{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", 8, "duplicate"},
        {"{\"a\":1}", 0, "is not described"},
        {"{\"a\":{}}", 0, "is not described"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "is not described"},
        {"{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "is not described"},
        {"{" T("a", "F31", "[1]", "[0,4]") "}", 4, "dtype"},
        {"{" T("a", "f32", "[1]", "[0,4]") "}", 4, "dtype"},
        {"{" T("a", "F32", "[-1]", "[0,4]") "}", 4, "shape"},
        {"{" T("a", "F32", "[1.0]", "[0,4]") "}", 4, "shape"},
        {"{" T("a", "F32", "[\"1\"]", "[0,4]") "}", 4, "shape"},
        {"{" T("a", "F32", "{}", "[0,4]") "}", 4, "shape"},
        {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "shape"},
        {"{" T("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0, "too large"},
        {"{" T("a", "F32", "[4611686018427387904]", "[0,0]") "}", 0, "too large"},
        {"{" T("a", "F32", "[99999999999999999999]", "[0,0]") "}", 0, "header, byte"},
        {"{" T("a", "F32", "[1]", "[0]") "}", 4, "data_offsets"},
        {"{" T("a", "F32", "[1]", "[0,4,8]") "}", 4, "data_offsets"},
        {"{" T("a", "F32", "[1]", "[4,0]") "}", 4, "data_offsets"},
        {"{" T("a", "F32", "[1]", "[-4,0]") "}", 4, "data_offsets"},
        {"{" T("a", "F32", "[1]", "[0,8]") "}", 8, "span"},
        {"{" T("a", "F32", "[2]", "[0,4]") "}", 4, "span"},
        {"{" T("a", "F32", "[1]", "[4,8]") "}", 8, "hole"},
        {"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[8,12]") "}", 12, "hole"},
        {"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[2,6]") "}", 6, "overlaps"},
        {"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[0,4]") "}", 4, "overlaps"},
        {"{" T("a", "F32", "[1]", "[0,4]") "}", 3, "beyond the end"},
        {"{" T("a", "F32", "[1]", "[0,4]") "}", 5, "1 bytes behind"},
        {"{}", 1, "1 bytes behind"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ is no object"},
        {"{\"__metadata__\":{\"epoch\":3}}", 0, "\"epoch\" is no text"},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "duplicate"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        lyne_error err = {0};
        put_header(at("a"), rows[i].header, rows[i].data);
        lyne_status status = open_and_use(at("a"), &err);
        cr_assert_eq(status, rows[i].says ? LYNE_EDATA : LYNE_OK, "row %zu %s: %s", i, rows[i].header, err.text);
        if (rows[i].says) cr_assert(strstr(err.text, rows[i].says), "row %zu: %s", i, err.text);
        if (rows[i].says) cr_assert(strstr(err.text, at("a")), "row %zu: %s", i, err.text);
    }
}

Test(safetensors, header_length_is_checked) {
    static const unsigned char rows[][10] = {
        {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, '{', '}'},
        {0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, '{', '}'},
        {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'},
        {0x01, 0xE1, 0xF5, 0x05, 0, 0, 0, 0, '{', '}'}, /* 100,000,001 */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        lyne_error err = {0};
        put(at("a"), rows[i], sizeof rows[i]);
        cr_assert_eq(open_and_use(at("a"), &err), LYNE_EDATA, "row %zu", i);
        cr_assert(strstr(err.text, "no safetensors file"), "%s", err.text);
    }
}

Test(safetensors, damaged) {
    write_sample(at("a"));
    damage(at("a"), open_and_use);
}

Test(safetensors, in_pieces) {
    lyne_safetensors_writer w;
    lyne_safetensors s;
    const lyne_array plan[] = {{.name = "z", .dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {3}},
                               {.name = "a", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {2}}};
    cr_assert_eq(lyne_safetensors_begin(&w, at("a"), plan, 2, NULL, 0, NULL), LYNE_OK);
    cr_assert_eq(lyne_safetensors_append(&w, mask, 1, NULL), LYNE_OK);
    cr_assert_eq(lyne_safetensors_append(&w, mask + 1, 2, NULL), LYNE_OK);
    cr_assert_eq(lyne_safetensors_append(&w, bias, sizeof bias, NULL), LYNE_OK);
    cr_assert_not(lyne_file_exists(at("a")));
    cr_assert_eq(lyne_safetensors_finish(&w, NULL), LYNE_OK);
    lyne_safetensors_abort(&w);
    cr_assert_eq(lyne_safetensors_open(&s, at("a"), NULL), LYNE_OK);
    cr_assert_str_eq(s.tensor[0].name, "z", "the order is kept");
    cr_assert_arr_eq(s.tensor[0].data, mask, 3);
    cr_assert_arr_eq(s.tensor[1].data, bias, sizeof bias);
    lyne_safetensors_close(&s);

    static const struct {
        size_t bytes;
        const char *says;
    } wrong[] = {{10, "1 bytes"}, {12, "more bytes"}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        lyne_error err = {0};
        char bytes[12] = {0};
        cr_assert_eq(lyne_safetensors_begin(&w, at("b"), plan, 2, NULL, 0, &err), LYNE_OK);
        lyne_status status = lyne_safetensors_append(&w, bytes, wrong[i].bytes, &err);
        if (status == LYNE_OK) status = lyne_safetensors_finish(&w, &err);
        cr_assert_eq(status, LYNE_EOTHER);
        cr_assert(strstr(err.text, wrong[i].says), "%s", err.text);
        cr_assert_neq(lyne_safetensors_finish(&w, NULL), LYNE_OK);
        cr_assert_not(lyne_file_exists(at("b")));
    }
    lyne_safetensors_abort(NULL);
    lyne_safetensors_abort(&(lyne_safetensors_writer){0});
}

Test(safetensors, refuses_to_write_nonsense) {
    static const lyne_array twice[] = {{.name = "a", .dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {0}},
                                       {.name = "a", .dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {0}}},
                            reserved = {.name = "__metadata__", .dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {0}},
                            latin = {.name = "caf\xE9", .dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {0}},
                            negative = {.name = "n", .dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {-1}};
    static const lyne_pair same[] = {{"k", "1"}, {"k", "2"}}, latin_value = {"k", "caf\xE9"},
                           latin_key = {"caf\xE9", "v"};
    static const struct {
        const lyne_array *tensors;
        size_t n;
        const lyne_pair *pairs;
        size_t n_pairs;
        const char *says;
    } rows[] = {{twice, 2, NULL, 0, "there already"}, {&reserved, 1, NULL, 0, "there already"},
                {&latin, 1, NULL, 0, "not UTF-8"},    {&negative, 1, NULL, 0, "impossible shape"},
                {NULL, 0, same, 2, "given twice"},    {NULL, 0, &latin_value, 1, "not UTF-8"},
                {NULL, 0, &latin_key, 1, "not UTF-8"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        lyne_error err = {0};
        cr_assert_eq(lyne_safetensors_write(at("a"), rows[i].tensors, rows[i].n, rows[i].pairs, rows[i].n_pairs, &err),
                     LYNE_EOTHER, "row %zu", i);
        cr_assert(strstr(err.text, rows[i].says), "row %zu: %s", i, err.text);
        cr_assert_not(lyne_file_exists(at("a")));
    }
}

Test(safetensors, memory_and_calls_may_fail) {
    for (uint64_t n = 1;; n++) {
        lyne_error err = {0};
        lyne_memory_fail_at(n);
        lyne_status status = lyne_safetensors_write(at("a"), tensors, COUNT(tensors), metadata, COUNT(metadata), &err);
        if (status == LYNE_OK) status = open_and_use(at("a"), &err);
        lyne_memory_fail_at(0);
        if (status == LYNE_OK) break;
        cr_assert_eq(status, LYNE_ENOSPACE, "allocation %d: %s", (int)n, err.text);
    }
    for (uint64_t n = 1; n <= 13; n++) { /* open, 3 + 4 writes, fsync, close, rename, open and fsync the directory */
        lyne_error err = {0};
        lyne_file_fail_at(n, ENOSPC);
        lyne_status status = lyne_safetensors_write(at("b"), tensors, COUNT(tensors), metadata, COUNT(metadata), &err);
        lyne_file_fail_at(0, 0);
        cr_assert_eq(status, LYNE_ENOSPACE, "call %d", (int)n);
        cr_assert(strstr(err.text, scratch_root), "%s", err.text);
    }
}
