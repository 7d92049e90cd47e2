/* recipe/result_file.c -- result.json. */
#include "recipe/result_file.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "formats/json.h"
#include "labels/writer.h"
#include <math.h>
#include <string.h>

#define FORMAT 1
#define LIMIT  LYNE_RESULT_LIMIT
/* Shards up to this size are compared by content; larger ones, whose records carry checksums, by size. */
#define HASHED ((uint64_t)1 << 28)
enum { MANIFEST_LIMIT = 64 << 20 };

/* The numbers of a result, where they stand in results.json. */
typedef struct number {
    const char *name;
    size_t offset;
    bool whole, metric; /* metric: within "metrics" */
} number;
#define WHOLE(member, metric)                                                                                          \
    { #member, offsetof(lyne_result, member), true, metric }
#define REAL(member, metric)                                                                                           \
    { #member, offsetof(lyne_result, member), false, metric }
/* Of soft labels, at temperature T: entry i. */
#define KL(i, T)                                                                                                       \
    {"label_kl_mean_t" #T, offsetof(lyne_result, kl.mean[i]), false, true},                                            \
        {"label_kl_p99_t" #T, offsetof(lyne_result, kl.p99[i]), false, true}, {                                        \
        "label_kl_max_t" #T, offsetof(lyne_result, kl.max[i]), false, true                                             \
    }
static const number numbers[] = {WHOLE(test_samples, true),
                                 WHOLE(test_errors, true),
                                 REAL(test_accuracy, true),
                                 REAL(test_loss, true),
                                 WHOLE(validation_errors, true),
                                 REAL(best_epoch, true),
                                 WHOLE(best_validation_errors, true),
                                 WHOLE(best_test_errors, true),
                                 REAL(agreement, true),
                                 REAL(bias, true), /* of either sign; NaN: unknown */
                                 WHOLE(class_samples, true),
                                 WHOLE(class_errors, true),
                                 WHOLE(parameters, false),
                                 WHOLE(macs, false),
                                 WHOLE(steps, false),
                                 WHOLE(records, false),
                                 WHOLE(bytes, false),
                                 REAL(seconds, false),
                                 REAL(samples_per_second, false),
                                 REAL(teacher_seconds, false),
                                 KL(0, 1),
                                 KL(1, 2),
                                 KL(2, 4),
                                 KL(3, 8),
                                 KL(4, 20)};
#define N_NUMBERS (sizeof numbers / sizeof *numbers)

void lyne_result_json(json_t *object, const lyne_result *r) {
    json_t *metrics = json_object();
    for (size_t i = 0; i < N_NUMBERS; i++) {
        const number *n = &numbers[i];
        const void *at = (const char *)r + n->offset;
        json_t *into = n->metric ? metrics : object;
        if (n->whole && *(const int64_t *)at >= 0)
            json_object_set_new(into, n->name, json_integer(*(const int64_t *)at));
        else if (!n->whole && (n->offset == offsetof(lyne_result, bias) ? !isnan(r->bias) : *(const double *)at >= 0))
            lyne_json_set_real(into, n->name, *(const double *)at);
    }
    json_object_set_new(object, "metrics", metrics);
}

static lyne_status read_numbers(const json_t *object, lyne_result *r, lyne_error *err) {
    json_t *metrics;
    lyne_status status = lyne_json_object(object, "metrics", &metrics, err);
    *r = lyne_result_empty();
    for (size_t i = 0; i < N_NUMBERS && status == LYNE_OK; i++) {
        const number *n = &numbers[i];
        const json_t *from = n->metric ? metrics : object;
        void *at = (char *)r + n->offset;
        if (!json_object_get(from, n->name)) continue;
        status =
            n->whole ? lyne_json_int(from, n->name, 0, INT64_MAX, at, err) : lyne_json_real(from, n->name, at, err);
    }
    return status;
}

const char *const lyne_provenance_key[LYNE_PROVENANCE] = {"date", "processor", "environment", "version"};

/* ---- the files that a job left ---- */

static bool is_product(const char *name) {
    return strcmp(name, "model.safetensors") == 0 || lyne_labels_owns(name);
}

static bool is_large(const char *name, uint64_t bytes) {
    return bytes > HASHED && strncmp(name, "labels-", 7) == 0;
}

static lyne_status describe(const char *directory, const char *name, uint64_t *bytes, lyne_digest *digest,
                            lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_status status = lyne_path(path, directory, name, err);
    if (status == LYNE_OK) status = lyne_file_size(path, bytes, err);
    *digest = (lyne_digest){0};
    if (status != LYNE_OK || is_large(name, *bytes)) return status;
    return lyne_file_digest(path, digest, NULL, err);
}

/* A large shard's digest is what it was as it was written, which the manifest says; zero where that says nothing. */
static lyne_digest digest_in(const json_t *manifest, const char *name) {
    size_t i;
    json_t *shard;
    lyne_digest digest = {0};
    json_array_foreach(json_object_get(manifest, "shards"), i, shard) {
        const char *of = json_string_value(json_object_get(shard, "name"));
        if (of && strcmp(of, name) == 0) lyne_json_digest(shard, "xxh128", &digest, NULL);
    }
    return digest;
}

static lyne_status list_products(const char *directory, json_t *files, lyne_error *err) {
    char path[LYNE_PATH_MAX], **name;
    json_t *manifest = NULL;
    size_t n;
    lyne_status status = lyne_directory_list(directory, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        uint64_t bytes;
        lyne_digest digest;
        if (!is_product(name[i])) continue;
        status = describe(directory, name[i], &bytes, &digest, err);
        if (status == LYNE_OK && is_large(name[i], bytes)) {
            if (!manifest) status = lyne_path(path, directory, "manifest.json", err);
            if (!manifest && status == LYNE_OK && lyne_file_exists(path))
                status = lyne_json_load(path, MANIFEST_LIMIT, &manifest, err);
            digest = digest_in(manifest, name[i]);
        }
        if (status != LYNE_OK) break;
        json_t *file = json_pack("{s:s, s:I}", "name", name[i], "bytes", (json_int_t)bytes);
        const int failed = lyne_json_set_digest(file, "xxh128", digest);
        if (json_array_append_new(files, file) || failed) status = lyne_fail_memory(err, "a result");
    }
    json_decref(manifest);
    lyne_names_free(name, n);
    return status;
}

/* A file is as it was left; LYNE_EDATA if not. */
static lyne_status still_there(const char *directory, const json_t *file, lyne_error *err) {
    const char *name;
    int64_t bytes = 0;
    uint64_t bytes_now = 0;
    lyne_digest digest = {0}, digest_now;
    lyne_status status = lyne_json_text(file, "name", &name, err);
    if (status == LYNE_OK) status = lyne_json_int(file, "bytes", 0, INT64_MAX, &bytes, err);
    if (status == LYNE_OK) status = lyne_json_digest(file, "xxh128", &digest, err);
    if (status == LYNE_OK && (!is_product(name) || strchr(name, '/')))
        status = lyne_fail(err, LYNE_EDATA, "%s: is not a file that a stage makes", name);
    if (status == LYNE_OK) status = describe(directory, name, &bytes_now, &digest_now, err);
    if (status == LYNE_OK &&
        (bytes_now != (uint64_t)bytes || (!is_large(name, bytes_now) && !lyne_digest_equal(digest, digest_now))))
        status = lyne_fail(err, LYNE_EDATA, "%s/%s: has changed", directory, name);
    return status;
}

/* All of them, each once and by name, as list_products has them: or one may be read as often as it stands there.  The
 * `broken`-th is the first that is not as it was left. */
static lyne_status all_there(const char *directory, const json_t *files, size_t *broken, lyne_error *err) {
    const char *last = "", *name;
    for (*broken = 0; *broken < json_array_size(files); ++*broken) {
        const json_t *file = json_array_get(files, *broken);
        lyne_status status = lyne_json_text(file, "name", &name, err);
        if (status == LYNE_OK && strcmp(last, name) >= 0)
            status = lyne_fail(err, LYNE_EDATA, "%s: stands behind %s", name, last);
        if (status == LYNE_OK) status = still_there(directory, file, err);
        if (status != LYNE_OK) return status;
        last = name;
    }
    return LYNE_OK;
}

/* Of what other jobs read: a manifest says no more of the shards than how far off they are. */
static lyne_digest digest_of_all(const json_t *files) {
    lyne_hash h;
    lyne_hash_init(&h);
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        const char *name = json_string_value(json_object_get(file, "name"));
        if (strcmp(name, "manifest.json") == 0) continue;
        lyne_hash_text(&h, name);
        lyne_hash_u64(&h, (uint64_t)json_integer_value(json_object_get(file, "bytes")));
        lyne_hash_text(&h, json_string_value(json_object_get(file, "xxh128")));
    }
    return lyne_hash_finish(&h);
}

/* ---- result.json ---- */

/* Of all that it says came out, as it would be written again: the inputs have their fingerprint. */
static lyne_status digest_of_outcome(const json_t *root, lyne_digest *out, lyne_error *err) {
    json_t *rest = json_copy((json_t *)root);
    json_object_del(rest, "xxh128");
    json_object_del(rest, "fingerprint");
    json_object_del(rest, "inputs");
    char *text = lyne_json_dump(rest, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(rest);
    if (!text) return lyne_fail_memory(err, "a result");
    *out = lyne_digest_of(text, strlen(text));
    lyne_free(text);
    return LYNE_OK;
}

lyne_status lyne_result_file_seal(json_t *root, lyne_error *err) {
    lyne_digest digest;
    const lyne_status status = digest_of_outcome(root, &digest, err);
    if (status != LYNE_OK) return status;
    return lyne_json_set_digest(root, "xxh128", digest) ? lyne_fail_memory(err, "a result") : LYNE_OK;
}

/* One that says what it said when it was written. */
static lyne_status open_result(const char *path, json_t **root, lyne_error *err) {
    int64_t format;
    lyne_digest sealed = {0}, now = {0};
    lyne_status status = lyne_json_load(path, LIMIT, root, err);
    if (status == LYNE_OK) status = lyne_json_int(*root, "lyne_result", FORMAT, FORMAT, &format, err);
    if (status == LYNE_OK) status = lyne_json_digest(*root, "xxh128", &sealed, err);
    if (status == LYNE_OK) status = digest_of_outcome(*root, &now, err);
    if (status == LYNE_OK && !lyne_digest_equal(sealed, now))
        status = lyne_fail(err, LYNE_EDATA, "%s: has changed since it was written", path);
    return status;
}

lyne_status lyne_result_file_save(const char *directory, const lyne_inputs *inputs, const lyne_result *r,
                                  const char *environment, lyne_digest *made, lyne_error *err) {
    char path[LYNE_PATH_MAX], date[LYNE_DATE_TEXT], cpu[LYNE_CPU_NAME];
    lyne_date(date);
    lyne_cpu_name(cpu);
    json_t *root = json_pack("{s:i, s:[], s:o, s:s, s:s, s:s, s:s}", "lyne_result", FORMAT, "files", "inputs",
                             lyne_inputs_json(inputs), "date", date, "processor", cpu, "environment", environment,
                             "version", LYNE_VERSION);
    lyne_status status = lyne_path(path, directory, "result.json", err);
    if (!root || lyne_json_set_digest(root, "fingerprint", lyne_inputs_fingerprint(inputs)))
        status = lyne_fail_memory(err, "a result");
    if (status == LYNE_OK) {
        lyne_result_json(root, r);
        status = list_products(directory, json_object_get(root, "files"), err);
    }
    if (status == LYNE_OK) {
        *made = digest_of_all(json_object_get(root, "files"));
        status = lyne_result_file_seal(root, err);
    }
    if (status == LYNE_OK) status = lyne_json_save(path, root, err);
    json_decref(root);
    return status;
}

/* LYNE_EDATA: it does not stand. */
static lyne_status load(const char *path, const char *directory, lyne_digest fingerprint, lyne_result *r,
                        lyne_digest *made, lyne_error *err) {
    json_t *root = NULL, *files = NULL;
    lyne_digest found;
    size_t broken;
    lyne_status status = open_result(path, &root, err);
    if (status == LYNE_OK) status = lyne_json_digest(root, "fingerprint", &found, err);
    if (status == LYNE_OK && !lyne_digest_equal(found, fingerprint))
        status = lyne_fail(err, LYNE_EDATA, "%s: is of another fingerprint", path);
    if (status == LYNE_OK) status = read_numbers(root, r, err);
    if (status == LYNE_OK) status = lyne_json_array(root, "files", &files, err);
    if (status == LYNE_OK) status = all_there(directory, files, &broken, err);
    if (status == LYNE_OK) *made = digest_of_all(files);
    json_decref(root);
    return status;
}

lyne_status lyne_result_file_load(const char *directory, lyne_digest fingerprint, bool *stands, lyne_result *r,
                                  lyne_digest *made, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_error why = {0};
    *stands = false;
    lyne_status status = lyne_path(path, directory, "result.json", err);
    if (status != LYNE_OK || !lyne_file_exists(path)) return status;
    status = load(path, directory, fingerprint, r, made, &why);
    *stands = status == LYNE_OK;
    if (status == LYNE_OK || !lyne_may_be_good(&why)) return LYNE_OK;
    return lyne_fail(err, status, "%s; whether it is as it was left cannot be told. Remove it to have it made again",
                     why.text);
}

lyne_status lyne_result_file_provenance(const char *directory, lyne_arena *arena, lyne_provenance *out,
                                        lyne_error *err) {
    char path[LYNE_PATH_MAX];
    json_t *root = NULL;
    lyne_error why = {0};
    *out = (lyne_provenance){0};
    lyne_status status = lyne_path(path, directory, "result.json", &why);
    if (status == LYNE_OK) status = open_result(path, &root, &why);
    for (size_t i = 0; i < LYNE_PROVENANCE && status == LYNE_OK; i++) {
        const char *text = json_string_value(json_object_get(root, lyne_provenance_key[i]));
        out->text[i] = text ? lyne_arena_printf(arena, "%s", text) : NULL;
        if (text && !out->text[i]) status = lyne_fail_memory(&why, "a result");
    }
    json_decref(root);
    return status != LYNE_OK && lyne_may_be_good(&why) ? lyne_fail(err, status, "%s", why.text) : LYNE_OK;
}

static bool is_old_product(const void *self, const char *name) {
    (void)self;
    return is_product(name);
}

lyne_status lyne_result_file_copy(const char *from, const char *to, lyne_error *err) {
    char source[LYNE_PATH_MAX], copy[LYNE_PATH_MAX], **name;
    size_t n;
    lyne_status status = lyne_directory_weed(to, is_old_product, NULL, err);
    if (status == LYNE_OK) status = lyne_directory_list(from, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i <= n && status == LYNE_OK; i++) {
        const char *file = i < n ? name[i] : "result.json"; /* last, as it says that the others are there */
        if (i < n && !is_product(file) && strcmp(file, "metrics.jsonl") != 0) continue;
        status = lyne_path(source, from, file, err);
        if (status == LYNE_OK) status = lyne_path(copy, to, file, err);
        if (status == LYNE_OK) status = lyne_file_copy(source, copy, err);
    }
    lyne_names_free(name, n);
    return status;
}

static const char *missing_file(const char *directory, const json_t *files, lyne_arena *arena) {
    size_t i;
    if (all_there(directory, files, &i, NULL) == LYNE_OK) return "result.json is damaged";
    const char *name = json_string_value(json_object_get(json_array_get(files, i), "name"));
    return lyne_arena_printf(arena, "%s is missing or changed", name ? name : "a file");
}

const char *lyne_result_file_why(const char *directory, const lyne_inputs *inputs) {
    char path[LYNE_PATH_MAX];
    json_t *root = NULL;
    lyne_digest found;
    const char *why;
    if (lyne_path(path, directory, "result.json", NULL) != LYNE_OK || !lyne_file_exists(path)) return "not done yet";
    if (open_result(path, &root, NULL) != LYNE_OK || lyne_json_digest(root, "fingerprint", &found, NULL) != LYNE_OK)
        why = "result.json is damaged";
    else if (lyne_digest_equal(found, lyne_inputs_fingerprint(inputs)))
        why = missing_file(directory, json_object_get(root, "files"), inputs->arena);
    else
        why = lyne_inputs_differ(inputs, json_object_get(root, "inputs"));
    json_decref(root);
    return why;
}
