/* formats/json.c -- jansson behind Lyne's files and errors. */
#include "formats/json.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- memory ---- */

__attribute__((constructor)) static void count_jansson(void) {
    json_set_alloc_funcs(lyne_malloc, lyne_free);
}

/* Where memory is out, jansson (2.14) leaves out members, and letters of texts that it reads and writes, without a word. */
char *lyne_json_dump(const json_t *value, size_t flags) {
    char *text = value ? json_dumps(value, flags) : NULL;
    if (!lyne_malloc_failed()) return text;
    lyne_free(text);
    return NULL;
}

/* What jansson (2.14) allocates, rounded up, for each thing in a text: SLOT in the list or table that it stands in, STRING
 * besides its letters.  The text itself is the fourth of four bytes. */
enum { OBJECT = 240, ARRAY = 128, STRING = 80, NUMBER = 32, SLOT = 32, SMALL = 16 << 20, EACH_BYTE = 3 };

static size_t cost_of(const char *text, size_t size) {
    size_t cost = 0;
    bool in_string = false, in_number = false;
    for (size_t i = 0; i < size; i++) {
        const char c = text[i];
        const bool number = !in_string && c && strchr("-+.eE0123456789", c);
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            cost += (in_string = !in_string) ? STRING : 0;
        else if (!in_string)
            cost += c == '{'               ? OBJECT
                    : c == '['             ? ARRAY
                    : c == ',' || c == ':' ? SLOT
                    : number && !in_number ? NUMBER
                                           : 0;
        in_number = number;
    }
    return cost;
}

bool lyne_json_fits(const char *text, size_t size) {
    size_t most;
    return lyne_size_mul(size, EACH_BYTE, &most) && lyne_size_add(most, SMALL, &most) && cost_of(text, size) <= most;
}

lyne_status lyne_json_parse(const char *text, size_t size, json_t **out, json_error_t *why) {
    *out = NULL;
    if (!lyne_json_fits(text, size)) {
        *why = (json_error_t){.line = 1, .column = 1};
        snprintf(why->text, sizeof why->text - 1, "holds more values than its %zu bytes should", size);
        return LYNE_EDATA;
    }
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, why);
    if (!lyne_malloc_failed()) return *out ? LYNE_OK : LYNE_EDATA;
    json_decref(*out);
    *out = NULL;
    return LYNE_ENOSPACE;
}

lyne_status lyne_json_load(const char *path, size_t limit, json_t **out, lyne_error *err) {
    char *text;
    size_t size;
    json_error_t why;
    *out = NULL;
    lyne_status status = lyne_file_read(path, limit, &text, &size, err);
    if (status != LYNE_OK) return status;
    status = lyne_json_parse(text, size, out, &why);
    lyne_free(text);
    if (status == LYNE_OK) return status;
    if (status == LYNE_ENOSPACE) return lyne_fail_memory(err, path);
    return lyne_fail(err, LYNE_EDATA, "%s:%d:%d: %s", path, why.line, why.column, why.text);
}

lyne_status lyne_json_save(const char *path, const json_t *value, lyne_error *err) {
    char *dump = lyne_json_dump(value, JSON_SORT_KEYS | JSON_INDENT(2) | JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY);
    lyne_text text = {0};
    if (dump) lyne_text_add(&text, "%s\n", dump);
    lyne_free(dump);
    lyne_status status =
        !dump || text.failed ? lyne_fail_memory(err, path) : lyne_file_commit(path, text.data, text.length, err);
    lyne_text_free(&text);
    return status;
}

/* ---- fields ---- */

#define MOST_REAL 1e100

static const char *type_of(const json_t *value) {
    static const char *const names[] = {[JSON_OBJECT] = "an object",    [JSON_ARRAY] = "an array",
                                        [JSON_STRING] = "a text",       [JSON_INTEGER] = "an integer",
                                        [JSON_REAL] = "a real",         [JSON_TRUE] = "a truth value",
                                        [JSON_FALSE] = "a truth value", [JSON_NULL] = "null"};
    return names[json_typeof(value)];
}

static lyne_status wrong(const json_t *object, const char *key, const char *due, lyne_error *err) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_object(object)) return lyne_fail(err, LYNE_EDATA, "there is no object to look for \"%s\" in", key);
    if (!value) return lyne_fail(err, LYNE_EDATA, "\"%s\" is missing, %s is due", key, due);
    return lyne_fail(err, LYNE_EDATA, "\"%s\" is %s, %s is due", key, type_of(value), due);
}

lyne_status lyne_json_text(const json_t *object, const char *key, const char **out, lyne_error *err) {
    const char *text = json_string_value(json_object_get(object, key));
    if (!text) return wrong(object, key, "a text", err);
    *out = text;
    return LYNE_OK;
}

lyne_status lyne_json_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
                          lyne_error *err) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) return wrong(object, key, "an integer", err);
    int64_t number = json_integer_value(value);
    if (number < min || number > max)
        return lyne_fail(err, LYNE_EDATA, "\"%s\" = %lld is outside [%lld, %lld]", key, (long long)number,
                         (long long)min, (long long)max);
    *out = number;
    return LYNE_OK;
}

lyne_status lyne_json_real(const json_t *object, const char *key, double *out, lyne_error *err) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) return wrong(object, key, "a number", err);
    const double number = json_number_value(value);
    if (fabs(number) > MOST_REAL) return lyne_fail(err, LYNE_EDATA, "\"%s\" = %g is beyond 1e100", key, number);
    *out = number;
    return LYNE_OK;
}

lyne_status lyne_json_digest(const json_t *object, const char *key, lyne_digest *out, lyne_error *err) {
    const char *text = NULL;
    lyne_status status = lyne_json_text(object, key, &text, err);
    if (status != LYNE_OK || lyne_digest_parse(text, out)) return status;
    return lyne_fail(err, LYNE_EDATA, "\"%s\" is no fingerprint of 32 hexadecimal digits", key);
}

lyne_status lyne_json_array(const json_t *object, const char *key, json_t **out, lyne_error *err) {
    json_t *value = json_object_get(object, key);
    if (!json_is_array(value)) return wrong(object, key, "an array", err);
    *out = value;
    return LYNE_OK;
}

lyne_status lyne_json_object(const json_t *object, const char *key, json_t **out, lyne_error *err) {
    json_t *value = json_object_get(object, key);
    if (!json_is_object(value)) return wrong(object, key, "an object", err);
    *out = value;
    return LYNE_OK;
}

int lyne_json_set_digest(json_t *object, const char *key, lyne_digest value) {
    char text[LYNE_DIGEST_TEXT];
    lyne_digest_print(value, text);
    return json_object_set_new(object, key, json_string(text));
}

int lyne_json_set_real(json_t *object, const char *key, double value) {
    if (isfinite(value)) return json_object_set_new(object, key, json_real(value));
    int failed = json_object_set_new(object, key, json_null());
    return failed ? failed : json_object_set_new(object, "nonfinite", json_true());
}
