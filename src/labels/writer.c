/* labels/writer.c -- records into shards, shards into a cache.
 *
 * The open shard is in memory, so a shard is a file in one commit or nothing.  Whoever begins on a directory with shards
 * trusts none of them: each must be of this very plan and every record must fit its checksum. */
#include "labels/parts.h"

#include <math.h>
#include <string.h>

struct lyne_labels_writer {
    lyne_layout layout;
    char *directory;
    int lock;
    bool broken;              /* a shard could not be written */
    uint64_t next;            /* the record that is due       */
    lyne_shard_entry *shards; /* n_shards; those before the open one are filled */
    uint64_t *sample;         /* the open shard, records_per_shard of each */
    uint32_t *view, *crc;
    unsigned char *logits;
};

/* ---- beginning: what is there already ---- */

/* Size and digest of a shard on disk, as they go into the manifest. */
static void enter(lyne_shard_entry *entry, const lyne_shard *s) {
    *entry =
        (lyne_shard_entry){.bytes = s->file.map.size, .digest = lyne_digest_of(s->file.map.data, s->file.map.size)};
}

/* Whether a shard is there, of this plan and whole. */
static bool is_whole(const lyne_layout *l, uint64_t shard, lyne_shard_entry *entry) {
    lyne_shard s;
    if (lyne_shard_open(&s, l, shard, NULL) != LYNE_OK) return false;
    bool whole = true;
    for (uint64_t i = 0; whole && i < s.n; i++) whole = lyne_shard_check(&s, l, i, NULL) == LYNE_OK;
    enter(entry, &s);
    lyne_shard_close(&s);
    return whole;
}

/* Remove what belongs to a cache (its name says so), but for the first `kept` shards. */
static lyne_status remove_others(const lyne_layout *l, uint64_t kept, lyne_error *err) {
    char **names;
    size_t n;
    lyne_status status = lyne_directory_list(l->plan.directory, &names, &n, err);
    if (status != LYNE_OK) return status;
    uint64_t shard = 0; /* names are sorted, and so are those of the shards */
    for (size_t i = 0; status == LYNE_OK && i < n; i++) {
        char due[LYNE_SHARD_NAME];
        lyne_shard_name(l, shard, due);
        if (shard < kept && strcmp(names[i], due) == 0) {
            shard++;
        } else if (strncmp(names[i], "labels-", 7) == 0 || strncmp(names[i], "manifest.json", 13) == 0) {
            char *path = lyne_layout_path(l, names[i]);
            status = path ? lyne_file_remove(path, err) : lyne_fail_memory(err, "a soft-label cache");
            lyne_free(path);
        }
    }
    lyne_names_free(names, n);
    return status;
}

static lyne_status take_lock(lyne_labels_writer *w, lyne_error *err) {
    lyne_status status = lyne_directory_make(w->directory, err);
    char *path = lyne_layout_path(&w->layout, ".lock");
    if (!path) status = lyne_fail_memory(err, "a soft-label cache");
    if (status == LYNE_OK) status = lyne_lock(path, &w->lock, err);
    lyne_free(path);
    return status;
}

static lyne_status allocate(lyne_labels_writer *w, lyne_error *err) {
    const lyne_layout *l = &w->layout;
    size_t n = lyne_layout_records(l, 0);
    w->shards = lyne_alloc(l->n_shards, sizeof *w->shards);
    w->sample = lyne_alloc(n, sizeof *w->sample);
    w->view = lyne_alloc(n, sizeof *w->view);
    w->crc = lyne_alloc(n, sizeof *w->crc);
    w->logits = lyne_alloc(n, l->stored);
    return w->shards && w->sample && w->view && w->crc && w->logits ? LYNE_OK
                                                                    : lyne_fail_memory(err, "a shard of soft labels");
}

lyne_status lyne_labels_begin(const lyne_labels_plan *plan, lyne_labels_writer **out, lyne_error *err) {
    *out = NULL;
    lyne_labels_writer *w = lyne_alloc(1, sizeof *w);
    if (!w) return lyne_fail_memory(err, "a soft-label cache");
    w->lock = -1;
    lyne_status status = lyne_layout_init(&w->layout, plan, err);
    w->directory = lyne_strdup(plan->directory);
    w->layout.plan.directory = w->directory;
    if (!w->directory) status = lyne_fail_memory(err, "a soft-label cache");
    if (status == LYNE_OK) status = take_lock(w, err);
    if (status == LYNE_OK) status = allocate(w, err);
    if (status == LYNE_OK) {
        uint64_t kept = 0;
        while (kept < w->layout.n_shards && is_whole(&w->layout, kept, &w->shards[kept])) kept++;
        w->next = kept == w->layout.n_shards ? w->layout.n_records : kept * plan->records_per_shard;
        status = remove_others(&w->layout, kept, err);
    }
    if (status != LYNE_OK) {
        lyne_labels_writer_free(w);
        return status;
    }
    *out = w;
    return LYNE_OK;
}

void lyne_labels_writer_free(lyne_labels_writer *w) {
    if (!w) return;
    lyne_unlock(w->lock);
    lyne_free(w->directory);
    lyne_free(w->shards);
    lyne_free(w->sample);
    lyne_free(w->view);
    lyne_free(w->crc);
    lyne_free(w->logits);
    lyne_free(w);
}

uint64_t lyne_labels_next(const lyne_labels_writer *w) {
    return w->next;
}

/* ---- appending ---- */

/* Every logit is a number that the encoding can hold. */
static lyne_status check_logits(const lyne_labels_writer *w, const float *logits, int64_t n, lyne_error *err) {
    const lyne_labels_plan *plan = &w->layout.plan;
    const float largest = plan->encoding->largest;
    for (int64_t i = 0; i < n * plan->classes; i++) {
        if (fabsf(logits[i]) <= largest) continue;
        uint64_t record = w->next + (uint64_t)(i / plan->classes);
        unsigned long long sample = record / plan->views, view = record % plan->views,
                           c = (uint64_t)(i % plan->classes);
        if (!isfinite(logits[i]))
            return lyne_fail(err, LYNE_ENOTFINITE, "%s: the teacher's logit %llu for sample %llu, view %llu is %g",
                             w->directory, c, sample, view, (double)logits[i]);
        return lyne_fail(err, LYNE_EDATA,
                         "%s: the teacher's logit %llu for sample %llu, view %llu is %g; %s holds up to %g: use f32",
                         w->directory, c, sample, view, (double)logits[i], plan->encoding->component.name,
                         (double)largest);
    }
    return LYNE_OK;
}

/* Commit the open shard, which is full, and look at what is now on disk. */
static lyne_status close_shard(lyne_labels_writer *w, uint64_t shard, lyne_error *err) {
    lyne_shard s;
    lyne_status status = lyne_shard_write(&w->layout, shard, w->sample, w->view, w->logits, w->crc, err);
    if (status == LYNE_OK) status = lyne_shard_open(&s, &w->layout, shard, err);
    w->broken = status != LYNE_OK;
    if (status != LYNE_OK) return status;
    enter(&w->shards[shard], &s);
    lyne_shard_close(&s);
    return LYNE_OK;
}

lyne_status lyne_labels_append(lyne_labels_writer *w, const float *logits, int64_t n, lyne_error *err) {
    const lyne_layout *l = &w->layout;
    const lyne_labels_plan *plan = &l->plan;
    if (w->broken) return lyne_fail(err, LYNE_EOTHER, "%s: the writer has failed before", w->directory);
    if (n < 0 || (uint64_t)n > l->n_records - w->next)
        return lyne_fail(err, LYNE_EOTHER, "%s: %lld more records than the %llu that are still due", w->directory,
                         (long long)n, (unsigned long long)(l->n_records - w->next));
    lyne_status status = check_logits(w, logits, n, err);
    for (int64_t i = 0; status == LYNE_OK && i < n; i++) {
        uint64_t record = w->next++, shard = record / plan->records_per_shard, at = record % plan->records_per_shard;
        unsigned char *stored = w->logits + at * l->stored;
        plan->encoding->encode(logits + i * plan->classes, plan->classes, stored);
        w->sample[at] = record / plan->views;
        w->view[at] = (uint32_t)(record % plan->views);
        w->crc[at] = lyne_record_crc(w->sample[at], w->view[at], stored, l->stored);
        if (at + 1 == lyne_layout_records(l, shard)) status = close_shard(w, shard, err);
    }
    return status;
}

lyne_status lyne_labels_finish(lyne_labels_writer *w, lyne_error *err) {
    if (w->broken || w->next != w->layout.n_records)
        return lyne_fail(err, LYNE_EOTHER, "%s: %llu of %llu records are there", w->directory,
                         (unsigned long long)w->next, (unsigned long long)w->layout.n_records);
    return lyne_manifest_save(&w->layout, w->shards, err);
}
