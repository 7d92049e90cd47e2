/* formats/array.c -- the types of array.h, one table. */
#include "formats/array.h"

#include "base/memory.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian and are mapped as they are");

static const struct {
    const char *name;
    size_t size;
} types[LYNE_N_DTYPES] = {
    [LYNE_DTYPE_BOOL] = {"BOOL", 1}, [LYNE_DTYPE_U8] = {"U8", 1},   [LYNE_DTYPE_I8] = {"I8", 1},
    [LYNE_DTYPE_I16] = {"I16", 2},   [LYNE_DTYPE_U16] = {"U16", 2}, [LYNE_DTYPE_F16] = {"F16", 2},
    [LYNE_DTYPE_BF16] = {"BF16", 2}, [LYNE_DTYPE_I32] = {"I32", 4}, [LYNE_DTYPE_U32] = {"U32", 4},
    [LYNE_DTYPE_F32] = {"F32", 4},   [LYNE_DTYPE_F64] = {"F64", 8}, [LYNE_DTYPE_I64] = {"I64", 8},
    [LYNE_DTYPE_U64] = {"U64", 8},
};

size_t lyne_dtype_size(lyne_dtype dtype) {
    return types[dtype].size;
}

const char *lyne_dtype_name(lyne_dtype dtype) {
    return types[dtype].name;
}

bool lyne_dtype_named(const char *name, lyne_dtype *out) {
    for (int i = 0; i < LYNE_N_DTYPES; i++) {
        if (strcmp(name, types[i].name)) continue;
        *out = (lyne_dtype)i;
        return true;
    }
    return false;
}

bool lyne_array_size(lyne_dtype dtype, int rank, const int64_t *dims, size_t *bytes) {
    size_t product = types[dtype].size;
    bool fits = rank >= 0 && rank <= LYNE_ARRAY_RANK;
    for (int i = 0; fits && i < rank; i++) fits = dims[i] >= 0 && lyne_size_mul(product, (size_t)dims[i], &product);
    *bytes = fits ? product : 0;
    return fits;
}

void lyne_array_print(lyne_dtype dtype, int rank, const int64_t *dims, char out[LYNE_ARRAY_TEXT]) {
    int used = snprintf(out, LYNE_ARRAY_TEXT, "%s (", types[dtype].name);
    for (int i = 0; i < rank && i < LYNE_ARRAY_RANK; i++)
        used += snprintf(out + used, LYNE_ARRAY_TEXT - (size_t)used, "%s%lld", i ? ", " : "", (long long)dims[i]);
    snprintf(out + used, LYNE_ARRAY_TEXT - (size_t)used, ")");
}
