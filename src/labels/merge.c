/* labels/merge.c -- parts into a cache: the manifests of the parts say which shards there are and what each must be. */
#include "labels/parts.h"

#include <string.h>

/* Where a shard is. */
typedef struct source {
    const char *directory; /* NULL: nobody has it */
    lyne_shard_entry entry;
} source;

typedef struct merge {
    lyne_manifest first; /* of the first part that was found: the others must be of the same labels */
    char first_name[LYNE_SHARD_NAME];
    bool found;
    source *shard; /* n_shards */
    float *logits; /* scratch of a check */
} merge;

/* ---- what there is ---- */

static lyne_status take_shards(merge *m, const lyne_manifest *part, const char *name, lyne_error *err) {
    const lyne_layout *l = &part->layout;
    for (uint64_t k = l->first_shard; k < l->end_shard; k++) {
        source *s = &m->shard[k];
        if (s->directory && !lyne_digest_equal(s->entry.digest, part->shards[k].digest))
            return lyne_fail(err, LYNE_EDATA,
                             "%s/%s: its shard %llu is another than that in %s: the teacher did not answer alike",
                             l->plan.directory, name, (unsigned long long)k, s->directory);
        *s = (source){l->plan.directory, part->shards[k]};
    }
    return LYNE_OK;
}

/* The first part says what the cache is. */
static lyne_status start(merge *m, const lyne_manifest *part, const char *name, lyne_error *err) {
    const lyne_labels_plan *plan = &part->layout.plan;
    m->first = *part;
    m->found = true;
    strcpy(m->first_name, name);
    m->shard = lyne_alloc(part->layout.n_shards, sizeof *m->shard);
    m->logits = lyne_alloc((size_t)plan->classes, LYNE_HEAD_ROWS * sizeof *m->logits);
    return m->shard && m->logits ? LYNE_OK : lyne_fail_memory(err, "joining soft labels");
}

static lyne_status take_part(merge *m, const char *directory, const char *name, uint32_t part, uint32_t n_parts,
                             lyne_error *err) {
    lyne_manifest p;
    lyne_status status = lyne_manifest_load(directory, part, n_parts, &p, err);
    const bool is_first = status == LYNE_OK && !m->found;
    if (is_first) status = start(m, &p, name, err);
    if (status == LYNE_OK && (!lyne_digest_equal(p.layout.fingerprint, m->first.layout.fingerprint) ||
                              !lyne_digest_equal(p.head.digest, m->first.head.digest)))
        status = lyne_fail(err, LYNE_EDATA, "%s/%s: is a part of other soft labels than %s/%s", directory, name,
                           m->first.layout.plan.directory, m->first_name);
    if (status == LYNE_OK) status = take_shards(m, &p, name, err);
    if (!is_first) lyne_arena_free(&p.arena);
    return status;
}

static lyne_status take_directory(merge *m, const char *directory, lyne_error *err) {
    char **names;
    size_t n, parts = 0;
    bool whole = false;
    lyne_status status = lyne_directory_list(directory, &names, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; status == LYNE_OK && i < n; i++) {
        uint32_t part, n_parts;
        whole |= strcmp(names[i], "manifest.json") == 0;
        if (!lyne_manifest_named(names[i], &part, &n_parts)) continue;
        status = take_part(m, directory, names[i], part, n_parts, err);
        parts++;
    }
    lyne_names_free(names, n);
    if (status == LYNE_OK && parts == 0)
        return lyne_fail(err, LYNE_EDATA, "%s: has no finished part (part-*.json) of soft labels%s", directory,
                         whole ? "; it is a whole cache" : "");
    return status;
}

static lyne_status nothing_missing(const merge *m, lyne_error *err) {
    if (!m->found) return lyne_fail(err, LYNE_EDATA, "there are no parts to join");
    const uint64_t n = m->first.layout.n_shards;
    uint64_t first = 0, end;
    while (first < n && m->shard[first].directory) first++;
    if (first == n) return LYNE_OK;
    for (end = first; end < n && !m->shard[end].directory;) end++;
    return lyne_fail(err, LYNE_EDATA, "shards %llu to %llu of %llu are in none of these parts",
                     (unsigned long long)first, (unsigned long long)end - 1, (unsigned long long)n);
}

/* ---- joining ---- */

static lyne_status move_file(const char *from, const lyne_layout *to, const char *name, lyne_error *err) {
    lyne_layout of = *to;
    of.plan.directory = from;
    char *here = lyne_layout_path(&of, name), *there = lyne_layout_path(to, name);
    lyne_status status = LYNE_OK;
    if (!here || !there)
        status = lyne_fail_memory(err, name);
    else if (strcmp(here, there) != 0)
        status = lyne_file_copy(here, there, err);
    lyne_free(here);
    lyne_free(there);
    return status;
}

/* The file as its part describes it, every record as its checksum does, in `out`. */
static lyne_status join_shard(const merge *m, const lyne_layout *l, uint64_t k, lyne_error *err) {
    char name[LYNE_SHARD_NAME];
    lyne_shard s;
    lyne_shard_entry found;
    lyne_shard_name(l, k, name);
    lyne_status status = move_file(m->shard[k].directory, l, name, err);
    if (status == LYNE_OK) status = lyne_shard_entry_of(l, name, &found, err);
    const lyne_shard_entry *due = &m->shard[k].entry;
    if (status == LYNE_OK && (found.bytes != due->bytes || !lyne_digest_equal(found.digest, due->digest)))
        return lyne_fail(err, LYNE_EDATA, "%s/%s: is not the file that its part describes: its size or hash is another",
                         m->shard[k].directory, name);
    if (status == LYNE_OK) status = lyne_shard_open(&s, l, k, err);
    if (status != LYNE_OK) return status;
    status = lyne_shard_check_all(&s, l, m->logits, err);
    lyne_shard_close(&s);
    return status;
}

static lyne_status join_all(const merge *m, lyne_layout *l, lyne_error *err) {
    lyne_shard_entry *shards = lyne_alloc(l->n_shards, sizeof *shards);
    lyne_labels_error error;
    lyne_head head = {0};
    lyne_status status = shards ? LYNE_OK : lyne_fail_memory(err, "joining soft labels");
    if (status == LYNE_OK && l->plan.features) {
        lyne_manifest in_place = m->first;
        in_place.layout.plan.directory = l->plan.directory;
        status = move_file(m->first.layout.plan.directory, l, LYNE_HEAD_NAME, err);
        if (status == LYNE_OK) status = lyne_manifest_head(&in_place, &head, err);
        l->record.head = &head;
    }
    for (uint64_t k = 0; status == LYNE_OK && k < l->n_shards; k++) {
        shards[k] = m->shard[k].entry;
        status = join_shard(m, l, k, err);
    }
    if (status == LYNE_OK) status = lyne_layout_error(l, &error, err);
    if (status == LYNE_OK) status = lyne_manifest_save(l, shards, &m->first.head, &error, err);
    l->record.head = NULL;
    lyne_head_deinit(&head);
    lyne_free(shards);
    return status;
}

/* What stands in `out` may be these labels, when they are joined again, but no others. */
static lyne_status no_others(const merge *m, const lyne_layout *l, lyne_error *err) {
    lyne_manifest there;
    lyne_error why = {0};
    char *path = lyne_layout_path(l, "manifest.json");
    if (!path) return lyne_fail_memory(err, l->plan.directory);
    const bool stands = lyne_file_exists(path);
    lyne_free(path);
    if (!stands) return LYNE_OK;
    lyne_status status = lyne_manifest_load(l->plan.directory, 0, 0, &there, &why);
    if (status == LYNE_OK && (!lyne_digest_equal(there.layout.fingerprint, m->first.layout.fingerprint) ||
                              !lyne_digest_equal(there.head.digest, m->first.head.digest)))
        status = lyne_fail(err, LYNE_EUSAGE,
                           "%s: has other soft labels; join these in a folder of their own, or remove those first",
                           l->plan.directory);
    else if (status != LYNE_OK)
        status = lyne_may_be_good(&why) ? lyne_fail(err, status, "%s", why.text) : LYNE_OK;
    lyne_arena_free(&there.arena);
    return status;
}

/* The parts that have been joined in place say nothing more that the manifest does not. */
static bool is_part(const void *self, const char *name) {
    uint32_t ignored;
    (void)self;
    return lyne_manifest_named(name, &ignored, &ignored);
}

static lyne_status join(const merge *m, const char *out, lyne_error *err) {
    lyne_layout l = m->first.layout;
    int lock = -1;
    l.plan.directory = out;
    lyne_status status = lyne_layout_part(&l, 0, 0, err);
    if (status == LYNE_OK) status = lyne_directory_make(out, err);
    char *path = lyne_layout_path(&l, ".lock");
    if (!path) status = lyne_fail_memory(err, out);
    if (status == LYNE_OK) status = lyne_lock_range(path, 0, LYNE_MAX_SHARDS, &lock, err);
    if (status == LYNE_OK) status = no_others(m, &l, err);
    if (status == LYNE_OK) status = join_all(m, &l, err);
    if (status == LYNE_OK) status = lyne_directory_weed(l.plan.directory, is_part, NULL, err);
    lyne_unlock(lock);
    lyne_free(path);
    return status;
}

lyne_status lyne_labels_merge(const char *const *directory, size_t n, const char *out, lyne_error *err) {
    merge m = {0};
    lyne_status status = LYNE_OK;
    for (size_t i = 0; status == LYNE_OK && i < n; i++) status = take_directory(&m, directory[i], err);
    if (status == LYNE_OK) status = nothing_missing(&m, err);
    if (status == LYNE_OK) status = join(&m, out, err);
    if (m.found) lyne_arena_free(&m.first.arena);
    lyne_free(m.shard);
    lyne_free(m.logits);
    return status;
}
