/* recipe/begun.c -- see begun.h. */
#include "recipe/begun.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/json.h"
#include "labels/writer.h"
#include <stdio.h>
#include <string.h>

enum { LIMIT = 1 << 14 /* a hundred environments */, NAME = 40 };

/* "begun.json", or of a part "begun-00003-of-00016.json". */
static bool is_begun(const void *self, const char *name) {
    (void)self;
    return strcmp(name, "begun.json") == 0 ||
           (strncmp(name, "begun-", 6) == 0 && strstr(name, "-of-") && strstr(name, ".json"));
}

static lyne_status path_of(const lyne_begun *b, char out[LYNE_PATH_MAX], lyne_error *err) {
    char name[NAME] = "begun.json";
    if (b->n_parts)
        snprintf(name, sizeof name, "begun-%05lu-of-%05lu.json", (unsigned long)b->part, (unsigned long)b->n_parts);
    return lyne_path(out, b->directory, name, err);
}

/* What a file says, if it is of this fingerprint: its environments, NULL otherwise.  One that is damaged says nothing. */
static lyne_status read_one(const char *path, lyne_digest fingerprint, json_t **environments, bool *other,
                            lyne_error *err) {
    json_t *root = NULL, *list = NULL;
    lyne_digest of;
    lyne_error why = {0};
    *environments = NULL;
    *other = false;
    if (!lyne_file_exists(path)) return LYNE_OK;
    lyne_status status = lyne_json_load(path, LIMIT, &root, &why);
    if (status == LYNE_OK) status = lyne_json_digest(root, "fingerprint", &of, &why);
    if (status == LYNE_OK) status = lyne_json_array(root, "environments", &list, &why);
    *other = status == LYNE_OK && !lyne_digest_equal(of, fingerprint);
    if (status == LYNE_OK && !*other) *environments = json_incref(list);
    json_decref(root);
    return status != LYNE_OK && lyne_may_be_good(&why) ? lyne_fail(err, status, "%s", why.text) : LYNE_OK;
}

static bool has(const json_t *list, const char *text) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        const char *of = json_string_value(item);
        if (of && strcmp(of, text) == 0) return true;
    }
    return false;
}

/* Whether anything is there that would be gone on with. */
static lyne_status stands(const lyne_begun *b, bool *out, lyne_error *err) {
    char **name;
    size_t n;
    lyne_status status = lyne_directory_list(b->directory, &name, &n, err);
    *out = false;
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n && !*out; i++)
        *out = b->asks ? strncmp(name[i], "labels-", 7) == 0 && lyne_labels_owns(name[i])
                       : strncmp(name[i], "checkpoint-", 11) == 0;
    lyne_names_free(name, n);
    return LYNE_OK;
}

static lyne_status refuse(const lyne_begun *b, const json_t *environments, lyne_error *err) {
    const char *was = json_string_value(json_array_get(environments, json_array_size(environments) - 1));
    return lyne_fail(
        err, LYNE_EENVIRONMENT,
        "%s was begun with %s; here it is %s, which gives other bits. Go on there, or go on here all the same "
        "with --any-environment",
        b->directory, was ? was : "something else", b->environment);
}

/* Whether result.json is there and of another fingerprint. */
static lyne_status is_done_otherwise(const lyne_begun *b, bool *out, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    json_t *root = NULL;
    lyne_digest of = {0};
    lyne_error why = {0};
    *out = false;
    lyne_status status = lyne_path(path, b->directory, "result.json", err);
    if (status != LYNE_OK || !lyne_file_exists(path)) return status;
    status = lyne_json_load(path, LYNE_RESULT_LIMIT, &root, &why);
    if (status == LYNE_OK) status = lyne_json_digest(root, "fingerprint", &of, &why);
    *out = status == LYNE_OK && !lyne_digest_equal(of, b->fingerprint);
    json_decref(root);
    return status != LYNE_OK && lyne_may_be_good(&why) ? lyne_fail(err, status, "%s", why.text) : LYNE_OK;
}

static lyne_status save(const lyne_begun *b, const char *path, const json_t *before, lyne_error *err) {
    json_t *list = before ? json_copy((json_t *)before) : json_array();
    if (!has(list, b->environment)) json_array_append_new(list, json_string(b->environment));
    json_t *root = json_pack("{s:o}", "environments", list);
    const int failed = lyne_json_set_digest(root, "fingerprint", b->fingerprint);
    const lyne_status status = failed ? lyne_fail_memory(err, path) : lyne_json_save(path, root, err);
    json_decref(root);
    return status;
}

lyne_status lyne_begun_enter(const lyne_begun *b, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    json_t *environments = NULL;
    bool other = false, stand = false;
    lyne_status status = path_of(b, path, err);
    if (status == LYNE_OK) status = read_one(path, b->fingerprint, &environments, &other, err);
    if (status == LYNE_OK && !environments && !other) status = is_done_otherwise(b, &other, err);
    if (status == LYNE_OK && other && b->asks && !b->n_parts) status = lyne_labels_clear(b->directory, err);
    if (status == LYNE_OK && environments) status = stands(b, &stand, err);
    const bool elsewhere = stand && !b->any_environment && !has(environments, b->environment);
    if (status == LYNE_OK && elsewhere && b->asks) status = refuse(b, environments, err);
    if (status == LYNE_OK && !elsewhere) status = save(b, path, stand ? environments : NULL, err);
    json_decref(environments);
    return status;
}

lyne_status lyne_begun_all(const lyne_begun *b, lyne_arena *arena, const char **out, lyne_error *err) {
    char path[LYNE_PATH_MAX], **name;
    size_t n, k;
    bool other;
    lyne_text text = {0};
    json_t *of, *item;
    lyne_status status = lyne_directory_list(b->directory, &name, &n, err);
    if (status != LYNE_OK) return status;
    json_t *all = json_array();
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        if (!is_begun(NULL, name[i]) || name[i][lyne_file_stem(name[i])]) continue;
        status = lyne_path(path, b->directory, name[i], err);
        if (status == LYNE_OK) status = read_one(path, b->fingerprint, &of, &other, err);
        if (status != LYNE_OK) break;
        json_array_foreach(of, k, item) {
            const char *environment = json_string_value(item);
            if (!environment || strcmp(environment, b->environment) == 0 || has(all, environment)) continue;
            json_array_append(all, item);
            lyne_text_add(&text, "%s; ", environment);
        }
        json_decref(of);
    }
    lyne_names_free(name, n);
    json_decref(all);
    lyne_text_add(&text, "%s", b->environment);
    *out = text.failed ? NULL : lyne_arena_printf(arena, "%s", text.data);
    lyne_text_free(&text);
    return status == LYNE_OK && !*out ? lyne_fail_memory(err, "a result") : status;
}

lyne_status lyne_begun_leave(const char *directory, lyne_error *err) {
    return lyne_directory_weed(directory, is_begun, NULL, err);
}
