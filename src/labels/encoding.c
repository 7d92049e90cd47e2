/* labels/encoding.c -- an encoding by the name it has in a manifest; classes as narrow numbers. */
#include "labels/encoding.h"
#include "base/vector.h"
#include "component/config.h"

#include <string.h>

lyne_status lyne_record_init(lyne_record *r, const lyne_instance *encoding, int64_t classes, int64_t features,
                             lyne_error *err) {
    *r = (lyne_record){.encoding = (const lyne_encoding *)encoding->row,
                       .config = encoding->config,
                       .classes = classes,
                       .features = features};
    if (r->encoding->of_features != (features > 0) || features > LYNE_MOST_FEATURES)
        return lyne_fail(err, LYNE_EDATA, "%s with %lld features: 1 to %d are due with `feature`, none with another",
                         r->encoding->component.name, (long long)features, LYNE_MOST_FEATURES);
    lyne_status status = r->encoding->layout(r, err);
    for (int i = 0; status == LYNE_OK && i < r->n_parts; i++) {
        lyne_part *p = &r->part[i];
        if (!lyne_array_size(p->dtype, 1, &(int64_t){p->width ? p->width : 1}, &p->bytes) ||
            !lyne_size_add(r->bytes, p->bytes, &r->bytes))
            status = lyne_fail(err, LYNE_EDATA, "%lld classes are more than can be stored", (long long)classes);
    }
    return status;
}

static int64_t logits_of_features(const lyne_record *r, int64_t n, const void *const part[][LYNE_ENCODING_PARTS],
                                  float *logits) {
    float features[LYNE_HEAD_ROWS][LYNE_MOST_FEATURES];
    const float *row[LYNE_HEAD_ROWS];
    int64_t good = 0;
    while (good < n && r->encoding->decode(r, part[good], features[good])) row[good] = features[good], good++;
    if (good) lyne_head_product(r->head, good, row, logits);
    return good;
}

int64_t lyne_record_logits(const lyne_record *r, int64_t n, const void *const part[][LYNE_ENCODING_PARTS],
                           float *logits) {
    if (r->encoding->of_features) return logits_of_features(r, n, part, logits);
    int64_t good = 0;
    while (good < n && r->encoding->decode(r, part[good], logits + good * r->classes)) good++;
    return good;
}

/* Without the sign, the bits of floats are in the order of their size, and those of a NaN above all. */
LYNE_VECTOR static uint32_t largest_of(const float *number, int64_t n) {
    uint32_t largest = 0;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, number + i, sizeof bits);
        bits &= 0x7FFFFFFF;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

bool lyne_all_within(const float *number, int64_t n, float largest) {
    uint32_t bound;
    memcpy(&bound, &largest, sizeof bound);
    return largest_of(number, n) <= bound;
}

/* ---- text ---- */

static lyne_status read_instance(const char *text, const lyne_registry *registry, lyne_arena *arena, lyne_instance *out,
                                 lyne_error *err) {
    lyne_diagnostics said = {0};
    const lyne_filler f = {.registry = registry, .arena = arena, .out = &said};
    *out = (lyne_instance){0};
    const lyne_yaml *tree = lyne_yaml_parse("encoding", text, strlen(text), arena, &said);
    if (tree) lyne_config_instance(&f, LYNE_ENCODING, "encoding", tree, out);
    lyne_status status = lyne_diagnostics_error(&said, err);
    if (status == LYNE_ERECIPE) { /* but it is no recipe */
        status = LYNE_EDATA;
        if (err) err->status = status;
    }
    lyne_diagnostics_free(&said);
    return status;
}

lyne_status lyne_encoding_read(const char *text, lyne_arena *arena, lyne_instance *out, lyne_error *err) {
    lyne_registry *registry;
    lyne_status status = lyne_registry_new(lyne_encoding_rows, lyne_n_encoding_rows, &registry, err);
    if (status == LYNE_OK) status = read_instance(text, registry, arena, out, err);
    lyne_registry_free(registry);
    return status;
}

const char *lyne_encoding_print(const lyne_instance *encoding, lyne_arena *arena) {
    lyne_text text = {0};
    lyne_instance_print(&text, encoding);
    const char *copy = text.failed ? NULL : lyne_arena_strndup(arena, text.data, text.length);
    lyne_text_free(&text);
    return copy;
}

/* ---- classes ---- */

lyne_dtype lyne_class_dtype(int64_t classes) {
    return classes <= 256 ? LYNE_DTYPE_U8 : classes <= 65536 ? LYNE_DTYPE_U16 : LYNE_DTYPE_U32;
}

/* Little-endian, so the lower bytes come first; the compiler makes vectors of it. */
LYNE_VECTOR static void narrow(size_t size, const uint32_t *restrict class, int64_t n, unsigned char *restrict stored) {
    if (size == 1)
        for (int64_t i = 0; i < n; i++) stored[i] = (unsigned char)class[i];
    else
        for (int64_t i = 0; i < n; i++) {
            const uint16_t low = (uint16_t)class[i];
            memcpy(stored + 2 * i, &low, sizeof low);
        }
}

LYNE_VECTOR static void widen(size_t size, const unsigned char *restrict stored, int64_t n, uint32_t *restrict class) {
    if (size == 1)
        for (int64_t i = 0; i < n; i++) class[i] = stored[i];
    else
        for (int64_t i = 0; i < n; i++) {
            uint16_t low;
            memcpy(&low, stored + 2 * i, sizeof low);
            class[i] = low;
        }
}

void lyne_classes_put(lyne_dtype dtype, const uint32_t *class, int64_t n, void *stored) {
    const size_t size = lyne_dtype_size(dtype);
    if (size == sizeof *class)
        memcpy(stored, class, (size_t)n * size);
    else
        narrow(size, class, n, stored);
}

void lyne_classes_get(lyne_dtype dtype, const void *stored, int64_t n, uint32_t *class) {
    const size_t size = lyne_dtype_size(dtype);
    if (size == sizeof *class)
        memcpy(class, stored, (size_t)n * size);
    else
        widen(size, stored, n, class);
}
