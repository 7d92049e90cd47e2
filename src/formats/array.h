/* formats/array.h -- an array as files know it: type, dimensions, bytes.  Little-endian, the last dimension fastest. */
#ifndef LYNE_FORMATS_ARRAY_H
#define LYNE_FORMATS_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of safetensors' own writer, which sorts by it. */
typedef enum lyne_dtype {
    LYNE_DTYPE_BOOL,
    LYNE_DTYPE_U8,
    LYNE_DTYPE_I8,
    LYNE_DTYPE_I16,
    LYNE_DTYPE_U16,
    LYNE_DTYPE_F16,
    LYNE_DTYPE_BF16,
    LYNE_DTYPE_I32,
    LYNE_DTYPE_U32,
    LYNE_DTYPE_F32,
    LYNE_DTYPE_F64,
    LYNE_DTYPE_I64,
    LYNE_DTYPE_U64,
    LYNE_N_DTYPES
} lyne_dtype;

enum { LYNE_ARRAY_RANK = 8, LYNE_ARRAY_TEXT = 192 };

typedef struct lyne_array {
    const char *name; /* NULL where the format has none */
    lyne_dtype dtype;
    int rank;
    int64_t dims[LYNE_ARRAY_RANK];
    const void *data; /* of a file: perhaps not aligned, so take numbers out with memcpy */
    size_t bytes;
} lyne_array;

size_t lyne_dtype_size(lyne_dtype dtype);
/** "F32", "BF16", ...: as safetensors says it. */
const char *lyne_dtype_name(lyne_dtype dtype);
bool lyne_dtype_named(const char *name, lyne_dtype *out);

/** Bytes of an array; false for a negative dimension, a rank beyond LYNE_ARRAY_RANK or a product that overflows. */
bool lyne_array_size(lyne_dtype dtype, int rank, const int64_t *dims, size_t *bytes);
/** "F32 (1000, 512)". */
void lyne_array_print(lyne_dtype dtype, int rank, const int64_t *dims, char out[LYNE_ARRAY_TEXT]);

#endif
