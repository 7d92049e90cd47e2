/* train/checkpoint.c -- commit, find the newest whole one, load. */
#include "train/checkpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "formats/safetensors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX        "checkpoint-"
#define SUFFIX        ".safetensors"
#define FORMAT        "2" /* a number: files of greater ones are refused, not passed over */
#define KEPT          2
#define COUNTERS      7
#define SUMS          (LYNE_MAX_TERMS + 2)
#define PATH_MAX_HERE 4096

/* Tensors: counters (7) u64, sums (LYNE_MAX_TERMS + 2) f64, value, slot.NAME, best f32. */
#define MAX_TENSORS (4 + LYNE_MAX_SLOTS)

typedef struct contents {
    uint64_t counter[COUNTERS];
    double sum[SUMS];
    char slot_name[LYNE_MAX_SLOTS][48];
    lyne_array tensor[MAX_TENSORS];
    size_t n;
} contents;

static lyne_array vector(const char *name, lyne_dtype dtype, size_t n, const void *data) {
    return (lyne_array){.name = name, .dtype = dtype, .rank = 1, .dims = {(int64_t)n}, .data = data};
}

/* What a checkpoint file holds, as tensors over c and over *out itself. */
static void describe(const lyne_checkpoint *c, contents *out) {
    out->n = 0;
    out->tensor[out->n++] = vector("counters", LYNE_DTYPE_U64, COUNTERS, out->counter);
    out->tensor[out->n++] = vector("sums", LYNE_DTYPE_F64, SUMS, out->sum);
    out->tensor[out->n++] = vector("value", LYNE_DTYPE_F32, c->weights->n_values, c->weights->value);
    for (int i = 0; i < c->n_slots; i++) {
        snprintf(out->slot_name[i], sizeof out->slot_name[i], "slot.%s", c->slot_name[i]);
        out->tensor[out->n++] = vector(out->slot_name[i], LYNE_DTYPE_F32, c->weights->n_trained, c->slot[i]);
    }
    if (c->best) out->tensor[out->n++] = vector("best", LYNE_DTYPE_F32, c->weights->n_values, c->best);
}

/* Over all that a checkpoint says, so that none of it can change unseen. */
static lyne_digest digest_of(const contents *k, const char *environment) {
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_hash_text(&h, environment);
    for (size_t i = 0; i < k->n; i++)
        lyne_hash_bytes(&h, k->tensor[i].data, (size_t)k->tensor[i].dims[0] * lyne_dtype_size(k->tensor[i].dtype));
    return lyne_hash_finish(&h);
}

static lyne_status path_of(char out[PATH_MAX_HERE], const char *directory, const char *name, lyne_error *err) {
    if (snprintf(out, PATH_MAX_HERE, "%s/%s", directory, name) >= PATH_MAX_HERE)
        return lyne_fail(err, LYNE_EOTHER, "%.100s...: the path is too long", directory);
    return LYNE_OK;
}

static bool is_ours(const char *name) {
    const size_t n = strlen(name), head = strlen(PREFIX), tail = strlen(SUFFIX);
    if (n <= head + tail || strncmp(name, PREFIX, head) != 0 || strcmp(name + n - tail, SUFFIX) != 0) return false;
    return strspn(name + head, "0123456789") == n - head - tail;
}

/* What a process left that was killed while it wrote. */
static bool is_torn(const char *name) {
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0 && name[lyne_file_stem(name)];
}

/* Keep `newest` (NULL: nothing) and the one before it; names sort as the steps do.  One behind it is another stage's, or
 * damaged: the run would have gone on from it. */
static lyne_status prune(const char *directory, const char *newest, lyne_error *err) {
    char **name, path[PATH_MAX_HERE];
    size_t n, kept = 0;
    lyne_status status = lyne_directory_list(directory, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = n; i-- > 0 && status == LYNE_OK;) {
        if (!is_ours(name[i]) && !is_torn(name[i])) continue;
        if (newest && is_ours(name[i]) && strcmp(name[i], newest) <= 0 && kept++ < KEPT) continue;
        status = path_of(path, directory, name[i], err);
        if (status == LYNE_OK) status = lyne_file_remove(path, err);
    }
    lyne_names_free(name, n);
    return status;
}

lyne_status lyne_checkpoint_clear(const char *directory, lyne_error *err) {
    return prune(directory, NULL, err);
}

lyne_status lyne_checkpoint_save(const lyne_checkpoint *c, const lyne_standing *at, lyne_error *err) {
    contents k = {.counter = {at->step, at->metrics_bytes, at->seen, at->correct, at->best_step, at->best_errors,
                              at->last_errors}};
    memcpy(k.sum, at->sum, sizeof at->sum);
    k.sum[LYNE_MAX_TERMS] = at->seconds;
    k.sum[LYNE_MAX_TERMS + 1] = at->teacher_seconds;
    describe(c, &k);
    char name[64], path[PATH_MAX_HERE], fingerprint[LYNE_DIGEST_TEXT], digest[LYNE_DIGEST_TEXT];
    snprintf(name, sizeof name, PREFIX "%012llu" SUFFIX, (unsigned long long)at->step);
    lyne_digest_print(c->fingerprint, fingerprint);
    lyne_digest_print(digest_of(&k, c->environment), digest);
    const lyne_pair metadata[] = {{"lyne.checkpoint", FORMAT},
                                  {"lyne.digest", digest},
                                  {"lyne.environment", c->environment},
                                  {"lyne.fingerprint", fingerprint}};
    lyne_status status = path_of(path, c->directory, name, err);
    if (status == LYNE_OK) status = lyne_safetensors_write(path, k.tensor, k.n, metadata, 4, err);
    return status == LYNE_OK ? prune(c->directory, name, err) : status;
}

/* ---- loading ---- */

static bool metadata_is(const lyne_safetensors *s, const char *key, const char *value) {
    const char *found = lyne_safetensors_metadata(s, key);
    return found && strcmp(found, value) == 0;
}

/* Whether it belongs to this stage at all. */
static bool same_stage(const lyne_checkpoint *c, const lyne_safetensors *s) {
    char fingerprint[LYNE_DIGEST_TEXT];
    lyne_digest_print(c->fingerprint, fingerprint);
    return metadata_is(s, "lyne.fingerprint", fingerprint);
}

/* All of it there and as it was written; k's tensors then lie in the file. */
static lyne_status find_contents(const lyne_checkpoint *c, const lyne_safetensors *s, contents *k, lyne_error *err) {
    char digest[LYNE_DIGEST_TEXT];
    describe(c, k);
    for (size_t i = 0; i < k->n; i++) {
        lyne_array *t = &k->tensor[i];
        lyne_status status = lyne_safetensors_get(s, t->name, t->dtype, 1, t->dims, &t->data, err);
        if (status != LYNE_OK) return status;
    }
    lyne_digest_print(digest_of(k, lyne_safetensors_metadata(s, "lyne.environment")), digest);
    if (!metadata_is(s, "lyne.digest", digest))
        return lyne_fail(err, LYNE_EDATA, "%s: is damaged: its digest is not that of its contents", s->path);
    return LYNE_OK;
}

/* Of no format of ours: one of a newer Lyne is not to be lost to an older one, but one with our contents, to the digest,
 * is ours with a flipped bit in its number. */
static lyne_status refuse(const lyne_safetensors *s, bool whole, lyne_error *err) {
    const char *version = lyne_safetensors_metadata(s, "lyne.checkpoint");
    const size_t n = version ? strlen(version) : 0;
    const bool newer =
        n > 0 && strspn(version, "0123456789") == n && strtoull(version, NULL, 10) > strtoull(FORMAT, NULL, 10);
    if (whole || !newer)
        return lyne_fail(err, LYNE_EDATA, "%s: is a checkpoint of another format version than " FORMAT, s->path);
    return lyne_fail(err, LYNE_EENVIRONMENT,
                     "%s: is a checkpoint of format version %.20s, of a newer Lyne, and this one reads version " FORMAT
                     ". Go on with that one, or remove the file to begin anew",
                     s->path, version);
}

static lyne_status find(const lyne_checkpoint *c, const lyne_safetensors *s, contents *k, lyne_error *err) {
    if (metadata_is(s, "lyne.checkpoint", FORMAT)) return find_contents(c, s, k, err);
    return refuse(s, find_contents(c, s, k, NULL) == LYNE_OK, err);
}

static lyne_status check_environment(const lyne_checkpoint *c, const lyne_safetensors *s, lyne_error *err) {
    if (metadata_is(s, "lyne.environment", c->environment)) return LYNE_OK;
    return lyne_fail(err, LYNE_EENVIRONMENT,
                     "%s was made with %s; here it is %s, which gives other bits. Go on there, or go on here all the "
                     "same with --any-environment",
                     s->path, lyne_safetensors_metadata(s, "lyne.environment"), c->environment);
}

/* Out of the file, as describe() has ordered it. */
static void take(const lyne_checkpoint *c, const contents *found, lyne_standing *at) {
    contents k;
    memcpy(k.counter, found->tensor[0].data, sizeof k.counter);
    memcpy(k.sum, found->tensor[1].data, sizeof k.sum);
    memcpy(c->weights->value, found->tensor[2].data, c->weights->n_values * sizeof(float));
    for (int i = 0; i < c->n_slots; i++)
        memcpy(c->slot[i], found->tensor[3 + i].data, c->weights->n_trained * sizeof(float));
    if (c->best) memcpy(c->best, found->tensor[3 + c->n_slots].data, c->weights->n_values * sizeof(float));
    c->weights->version++;
    *at = (lyne_standing){.step = k.counter[0],
                          .metrics_bytes = k.counter[1],
                          .seen = k.counter[2],
                          .correct = k.counter[3],
                          .best_step = k.counter[4],
                          .best_errors = k.counter[5],
                          .last_errors = k.counter[6],
                          .seconds = k.sum[LYNE_MAX_TERMS],
                          .teacher_seconds = k.sum[LYNE_MAX_TERMS + 1]};
    memcpy(at->sum, k.sum, sizeof at->sum);
}

/* LYNE_OK with at->step 0: not usable, try an older one. */
static lyne_status load_one(const lyne_checkpoint *c, const char *path, bool any_environment, lyne_standing *at,
                            lyne_error *err) {
    lyne_error why = {0};
    lyne_safetensors s;
    contents k = {0};
    lyne_status status = lyne_safetensors_open(&s, path, &why);
    const bool ours = status == LYNE_OK && same_stage(c, &s);
    if (ours) status = find(c, &s, &k, &why);
    if (status == LYNE_EDATA && !lyne_may_be_good(&why)) {
        lyne_warn("passing over a checkpoint: %s", why.text);
        status = LYNE_OK;
    } else if (status != LYNE_OK) {
        lyne_fail(err, status, "%s", why.text);
    } else if (ours) {
        status = any_environment ? LYNE_OK : check_environment(c, &s, err);
        if (status == LYNE_OK) take(c, &k, at);
    }
    lyne_safetensors_close(&s);
    return status;
}

lyne_status lyne_checkpoint_load(const lyne_checkpoint *c, bool any_environment, lyne_standing *at, lyne_error *err) {
    char **name, path[PATH_MAX_HERE];
    size_t n;
    *at = (lyne_standing){0};
    lyne_status status = lyne_directory_list(c->directory, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = n; i-- > 0 && status == LYNE_OK && at->step == 0;) {
        if (!is_ours(name[i])) continue;
        status = path_of(path, c->directory, name[i], err);
        if (status == LYNE_OK) status = load_one(c, path, any_environment, at, err);
    }
    lyne_names_free(name, n);
    return status;
}
