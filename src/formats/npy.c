/* formats/npy.c -- the header of a .npy is a Python dict: it is parsed here by hand, for what it may say and no more.
 *
 *     "\x93NUMPY" | major, minor | u16 (version 1) or u32 n | n bytes {'descr': '<f4', 'fortran_order': False, 'shape':
 * (3, 4), }
 */
#include "formats/npy.h"

#include "base/memory.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC = 6, PREFIX = 10, ALIGNMENT = 64 };

static const struct {
    const char *descr;
    lyne_dtype dtype;
} types[] = {{"<f4", LYNE_DTYPE_F32}, {"<f8", LYNE_DTYPE_F64}, {"<f2", LYNE_DTYPE_F16}, {"<i4", LYNE_DTYPE_I32},
             {"<i8", LYNE_DTYPE_I64}, {"|u1", LYNE_DTYPE_U8},  {"<u2", LYNE_DTYPE_U16}};
enum { N_TYPES = sizeof types / sizeof *types };

/* ---- the dict ---- */

/* What is left of the header; `why` is set by the first thing that is wrong. */
typedef struct scan {
    const char *p, *end;
    const char *why;
    char text[32]; /* the last string */
} scan;

static bool give_up(scan *s, const char *why) {
    if (!s->why) s->why = why;
    return false;
}

/* The next character that is no space; 0 at the end. */
static char peek(scan *s) {
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n')) s->p++;
    return s->p < s->end ? *s->p : '\0';
}

static bool take(scan *s, char c) {
    if (peek(s) != c) return false;
    s->p++;
    return true;
}

static bool need(scan *s, char c) {
    return take(s, c) || give_up(s, "the header is no dict as numpy writes it");
}

static bool scan_text(scan *s) {
    char quote = peek(s);
    if (quote != '\'' && quote != '"') return give_up(s, "a name in the header is not quoted");
    const char *begin = ++s->p;
    while (s->p < s->end && *s->p != quote) s->p++;
    size_t length = (size_t)(s->p - begin);
    if (s->p == s->end || length >= sizeof s->text) return give_up(s, "a text in the header does not end");
    memcpy(s->text, begin, length);
    s->text[length] = '\0';
    s->p++;
    return true;
}

static bool scan_descr(scan *s, lyne_array *a) {
    char first = peek(s);
    if (first == '[' || first == '{') return give_up(s, "it holds structured records; save each field by itself");
    if (!scan_text(s)) return false;
    for (int i = 0; i < N_TYPES; i++) {
        if (strcmp(s->text, types[i].descr)) continue;
        a->dtype = types[i].dtype;
        return true;
    }
    if (strchr(s->text, 'O')) return give_up(s, "it holds Python objects, which Lyne does not load");
    if (s->text[0] == '>') return give_up(s, "it is big-endian; save it little-endian");
    return give_up(s, "its type is none of f2 f4 f8 i4 i8 u1 u2");
}

static bool scan_order(scan *s) {
    peek(s);
    if (s->end - s->p >= 5 && !memcmp(s->p, "False", 5)) {
        s->p += 5;
        return true;
    }
    return give_up(s, "it is in Fortran order; save numpy.ascontiguousarray of it");
}

static bool scan_dim(scan *s, int64_t *dim) {
    char c = peek(s);
    if (c < '0' || c > '9') return give_up(s, "a dimension is no number");
    for (*dim = 0; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++)
        if (__builtin_mul_overflow(*dim, 10, dim) || __builtin_add_overflow(*dim, *s->p - '0', dim))
            return give_up(s, "a dimension is too large");
    return true;
}

/* () or (3,) or (3, 4) or (3, 4,); (3) is a number in Python, not a shape. */
static bool scan_shape(scan *s, lyne_array *a) {
    bool comma = true;
    if (!need(s, '(')) return false;
    for (a->rank = 0; !take(s, ')'); a->rank++) {
        if (a->rank == LYNE_ARRAY_RANK) return give_up(s, "it has more than 8 dimensions");
        if (!comma) return give_up(s, "its shape is no tuple");
        if (!scan_dim(s, &a->dims[a->rank])) return false;
        comma = take(s, ',');
    }
    return a->rank != 1 || comma || give_up(s, "its shape is no tuple");
}

/* The three keys in any order, each once. */
static bool scan_header(scan *s, lyne_array *a) {
    enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    int seen = 0;
    bool comma = true;
    if (!need(s, '{')) return false;
    while (!take(s, '}')) {
        if (!comma || !scan_text(s)) return give_up(s, "the header is no dict as numpy writes it");
        int key = !strcmp(s->text, "descr")           ? DESCR
                  : !strcmp(s->text, "fortran_order") ? ORDER
                  : !strcmp(s->text, "shape")         ? SHAPE
                                                      : 0;
        if (!key || seen & key) return give_up(s, "the header has another key than descr, fortran_order and shape");
        seen |= key;
        if (!need(s, ':')) return false;
        if (!(key == DESCR ? scan_descr(s, a) : key == ORDER ? scan_order(s) : scan_shape(s, a))) return false;
        comma = take(s, ',');
    }
    if (seen != ALL) return give_up(s, "the header lacks one of descr, fortran_order and shape");
    return peek(s) == '\0' && s->p == s->end ? true : give_up(s, "there is something behind the header's dict");
}

/* ---- the file ---- */

static lyne_status refuse(const char *path, const char *why, lyne_error *err) {
    return lyne_fail(err, LYNE_EDATA, "%s: %s", path, why);
}

static lyne_status read_array(lyne_npy *npy, const char *path, lyne_error *err) {
    const unsigned char *p = npy->map.data;
    size_t size = npy->map.size;
    if (size < PREFIX || memcmp(p, "\x93NUMPY", MAGIC)) return refuse(path, "is no .npy file", err);
    if (p[6] < 1 || p[6] > 3 || p[7] != 0) return refuse(path, "is a .npy of a version other than 1.0 to 3.0", err);
    size_t prefix = p[6] == 1 ? PREFIX : PREFIX + 2;
    if (size < prefix) return refuse(path, "is cut short in its header", err);
    size_t length = (size_t)p[8] | (size_t)p[9] << 8;
    if (p[6] > 1) length |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (length > size - prefix) return refuse(path, "is cut short in its header", err);
    scan s = {.p = (const char *)p + prefix, .end = (const char *)p + prefix + length};
    if (!scan_header(&s, &npy->array)) return refuse(path, s.why, err);
    lyne_array *a = &npy->array;
    if (!lyne_array_size(a->dtype, a->rank, a->dims, &a->bytes))
        return refuse(path, "its shape is too large for any memory", err);
    size_t held = size - prefix - length;
    if (a->bytes != held)
        return lyne_fail(err, LYNE_EDATA, "%s: holds %zu bytes of data, its shape asks for %zu", path, held, a->bytes);
    a->data = p + prefix + length;
    return LYNE_OK;
}

lyne_status lyne_npy_open(lyne_npy *npy, const char *path, lyne_error *err) {
    *npy = (lyne_npy){0};
    lyne_status status = lyne_map_open(&npy->map, path, err);
    if (status == LYNE_OK) status = read_array(npy, path, err);
    if (status != LYNE_OK) lyne_npy_close(npy);
    return status;
}

void lyne_npy_close(lyne_npy *npy) {
    if (!npy) return;
    lyne_map_close(&npy->map);
    *npy = (lyne_npy){0};
}

static lyne_status write_header(lyne_commit *file, const char *path, const lyne_text *header, lyne_error *err) {
    size_t total = PREFIX + header->length + 1, padding = (ALIGNMENT - total % ALIGNMENT) % ALIGNMENT;
    size_t length = header->length + padding + 1;
    const unsigned char prefix[PREFIX] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)length, (unsigned char)(length >> 8)};
    char tail[ALIGNMENT];
    memset(tail, ' ', padding);
    tail[padding] = '\n';
    lyne_status status = lyne_commit_begin(file, path, err);
    if (status == LYNE_OK) status = lyne_commit_write(file, prefix, PREFIX, err);
    if (status == LYNE_OK) status = lyne_commit_write(file, header->data, header->length, err);
    if (status == LYNE_OK) status = lyne_commit_write(file, tail, padding + 1, err);
    return status;
}

lyne_status lyne_npy_begin(lyne_commit *file, const char *path, const lyne_array *array, lyne_error *err) {
    size_t bytes;
    const char *descr = NULL;
    *file = (lyne_commit){.fd = -1};
    for (int i = 0; i < N_TYPES; i++)
        if (types[i].dtype == array->dtype) descr = types[i].descr;
    if (!descr) return lyne_fail(err, LYNE_EOTHER, "%s: %s is not written", path, lyne_dtype_name(array->dtype));
    if (!lyne_array_size(array->dtype, array->rank, array->dims, &bytes))
        return lyne_fail(err, LYNE_EOTHER, "%s: the array has an impossible shape", path);
    lyne_text header = {0};
    lyne_text_add(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int i = 0; i < array->rank; i++) lyne_text_add(&header, i ? ", %lld" : "%lld", (long long)array->dims[i]);
    lyne_text_add(&header, array->rank == 1 ? ",), }" : "), }");
    lyne_status status = header.failed ? lyne_fail_memory(err, path) : write_header(file, path, &header, err);
    lyne_text_free(&header);
    return status;
}

lyne_status lyne_npy_write(const char *path, const lyne_array *array, lyne_error *err) {
    lyne_commit file;
    size_t bytes = 0;
    lyne_status status = lyne_npy_begin(&file, path, array, err);
    if (status != LYNE_OK) return status;
    lyne_array_size(array->dtype, array->rank, array->dims, &bytes); /* begin has checked it */
    status = lyne_commit_write(&file, array->data, bytes, err);
    return status == LYNE_OK ? lyne_commit_finish(&file, err) : status;
}
