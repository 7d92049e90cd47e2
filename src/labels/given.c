/* labels/given.c -- see given.h. */
#include "labels/given.h"
#include "base/bf16.h"
#include "base/memory.h"
#include "labels/encoding.h"

#include <string.h>

static bool ends_in(const char *path, const char *end) {
    const size_t n = strlen(path), m = strlen(end);
    return n > m && strcmp(path + n - m, end) == 0;
}

static lyne_status open_target(lyne_given_file *f, const char *path, const char *tensor, lyne_error *err) {
    if (ends_in(path, ".npy")) {
        lyne_status status = lyne_npy_open(&f->npy, path, err);
        if (status == LYNE_OK) f->array = f->npy.array;
        return status;
    }
    if (!ends_in(path, ".safetensors"))
        return lyne_fail(err, LYNE_EDATA, "%s: expects a name that ends in .npy or .safetensors", path);
    lyne_status status = lyne_safetensors_open(&f->tensors, path, err);
    if (status != LYNE_OK) return status;
    const lyne_array *found = lyne_safetensors_find(&f->tensors, tensor);
    if (!found) return lyne_fail(err, LYNE_EDATA, "%s: has no tensor `%s`", path, tensor);
    f->array = *found;
    return LYNE_OK;
}

static lyne_status open_file(lyne_given_file *f, const char *path, const char *tensor, lyne_error *err) {
    char *target = lyne_file_target(path);
    f->path = path;
    const lyne_status status = target ? open_target(f, target, tensor, err) : lyne_fail_memory(err, path);
    lyne_free(target);
    return status;
}

static void close_file(lyne_given_file *f) {
    lyne_npy_close(&f->npy);
    lyne_safetensors_close(&f->tensors);
    *f = (lyne_given_file){0};
}

/* ---- shapes ---- */

static bool is_integer(lyne_dtype t) {
    return t == LYNE_DTYPE_U8 || t == LYNE_DTYPE_I8 || t == LYNE_DTYPE_I16 || t == LYNE_DTYPE_U16 ||
           t == LYNE_DTYPE_I32 || t == LYNE_DTYPE_U32 || t == LYNE_DTYPE_I64 || t == LYNE_DTYPE_U64;
}

static bool is_real(lyne_dtype t) {
    return t == LYNE_DTYPE_F16 || t == LYNE_DTYPE_BF16 || t == LYNE_DTYPE_F32 || t == LYNE_DTYPE_F64;
}

static lyne_status check_shapes(const lyne_given *g, lyne_error *err) {
    const lyne_array *z = &g->logits.array, *ids = &g->ids.array;
    char text[LYNE_ARRAY_TEXT];
    if (!is_real(z->dtype) || z->rank != 2 || z->dims[0] != g->samples || z->dims[1] != g->classes) {
        lyne_array_print(z->dtype, z->rank, z->dims, text);
        return lyne_fail(err, LYNE_EDATA,
                         "%s: the logits are %s, but F16, BF16, F32 or F64 (%lld, %lld) are due: a row for each sample "
                         "of the data set",
                         g->logits.path, text, (long long)g->samples, (long long)g->classes);
    }
    if (!is_integer(ids->dtype) || ids->rank != 1 || ids->dims[0] != g->samples) {
        lyne_array_print(ids->dtype, ids->rank, ids->dims, text);
        return lyne_fail(err, LYNE_EDATA, "%s: the ids are %s, but integers (%lld) are due: one for each row of logits",
                         g->ids.path, text, (long long)g->samples);
    }
    return LYNE_OK;
}

/* ---- ids ---- */

/* The id at row i; negative ones come out negative, U64 beyond 2^63 too. */
static int64_t id_at(const lyne_array *ids, int64_t i) {
    const size_t size = lyne_dtype_size(ids->dtype);
    const bool is_signed = ids->dtype == LYNE_DTYPE_I8 || ids->dtype == LYNE_DTYPE_I16 || ids->dtype == LYNE_DTYPE_I32;
    uint64_t bits = 0;
    memcpy(&bits, (const unsigned char *)ids->data + (size_t)i * size, size);
    if (is_signed && bits >> (8 * size - 1)) bits |= ~UINT64_C(0) << (8 * size);
    return (int64_t)bits;
}

/* As many rows as samples and none twice: then all are there. */
static lyne_status place_rows(lyne_given *g, lyne_error *err) {
    g->row = lyne_alloc((size_t)g->samples, sizeof *g->row);
    if (!g->row) return lyne_fail_memory(err, g->ids.path);
    for (int64_t i = 0; i < g->samples; i++) g->row[i] = -1;
    for (int64_t i = 0; i < g->samples; i++) {
        const int64_t id = id_at(&g->ids.array, i);
        if (id < 0 || id >= g->samples)
            return lyne_fail(err, LYNE_EDATA, "%s: id %lld of row %lld is not among the samples 0 to %lld", g->ids.path,
                             (long long)id, (long long)i, (long long)g->samples - 1);
        if (g->row[id] >= 0)
            return lyne_fail(err, LYNE_EDATA, "%s: rows %lld and %lld are both of sample %lld", g->ids.path,
                             (long long)g->row[id], (long long)i, (long long)id);
        g->row[id] = i;
    }
    return LYNE_OK;
}

/* ---- */

lyne_status lyne_given_open(lyne_given *g, const char *logits, const char *ids, int64_t samples, int64_t classes,
                            lyne_error *err) {
    *g = (lyne_given){.samples = samples, .classes = classes};
    lyne_status status = open_file(&g->logits, logits, "logits", err);
    if (status == LYNE_OK) status = open_file(&g->ids, ids, "ids", err);
    if (status == LYNE_OK) status = check_shapes(g, err);
    if (status == LYNE_OK) status = place_rows(g, err);
    if (status != LYNE_OK) lyne_given_close(g);
    return status;
}

void lyne_given_close(lyne_given *g) {
    if (!g) return;
    close_file(&g->logits);
    close_file(&g->ids);
    lyne_free(g->row);
    *g = (lyne_given){0};
}

static void read_row(const lyne_array *z, int64_t row, int64_t classes, float *out) {
    const size_t size = lyne_dtype_size(z->dtype);
    const unsigned char *at = (const unsigned char *)z->data + (size_t)row * (size_t)classes * size;
    switch (z->dtype) {
    case LYNE_DTYPE_F32:
        memcpy(out, at, (size_t)classes * size);
        break;
    case LYNE_DTYPE_F16:
        lyne_f16_decode(at, classes, out);
        break;
    case LYNE_DTYPE_BF16:
        for (int64_t i = 0; i < classes; i++) {
            uint16_t half;
            memcpy(&half, at + 2 * i, sizeof half);
            out[i] = lyne_from_bf16(half);
        }
        break;
    default: /* F64: the others are refused on opening */
        for (int64_t i = 0; i < classes; i++) {
            double d;
            memcpy(&d, at + 8 * i, sizeof d);
            out[i] = (float)d;
        }
    }
}

void lyne_given_read(const lyne_given *g, int64_t first, int64_t n, float *logits) {
    for (int64_t i = 0; i < n; i++) read_row(&g->logits.array, g->row[first + i], g->classes, logits + i * g->classes);
}

lyne_status lyne_given_digest(const char *logits, const char *ids, lyne_digest *out, lyne_error *err) {
    const char *const path[] = {logits, ids};
    lyne_hash h;
    lyne_hash_init(&h);
    for (int i = 0; i < 2; i++) {
        lyne_map map;
        char *target = lyne_file_target(path[i]);
        lyne_status status = target ? lyne_map_open(&map, target, err) : lyne_fail_memory(err, path[i]);
        lyne_free(target);
        if (status != LYNE_OK) return status;
        lyne_hash_digest(&h, lyne_digest_of(map.data, map.size));
        lyne_map_close(&map);
    }
    *out = lyne_hash_finish(&h);
    return LYNE_OK;
}
