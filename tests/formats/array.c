/* tests/formats/array.c -- names, sizes and shapes of arrays. */
#include "formats/array.h"

#include <criterion/criterion.h>

Test(array, names_are_unique_and_found) {
    for (int i = 0; i < LYNE_N_DTYPES; i++) {
        lyne_dtype found;
        cr_assert(lyne_dtype_named(lyne_dtype_name((lyne_dtype)i), &found));
        cr_assert_eq(found, i);
    }
    lyne_dtype none;
    cr_assert_not(lyne_dtype_named("f32", &none));
    cr_assert_not(lyne_dtype_named("", &none));
}

Test(array, sizes) {
    static const struct {
        lyne_dtype dtype;
        int rank;
        int64_t dims[LYNE_ARRAY_RANK];
        bool fits;
        size_t bytes;
    } rows[] = {{LYNE_DTYPE_F32, 0, {0}, true, 4},
                {LYNE_DTYPE_F64, 2, {3, 4}, true, 96},
                {LYNE_DTYPE_U8, 3, {3, 0, 4}, true, 0},
                {LYNE_DTYPE_BF16, 1, {7}, true, 14},
                {LYNE_DTYPE_BOOL, 8, {1, 2, 1, 2, 1, 2, 1, 2}, true, 16},
                {LYNE_DTYPE_U8, 1, {-1}, false, 0},
                {LYNE_DTYPE_U8, -1, {0}, false, 0},
                {LYNE_DTYPE_U8, 9, {0}, false, 0},
                {LYNE_DTYPE_U8, 2, {INT64_MAX, 3}, false, 0},
                {LYNE_DTYPE_F64, 1, {INT64_MAX}, false, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t bytes;
        cr_assert_eq(lyne_array_size(rows[i].dtype, rows[i].rank, rows[i].dims, &bytes), rows[i].fits, "row %zu", i);
        cr_assert_eq(bytes, rows[i].bytes, "row %zu", i);
    }
}

Test(array, prints) {
    char out[LYNE_ARRAY_TEXT];
    lyne_array_print(LYNE_DTYPE_F32, 2, (int64_t[]){1000, 512}, out);
    cr_assert_str_eq(out, "F32 (1000, 512)");
    lyne_array_print(LYNE_DTYPE_I64, 0, NULL, out);
    cr_assert_str_eq(out, "I64 ()");
    int64_t most[LYNE_ARRAY_RANK];
    for (int i = 0; i < LYNE_ARRAY_RANK; i++) most[i] = INT64_MIN;
    lyne_array_print(LYNE_DTYPE_BOOL, LYNE_ARRAY_RANK, most, out);
    cr_assert_eq(out[strlen(out) - 1], ')');
}
