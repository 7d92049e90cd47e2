/* formats/safetensors_write.c -- the writer: a header made from the list of tensors, then their bytes in that order. */
#include "formats/safetensors.h"

#include "formats/json.h"
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 8, ALIGNMENT = 64 };

static json_t *describe(const lyne_array *a, uint64_t begin, uint64_t end) {
    json_t *shape = json_array();
    int failed = shape ? 0 : -1;
    for (int i = 0; i < a->rank; i++) failed |= json_array_append_new(shape, json_integer(a->dims[i]));
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", lyne_dtype_name(a->dtype), "shape", shape,
                              "data_offsets", (json_int_t)begin, (json_int_t)end);
    if (!failed) return entry;
    json_decref(entry);
    return NULL;
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const lyne_pair *)a)->key, ((const lyne_pair *)b)->key);
}

static bool is_utf8(const char *text) {
    json_t *probe = json_string(text);
    json_decref(probe);
    return probe;
}

/* jansson took no text: it is not UTF-8, or there was no memory for it. */
static lyne_status refuse(const char *path, const char *text, lyne_error *err) {
    if (is_utf8(text)) return lyne_fail_memory(err, path);
    return lyne_fail(err, LYNE_EOTHER, "%s: a name or text that is not UTF-8 cannot be written: \"%s\"", path, text);
}

static lyne_status add_metadata(json_t *header, const char *path, const lyne_pair *metadata, size_t n,
                                lyne_error *err) {
    lyne_status status = LYNE_OK;
    json_t *object = json_object();
    lyne_pair *sorted = lyne_alloc(n, sizeof *sorted);
    if (!object || !sorted || json_object_set(header, "__metadata__", object)) status = lyne_fail_memory(err, path);
    if (status == LYNE_OK) {
        memcpy(sorted, metadata, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_key);
    }
    for (size_t i = 0; status == LYNE_OK && i < n; i++) {
        if (json_object_get(object, sorted[i].key))
            status = lyne_fail(err, LYNE_EOTHER, "%s: metadata \"%s\" is given twice", path, sorted[i].key);
        else if (json_object_set_new(object, sorted[i].key, json_string(sorted[i].value)))
            status = refuse(path, is_utf8(sorted[i].key) ? sorted[i].value : sorted[i].key, err);
    }
    json_decref(object);
    lyne_free(sorted);
    return status;
}

/* Describe the tensors; *total: the bytes of their data. */
static lyne_status add_tensors(json_t *header, const char *path, const lyne_array *tensors, size_t n, uint64_t *total,
                               lyne_error *err) {
    *total = 0;
    for (size_t i = 0; i < n; i++) {
        size_t bytes, end;
        const char *name = tensors[i].name;
        if (!lyne_array_size(tensors[i].dtype, tensors[i].rank, tensors[i].dims, &bytes) ||
            !lyne_size_add(*total, bytes, &end) || end > INT64_MAX)
            return lyne_fail(err, LYNE_EOTHER, "%s: tensor \"%s\" has an impossible shape", path, name);
        if (!strcmp(name, "__metadata__") || json_object_get(header, name))
            return lyne_fail(err, LYNE_EOTHER, "%s: tensor \"%s\" is there already", path, name);
        if (json_object_set_new(header, name, describe(&tensors[i], *total, end))) return refuse(path, name, err);
        *total = end;
    }
    return LYNE_OK;
}

static lyne_status write_header(lyne_commit *file, const json_t *header, lyne_error *err) {
    char *text = lyne_json_dump(header, JSON_COMPACT);
    if (!text) {
        lyne_fail_memory(err, file->path);
        lyne_commit_abort(file);
        return LYNE_ENOSPACE;
    }
    size_t length = strlen(text), padding = (ALIGNMENT - (PREFIX + length) % ALIGNMENT) % ALIGNMENT;
    unsigned char prefix[PREFIX], spaces[ALIGNMENT];
    for (int i = 0; i < PREFIX; i++) prefix[i] = (unsigned char)((uint64_t)(length + padding) >> 8 * i);
    memset(spaces, ' ', sizeof spaces);
    lyne_status status = lyne_commit_write(file, prefix, sizeof prefix, err);
    if (status == LYNE_OK) status = lyne_commit_write(file, text, length, err);
    if (status == LYNE_OK) status = lyne_commit_write(file, spaces, padding, err);
    lyne_free(text);
    return status;
}

lyne_status lyne_safetensors_begin(lyne_safetensors_writer *w, const char *path, const lyne_array *tensors, size_t n,
                                   const lyne_pair *metadata, size_t n_metadata, lyne_error *err) {
    *w = (lyne_safetensors_writer){0};
    json_t *header = json_object();
    lyne_status status = header ? LYNE_OK : lyne_fail_memory(err, path);
    if (status == LYNE_OK && n_metadata) status = add_metadata(header, path, metadata, n_metadata, err);
    if (status == LYNE_OK) status = add_tensors(header, path, tensors, n, &w->due, err);
    if (status == LYNE_OK) status = lyne_commit_begin(&w->file, path, err);
    if (status == LYNE_OK) status = write_header(&w->file, header, err);
    json_decref(header);
    return status;
}

lyne_status lyne_safetensors_append(lyne_safetensors_writer *w, const void *bytes, size_t n, lyne_error *err) {
    if (n > w->due) {
        lyne_safetensors_abort(w);
        return lyne_fail(err, LYNE_EOTHER, "more bytes than the tensors have were given to a safetensors file");
    }
    w->due -= n;
    return lyne_commit_write(&w->file, bytes, n, err);
}

lyne_status lyne_safetensors_finish(lyne_safetensors_writer *w, lyne_error *err) {
    if (w->due == 0) return lyne_commit_finish(&w->file, err);
    lyne_safetensors_abort(w);
    return lyne_fail(err, LYNE_EOTHER, "%llu bytes of its tensors were not given to a safetensors file",
                     (unsigned long long)w->due);
}

void lyne_safetensors_abort(lyne_safetensors_writer *w) {
    if (w) lyne_commit_abort(&w->file);
}

/* ---- all at once ---- */

/* The official writer's order: wide types first, so that all are aligned; then by name. */
static int by_type_and_name(const void *left, const void *right) {
    const lyne_array *a = left, *b = right;
    return a->dtype != b->dtype ? (a->dtype > b->dtype ? -1 : 1) : strcmp(a->name, b->name);
}

lyne_status lyne_safetensors_write(const char *path, const lyne_array *tensors, size_t n, const lyne_pair *metadata,
                                   size_t n_metadata, lyne_error *err) {
    lyne_safetensors_writer w = {0};
    lyne_array *sorted = lyne_alloc(n, sizeof *sorted);
    if (!sorted) return lyne_fail_memory(err, path);
    if (n) {
        memcpy(sorted, tensors, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_type_and_name);
    }
    lyne_status status = lyne_safetensors_begin(&w, path, sorted, n, metadata, n_metadata, err);
    for (size_t i = 0; status == LYNE_OK && i < n; i++) {
        size_t bytes;
        lyne_array_size(sorted[i].dtype, sorted[i].rank, sorted[i].dims, &bytes); /* begin has checked it */
        status = lyne_safetensors_append(&w, sorted[i].data, bytes, err);
    }
    if (status == LYNE_OK) status = lyne_safetensors_finish(&w, err);
    lyne_free(sorted);
    return status;
}
