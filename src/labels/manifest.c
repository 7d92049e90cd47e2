/* labels/manifest.c -- manifest.json: what a cache holds, in words and digests.  Its keys are these and no others, so a
 * change of a single character is an error or changes the fingerprint, which is computed anew. */
#include "formats/json.h"
#include "labels/parts.h"

#include <stdio.h>
#include <string.h>

enum { ERROR_KEYS = 4, KEYS = 10, SHARD_KEYS = 3, HEAD_KEYS = 4 };
static const size_t max_bytes = (size_t)64 << 20;

/* ---- names ---- */

void lyne_manifest_name(uint32_t part, uint32_t n_parts, char out[LYNE_SHARD_NAME]) {
    if (n_parts)
        snprintf(out, LYNE_SHARD_NAME, "part-%05lu-of-%05lu.json", (unsigned long)part, (unsigned long)n_parts);
    else
        snprintf(out, LYNE_SHARD_NAME, "manifest.json");
}

bool lyne_manifest_named(const char *name, uint32_t *part, uint32_t *n_parts) {
    char due[LYNE_SHARD_NAME];
    unsigned long of[2] = {0, 0};
    if (sscanf(name, "part-%5lu-of-%5lu.json", &of[0], &of[1]) != 2 || of[0] < 1 || of[0] > of[1]) return false;
    lyne_manifest_name((uint32_t)of[0], (uint32_t)of[1], due);
    *part = (uint32_t)of[0];
    *n_parts = (uint32_t)of[1];
    return strcmp(name, due) == 0;
}

/* ---- writing ---- */

static json_t *identity_json(const lyne_layout *l) {
    lyne_labels_identity identity = l->plan.identity;
    json_t *object = json_object();
    int failed = !object;
    for (int i = 0; i < LYNE_N_IDENTITY_PARTS; i++)
        failed |= lyne_json_set_digest(object, lyne_identity_parts[i].name,
                                       *lyne_identity_digest(&identity, &lyne_identity_parts[i]));
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

static json_t *shards_json(const lyne_layout *l, const lyne_shard_entry *shards) {
    json_t *list = json_array();
    int failed = !list;
    for (uint64_t i = l->first_shard; !failed && i < l->end_shard; i++) {
        char name[LYNE_SHARD_NAME];
        lyne_shard_name(l, i, name);
        json_t *entry = json_pack("{s:s, s:I}", "name", name, "bytes", (json_int_t)shards[i].bytes);
        failed = lyne_json_set_digest(entry, "xxh128", shards[i].digest);
        failed |= json_array_append_new(list, entry);
    }
    if (!failed) return list;
    json_decref(list);
    return NULL;
}

/* The lists of "error", in the order of lyne_labels_error. */
static const struct {
    const char *name;
    size_t offset;
} error_list[] = {{"mean", offsetof(lyne_labels_error, mean)},
                  {"p99", offsetof(lyne_labels_error, p99)},
                  {"max", offsetof(lyne_labels_error, max)}};

static json_t *list_json(const double value[LYNE_LABELS_TEMPERATURES]) {
    json_t *list = json_array();
    int failed = !list;
    for (int i = 0; !failed && i < LYNE_LABELS_TEMPERATURES; i++)
        failed = json_array_append_new(list, json_real(value[i]));
    if (!failed) return list;
    json_decref(list);
    return NULL;
}

static json_t *error_json(const lyne_labels_error *error) {
    json_t *object = json_object();
    int failed = !object || json_object_set_new(object, "temperature", list_json(lyne_labels_temperatures));
    for (int k = 0; !failed && k < 3; k++)
        failed = json_object_set_new(object, error_list[k].name,
                                     list_json((const void *)((const char *)error + error_list[k].offset)));
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

static json_t *head_json(const lyne_layout *l, const lyne_shard_entry *head) {
    json_t *object = json_pack("{s:s, s:I, s:I}", "name", LYNE_HEAD_NAME, "features", (json_int_t)l->plan.features,
                               "bytes", (json_int_t)head->bytes);
    if (!lyne_json_set_digest(object, "xxh128", head->digest)) return object;
    json_decref(object);
    return NULL;
}

lyne_status lyne_manifest_save(const lyne_layout *l, const lyne_shard_entry *shards, const lyne_shard_entry *head,
                               const lyne_labels_error *error, lyne_error *err) {
    const lyne_labels_plan *plan = &l->plan;
    char name[LYNE_SHARD_NAME];
    lyne_arena arena = {0};
    lyne_manifest_name(plan->part, plan->n_parts, name);
    char *path = lyne_layout_path(l, name);
    const char *encoding = lyne_encoding_print(&plan->encoding, &arena);
    json_t *manifest = !encoding
                           ? NULL
                           : json_pack("{s:i, s:I, s:I, s:I, s:s, s:I, s:o, s:o, s:o}", "lyne_labels",
                                       LYNE_LABELS_VERSION, "samples", (json_int_t)plan->samples, "views",
                                       (json_int_t)plan->views, "classes", (json_int_t)plan->classes, "encoding",
                                       encoding, "records_per_shard", (json_int_t)plan->records_per_shard, "identity",
                                       identity_json(l), "shards", shards_json(l, shards), "error", error_json(error));
    bool failed = !path || !manifest || lyne_json_set_digest(manifest, "fingerprint", l->fingerprint);
    if (!failed && plan->features) failed = json_object_set_new(manifest, "head", head_json(l, head));
    lyne_status status = failed ? lyne_fail_memory(err, "a manifest") : lyne_json_save(path, manifest, err);
    json_decref(manifest);
    lyne_free(path);
    lyne_arena_free(&arena);
    return status;
}

/* ---- reading ---- */

static lyne_status only_keys(const json_t *object, size_t n, const char *what, lyne_error *err) {
    if (json_object_size(object) == n) return LYNE_OK;
    return lyne_fail(err, LYNE_EDATA, "%s has %zu keys, and %zu are due", what, json_object_size(object), n);
}

static lyne_status read_identity(const json_t *manifest, lyne_labels_identity *out, lyne_error *err) {
    json_t *object;
    lyne_status status = lyne_json_object(manifest, "identity", &object, err);
    if (status == LYNE_OK) status = only_keys(object, LYNE_N_IDENTITY_PARTS, "\"identity\"", err);
    for (int i = 0; status == LYNE_OK && i < LYNE_N_IDENTITY_PARTS; i++)
        status = lyne_json_digest(object, lyne_identity_parts[i].name,
                                  lyne_identity_digest(out, &lyne_identity_parts[i]), err);
    return status;
}

/* The text of an encoding, which must be the one that would be written. */
static lyne_status read_encoding(const json_t *manifest, lyne_manifest *m, lyne_error *err) {
    const char *text = "";
    lyne_status status = lyne_json_text(manifest, "encoding", &text, err);
    if (status == LYNE_OK) status = lyne_encoding_read(text, &m->arena, &m->layout.plan.encoding, err);
    if (status != LYNE_OK) return lyne_error_context(err, "\"encoding\"");
    m->encoding = lyne_encoding_print(&m->layout.plan.encoding, &m->arena);
    if (!m->encoding) return lyne_fail_memory(err, "a manifest");
    if (strcmp(m->encoding, text) == 0) return LYNE_OK;
    return lyne_fail(err, LYNE_EDATA, "\"encoding\" is written \"%s\", but a manifest writes \"%s\"", text,
                     m->encoding);
}

static lyne_status read_list(const json_t *error, const char *name, double out[LYNE_LABELS_TEMPERATURES],
                             lyne_error *err) {
    json_t *list;
    lyne_status status = lyne_json_array(error, name, &list, err);
    if (status == LYNE_OK && json_array_size(list) != LYNE_LABELS_TEMPERATURES)
        status = lyne_fail(err, LYNE_EDATA, "\"%s\" has %zu numbers, and %d are due", name, json_array_size(list),
                           LYNE_LABELS_TEMPERATURES);
    for (int i = 0; status == LYNE_OK && i < LYNE_LABELS_TEMPERATURES; i++) {
        const json_t *item = json_array_get(list, (size_t)i);
        if (!json_is_number(item)) return lyne_fail(err, LYNE_EDATA, "\"%s\" has something but numbers", name);
        out[i] = json_number_value(item);
    }
    return status;
}

static lyne_status read_error(const json_t *manifest, lyne_labels_error *out, lyne_error *err) {
    json_t *object;
    double temperature[LYNE_LABELS_TEMPERATURES];
    lyne_status status = lyne_json_object(manifest, "error", &object, err);
    if (status == LYNE_OK) status = only_keys(object, ERROR_KEYS, "\"error\"", err);
    if (status == LYNE_OK) status = read_list(object, "temperature", temperature, err);
    for (int k = 0; status == LYNE_OK && k < 3; k++)
        status = read_list(object, error_list[k].name, (void *)((char *)out + error_list[k].offset), err);
    if (status == LYNE_OK && memcmp(temperature, lyne_labels_temperatures, sizeof temperature) != 0)
        status = lyne_fail(err, LYNE_EDATA, "\"temperature\" of \"error\" must be 1, 2, 4, 8, 20");
    return status;
}

/* The layer behind the features, if there is one. */
static lyne_status read_head(const json_t *manifest, lyne_manifest *m, lyne_error *err) {
    json_t *object;
    const char *name = "";
    int64_t bytes = 0;
    lyne_status status = lyne_json_object(manifest, "head", &object, err);
    if (status == LYNE_OK) status = only_keys(object, HEAD_KEYS, "\"head\"", err);
    if (status == LYNE_OK) status = lyne_json_text(object, "name", &name, err);
    if (status == LYNE_OK && strcmp(name, LYNE_HEAD_NAME) != 0)
        status = lyne_fail(err, LYNE_EDATA, "\"head\" is called \"%s\", but it must be \"" LYNE_HEAD_NAME "\"", name);
    if (status == LYNE_OK)
        status = lyne_json_int(object, "features", 1, LYNE_MOST_FEATURES, &m->layout.plan.features, err);
    if (status == LYNE_OK) status = lyne_json_int(object, "bytes", 1, INT64_MAX, &bytes, err);
    if (status == LYNE_OK) status = lyne_json_digest(object, "xxh128", &m->head.digest, err);
    m->head.bytes = (uint64_t)bytes;
    return status;
}

static lyne_status read_plan(const json_t *manifest, lyne_manifest *m, lyne_error *err) {
    lyne_labels_plan *plan = &m->layout.plan;
    int64_t version, samples = 0, views = 0, per_shard = 0;
    lyne_status status = lyne_json_int(manifest, "lyne_labels", INT64_MIN, INT64_MAX, &version, err);
    if (status != LYNE_OK) return status;
    if (version != LYNE_LABELS_VERSION)
        return lyne_fail(err, LYNE_EDATA, "is of version %lld of the format, and this program reads version %d",
                         (long long)version, LYNE_LABELS_VERSION);
    status = only_keys(manifest, KEYS + (json_object_get(manifest, "head") != NULL), "the manifest", err);
    if (status == LYNE_OK) status = lyne_json_int(manifest, "samples", 1, INT64_MAX, &samples, err);
    if (status == LYNE_OK) status = lyne_json_int(manifest, "views", 1, UINT32_MAX, &views, err);
    if (status == LYNE_OK) status = lyne_json_int(manifest, "classes", 1, INT64_MAX, &plan->classes, err);
    if (status == LYNE_OK) status = lyne_json_int(manifest, "records_per_shard", 1, INT64_MAX, &per_shard, err);
    if (status == LYNE_OK) status = read_encoding(manifest, m, err);
    if (status == LYNE_OK) status = read_error(manifest, &m->error, err);
    if (status == LYNE_OK) status = read_identity(manifest, &plan->identity, err);
    if (status == LYNE_OK && json_object_get(manifest, "head")) status = read_head(manifest, m, err);
    plan->samples = (uint64_t)samples;
    plan->views = (uint32_t)views;
    plan->records_per_shard = (uint64_t)per_shard;
    return status;
}

static lyne_status read_shard(const lyne_layout *l, uint64_t i, const json_t *entry, lyne_shard_entry *out,
                              lyne_error *err) {
    const char *name = "";
    char due[LYNE_SHARD_NAME];
    int64_t bytes = 0;
    lyne_shard_name(l, i, due);
    lyne_status status = lyne_json_text(entry, "name", &name, err);
    if (status == LYNE_OK && strcmp(name, due) != 0)
        status = lyne_fail(err, LYNE_EDATA, "is called \"%s\", but it must be \"%s\"", name, due);
    if (status == LYNE_OK) status = only_keys(entry, SHARD_KEYS, "it", err);
    if (status == LYNE_OK) status = lyne_json_int(entry, "bytes", 1, INT64_MAX, &bytes, err);
    if (status == LYNE_OK) status = lyne_json_digest(entry, "xxh128", &out->digest, err);
    out->bytes = (uint64_t)bytes;
    return status == LYNE_OK ? LYNE_OK : lyne_error_context(err, "shard %llu", (unsigned long long)i);
}

static lyne_status read_shards(const json_t *manifest, lyne_manifest *m, lyne_error *err) {
    const lyne_layout *l = &m->layout;
    json_t *list;
    lyne_status status = lyne_json_array(manifest, "shards", &list, err);
    if (status != LYNE_OK) return status;
    if (json_array_size(list) != l->end_shard - l->first_shard)
        return lyne_fail(err, LYNE_EDATA, "lists %zu shards, but its records make %llu", json_array_size(list),
                         (unsigned long long)(l->end_shard - l->first_shard));
    m->shards = lyne_arena_alloc(&m->arena, l->n_shards * sizeof *m->shards); /* the list is in memory already */
    if (!m->shards) return lyne_fail_memory(err, "a manifest");
    for (uint64_t i = l->first_shard; status == LYNE_OK && i < l->end_shard; i++)
        status = read_shard(l, i, json_array_get(list, i - l->first_shard), m->shards + i, err);
    return status;
}

static lyne_status check_fingerprint(const lyne_layout *l, const json_t *manifest, lyne_error *err) {
    lyne_digest said;
    lyne_status status = lyne_json_digest(manifest, "fingerprint", &said, err);
    if (status != LYNE_OK || lyne_digest_equal(said, l->fingerprint)) return status;
    char due[LYNE_DIGEST_TEXT];
    lyne_digest_print(l->fingerprint, due);
    return lyne_fail(err, LYNE_EDATA,
                     "its fingerprint does not fit its numbers, whose fingerprint is %s: it was changed", due);
}

static lyne_status read_all(const json_t *manifest, lyne_manifest *m, lyne_error *err) {
    lyne_status status = read_plan(manifest, m, err);
    const lyne_labels_plan plan = m->layout.plan;
    if (status == LYNE_OK) status = lyne_layout_init(&m->layout, &plan, err);
    if (status == LYNE_OK) status = check_fingerprint(&m->layout, manifest, err);
    if (status == LYNE_OK) status = read_shards(manifest, m, err);
    return status;
}

lyne_status lyne_manifest_load(const char *directory, uint32_t part, uint32_t n_parts, lyne_manifest *m,
                               lyne_error *err) {
    json_t *manifest = NULL;
    char name[LYNE_SHARD_NAME];
    *m = (lyne_manifest){.layout = {.plan = {.directory = directory, .part = part, .n_parts = n_parts}}};
    lyne_manifest_name(part, n_parts, name);
    char *path = lyne_layout_path(&m->layout, name);
    if (!path) return lyne_fail_memory(err, "a manifest");
    lyne_status status = LYNE_OK;
    if (!lyne_file_exists(path))
        status = lyne_fail(err, LYNE_EDATA, "%s: there is no such file, so %s is no soft-label cache, or not finished",
                           path, directory);
    if (status == LYNE_OK) status = lyne_json_load(path, max_bytes, &manifest, err);
    if (manifest && (status = read_all(manifest, m, err)) != LYNE_OK) lyne_error_context(err, "%s", path);
    json_decref(manifest);
    lyne_free(path);
    return status;
}

lyne_status lyne_manifest_head(const lyne_manifest *m, lyne_head *out, lyne_error *err) {
    const lyne_labels_plan *plan = &m->layout.plan;
    lyne_shard_entry found;
    char *path = lyne_layout_path(&m->layout, LYNE_HEAD_NAME);
    *out = (lyne_head){0};
    lyne_status status =
        path ? lyne_file_digest(path, &found.digest, &found.bytes, err) : lyne_fail_memory(err, LYNE_HEAD_NAME);
    if (status == LYNE_OK && (found.bytes != m->head.bytes || !lyne_digest_equal(found.digest, m->head.digest)))
        status = lyne_fail(err, LYNE_EDATA,
                           "%s: is not the file that the manifest describes: its size or hash is another", path);
    if (status == LYNE_OK) status = lyne_head_load(out, plan->classes, plan->features, path, err);
    lyne_free(path);
    return status;
}
