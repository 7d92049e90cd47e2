/* formats/safetensors.c -- the strict reader.  Nothing is believed: each number of the header is compared with the
 * length of the file or with another number. */
#include "formats/safetensors.h"

#include "formats/json.h"
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 8 }; /* the header's length */

/* A tensor while it is read: where its data are, in bytes behind the header. */
typedef struct extent {
    uint64_t begin, end;
    lyne_array array;
} extent;

static lyne_status bad_tensor(const lyne_safetensors *s, const char *name, const char *why, lyne_error *err) {
    return lyne_fail(err, LYNE_EDATA, "%s: tensor \"%s\": %s", s->path, name, why);
}

/* ---- the header ---- */

static uint64_t little_endian(const unsigned char *p) {
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

static lyne_status load_header(const lyne_safetensors *s, json_t **header, size_t *data_at, lyne_error *err) {
    if (s->map.size < PREFIX) return lyne_fail(err, LYNE_EDATA, "%s: is too short for a safetensors file", s->path);
    uint64_t length = little_endian(s->map.data);
    if (length > LYNE_SAFETENSORS_HEADER || length > s->map.size - PREFIX)
        return lyne_fail(err, LYNE_EDATA, "%s: is no safetensors file, or cut short: a header of %llu bytes in %zu",
                         s->path, (unsigned long long)length, s->map.size);
    const char *text = (const char *)s->map.data + PREFIX;
    json_error_t why;
    if (!length || text[0] != '{') return lyne_fail(err, LYNE_EDATA, "%s: the header is no JSON object", s->path);
    const lyne_status status = lyne_json_parse(text, (size_t)length, header, &why);
    if (status == LYNE_ENOSPACE) return lyne_fail_memory(err, s->path);
    if (status != LYNE_OK)
        return lyne_fail(err, LYNE_EDATA, "%s: header, byte %d: %s", s->path, why.position, why.text);
    *data_at = PREFIX + (size_t)length;
    return LYNE_OK;
}

static char *keep(lyne_safetensors *s, const char *text) {
    return lyne_arena_strndup(&s->arena, text, strlen(text));
}

static lyne_status read_metadata(lyne_safetensors *s, json_t *object, lyne_error *err) {
    const char *key;
    json_t *value;
    if (!object) return LYNE_OK;
    if (!json_is_object(object)) return lyne_fail(err, LYNE_EDATA, "%s: __metadata__ is no object", s->path);
    s->metadata = lyne_arena_alloc(&s->arena, json_object_size(object) * sizeof *s->metadata);
    if (!s->metadata) return lyne_fail_memory(err, s->path);
    json_object_foreach(object, key, value) {
        if (!json_is_string(value))
            return lyne_fail(err, LYNE_EDATA, "%s: __metadata__: \"%s\" is no text", s->path, key);
        lyne_pair *pair = &s->metadata[s->n_metadata++];
        *pair = (lyne_pair){.key = keep(s, key), .value = keep(s, json_string_value(value))};
        if (!pair->key || !pair->value) return lyne_fail_memory(err, s->path);
    }
    return LYNE_OK;
}

/* A list of non-negative integers; their number, or -1 when it is no such list or has more than `most`. */
static int read_numbers(const json_t *list, int most, int64_t *out) {
    if (!json_is_array(list) || json_array_size(list) > (size_t)most) return -1;
    int n = (int)json_array_size(list);
    for (int i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, (size_t)i);
        if (!json_is_integer(item) || json_integer_value(item) < 0) return -1;
        out[i] = json_integer_value(item);
    }
    return n;
}

static lyne_status read_tensor(lyne_safetensors *s, const char *name, const json_t *entry, extent *out,
                               lyne_error *err) {
    lyne_array *a = &out->array;
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    int64_t offsets[2];
    if (!json_is_object(entry) || json_object_size(entry) != 3 || !dtype)
        return bad_tensor(s, name, "is not described by dtype, shape and data_offsets alone", err);
    if (!lyne_dtype_named(dtype, &a->dtype)) return bad_tensor(s, name, "has a dtype that Lyne does not know", err);
    a->rank = read_numbers(json_object_get(entry, "shape"), LYNE_ARRAY_RANK, a->dims);
    if (a->rank < 0) return bad_tensor(s, name, "its shape is not a list of up to 8 non-negative integers", err);
    if (!lyne_array_size(a->dtype, a->rank, a->dims, &a->bytes))
        return bad_tensor(s, name, "its shape is too large for any memory", err);
    if (read_numbers(json_object_get(entry, "data_offsets"), 2, offsets) != 2 || offsets[0] > offsets[1])
        return bad_tensor(s, name, "its data_offsets are not two ascending non-negative integers", err);
    out->begin = (uint64_t)offsets[0];
    out->end = (uint64_t)offsets[1];
    if (out->end - out->begin != a->bytes)
        return bad_tensor(s, name, "its data_offsets do not span what dtype and shape ask for", err);
    a->name = keep(s, name);
    return a->name ? LYNE_OK : lyne_fail_memory(err, s->path);
}

/* ---- the data ---- */

static int by_place(const void *left, const void *right) {
    const extent *a = left, *b = right;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return strcmp(a->array.name, b->array.name); /* tensors without elements share a place */
}

/* Each tensor begins where the one before it ends, and the last ends with the file. */
static lyne_status place(lyne_safetensors *s, extent *extents, size_t n, size_t data_at, lyne_error *err) {
    uint64_t due = 0, room = s->map.size - data_at;
    if (n) qsort(extents, n, sizeof *extents, by_place);
    s->tensor = lyne_arena_alloc(&s->arena, n * sizeof *s->tensor);
    if (!s->tensor) return lyne_fail_memory(err, s->path);
    for (s->n = 0; s->n < n; s->n++) {
        extent *e = &extents[s->n];
        if (e->begin != due)
            return bad_tensor(s, e->array.name, e->begin < due ? "overlaps another" : "leaves a hole before it", err);
        if (e->end > room) return bad_tensor(s, e->array.name, "goes beyond the end of the file", err);
        e->array.data = s->map.data + data_at + e->begin;
        s->tensor[s->n] = e->array;
        due = e->end;
    }
    if (due == room) return LYNE_OK;
    return lyne_fail(err, LYNE_EDATA, "%s: has %llu bytes behind its last tensor", s->path,
                     (unsigned long long)(room - due));
}

static lyne_status read_tensors(lyne_safetensors *s, json_t *header, size_t data_at, lyne_error *err) {
    const char *name;
    json_t *entry;
    size_t n = 0;
    extent *extents = lyne_alloc(json_object_size(header), sizeof *extents);
    lyne_status status = extents ? LYNE_OK : lyne_fail_memory(err, s->path);
    json_object_foreach(header, name, entry) {
        if (status != LYNE_OK || !strcmp(name, "__metadata__")) continue;
        status = read_tensor(s, name, entry, &extents[n++], err);
    }
    if (status == LYNE_OK) status = place(s, extents, n, data_at, err);
    lyne_free(extents);
    return status;
}

lyne_status lyne_safetensors_open(lyne_safetensors *s, const char *path, lyne_error *err) {
    json_t *header = NULL;
    size_t data_at = 0;
    *s = (lyne_safetensors){0};
    lyne_status status = lyne_map_open(&s->map, path, err);
    if (status == LYNE_OK && !(s->path = keep(s, path))) status = lyne_fail_memory(err, path);
    if (status == LYNE_OK) status = load_header(s, &header, &data_at, err);
    if (status == LYNE_OK) status = read_metadata(s, json_object_get(header, "__metadata__"), err);
    if (status == LYNE_OK) status = read_tensors(s, header, data_at, err);
    json_decref(header);
    if (status != LYNE_OK) lyne_safetensors_close(s);
    return status;
}

void lyne_safetensors_close(lyne_safetensors *s) {
    if (!s) return;
    lyne_map_close(&s->map);
    lyne_arena_free(&s->arena);
    *s = (lyne_safetensors){0};
}

/* ---- asking ---- */

const lyne_array *lyne_safetensors_find(const lyne_safetensors *s, const char *name) {
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->tensor[i].name, name)) return &s->tensor[i];
    return NULL;
}

const char *lyne_safetensors_metadata(const lyne_safetensors *s, const char *key) {
    for (size_t i = 0; i < s->n_metadata; i++)
        if (!strcmp(s->metadata[i].key, key)) return s->metadata[i].value;
    return NULL;
}

lyne_status lyne_safetensors_get(const lyne_safetensors *s, const char *name, lyne_dtype dtype, int rank,
                                 const int64_t *dims, const void **data, lyne_error *err) {
    const lyne_array *a = lyne_safetensors_find(s, name);
    if (!a) return lyne_fail(err, LYNE_EDATA, "%s: there is no tensor \"%s\"", s->path, name);
    bool same = a->dtype == dtype && a->rank == rank;
    for (int i = 0; same && i < rank; i++) same = a->dims[i] == dims[i];
    if (!same) {
        char is[LYNE_ARRAY_TEXT], due[LYNE_ARRAY_TEXT];
        lyne_array_print(a->dtype, a->rank, a->dims, is);
        lyne_array_print(dtype, rank, dims, due);
        return lyne_fail(err, LYNE_EDATA, "%s: tensor \"%s\" is %s; it should be %s", s->path, name, is, due);
    }
    *data = a->data;
    return LYNE_OK;
}
