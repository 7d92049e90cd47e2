/* labels/writer.c -- records into shards, shards into a cache.
 *
 * A shard is a file in one commit or nothing (shard_write.c).  Whoever begins on a directory with shards trusts none of
 * them: each must be of this very plan and every record must fit its checksum. */
#include "labels/parts.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

struct lyne_labels_writer {
    lyne_layout layout;
    char *directory;
    int lock;
    bool broken;    /* a shard could not be written */
    uint64_t next;  /* the record that is due       */
    uint64_t left;  /* records still to be written  */
    lyne_head head; /* of an encoding of features */
    lyne_shard_entry head_entry;
    lyne_shard_entry *shards;               /* n_shards; those that are whole are filled */
    bool *whole;                            /* n_shards                                  */
    lyne_shard_writer open;                 /* the shard of `next`                       */
    lyne_tally *tally;                      /* of it                                     */
    double (*kl)[LYNE_LABELS_TEMPERATURES]; /* (BLOCK)                      */
    double *scratch;                        /* (threads, classes)                        */
    float *decoded;                         /* (threads, LYNE_HEAD_ROWS, classes)        */
    int threads;
};

/* Records that are encoded at once, each LYNE_HEAD_ROWS of them by some thread. */
enum { BLOCK = 64 };

/* ---- beginning: what is there already ---- */

static lyne_status enter(lyne_labels_writer *w, uint64_t shard, lyne_error *err) {
    char name[LYNE_SHARD_NAME];
    lyne_shard_name(&w->layout, shard, name);
    return lyne_shard_entry_of(&w->layout, name, &w->shards[shard], err);
}

/* Whether a shard is there, of this plan and whole; an error where there is no telling. */
static lyne_status look_at(lyne_labels_writer *w, uint64_t shard, lyne_error *err) {
    lyne_shard s;
    lyne_error why = {0};
    lyne_status status = lyne_shard_open(&s, &w->layout, shard, &why);
    if (status == LYNE_OK) {
        status = lyne_shard_tally(&s, w->tally, &why);
        if (status == LYNE_OK) status = lyne_shard_check_all(&s, &w->layout, NULL, &why);
        if (status == LYNE_OK) status = enter(w, shard, &why);
        *w->tally = (lyne_tally){0};
        lyne_shard_close(&s);
    }
    w->whole[shard] = status == LYNE_OK;
    return status != LYNE_OK && lyne_may_be_good(&why) ? lyne_fail(err, status, "%s", why.text) : LYNE_OK;
}

/* Whether a file is to go: a shard that is not whole, or something behind its name.  The writer of all clears up whatever
 * belongs to a cache, the writer of a part what bears the names of its shards, and a manifest that cannot be right. */
static bool is_stale(const void *self, const char *name) {
    const lyne_labels_writer *w = self;
    const lyne_layout *l = &w->layout;
    const lyne_cache_file f = lyne_cache_file_named(name);
    const bool all = l->plan.n_parts == 0;
    switch (f.kind) {
    case LYNE_CACHE_SHARD:
        if (f.n != l->n_shards || f.at < l->first_shard || f.at >= l->end_shard) return all;
        return f.torn || !w->whole[f.at];
    case LYNE_CACHE_MANIFEST:
        return all || w->left > 0;
    case LYNE_CACHE_PART:
        return all || (w->left > 0 && f.at == l->plan.part && f.n == l->plan.n_parts);
    case LYNE_CACHE_HEAD:
        return all && (f.torn || !l->record.encoding->of_features);
    case LYNE_NO_CACHE_FILE:
        break;
    }
    return false;
}

/* Each part locks the numbers of its shards, so that whoever would write one of them too is refused. */
static lyne_status take_lock(lyne_labels_writer *w, lyne_error *err) {
    const lyne_layout *l = &w->layout;
    lyne_status status = lyne_directory_make(w->directory, err);
    char *path = lyne_layout_path(l, ".lock");
    if (!path) status = lyne_fail_memory(err, "a soft-label cache");
    if (status == LYNE_OK)
        status = l->plan.n_parts ? lyne_lock_range(path, l->first_shard, l->end_shard - l->first_shard, &w->lock, err)
                                 : lyne_lock_range(path, 0, LYNE_MAX_SHARDS, &w->lock, err);
    lyne_free(path);
    return status;
}

static lyne_status allocate(lyne_labels_writer *w, lyne_error *err) {
    const lyne_layout *l = &w->layout;
    w->shards = lyne_alloc(l->n_shards, sizeof *w->shards);
    w->whole = lyne_alloc(l->n_shards, sizeof *w->whole);
    w->tally = lyne_alloc(1, sizeof *w->tally);
    w->kl = lyne_alloc(BLOCK, sizeof *w->kl);
    w->threads = omp_get_max_threads();
    w->scratch = lyne_alloc((size_t)w->threads * (size_t)l->plan.classes, sizeof *w->scratch);
    w->decoded = lyne_alloc((size_t)w->threads * (size_t)l->plan.classes, LYNE_HEAD_ROWS * sizeof *w->decoded);
    const bool good = w->shards && w->whole && w->tally && w->kl && w->scratch && w->decoded;
    return good ? lyne_shard_writer_init(&w->open, l, err) : lyne_fail_memory(err, "a shard of soft labels");
}

/* The layer behind the features, on disk first: every part writes the same bytes. */
static lyne_status put_head(lyne_labels_writer *w, const lyne_head *head, lyne_error *err) {
    if (!w->layout.record.encoding->of_features) return LYNE_OK;
    const lyne_labels_plan *plan = &w->layout.plan;
    assert(head && head->classes == plan->classes && head->features == plan->features);
    char *path = lyne_layout_path(&w->layout, LYNE_HEAD_NAME);
    lyne_status status = path ? lyne_head_save(head, path, err) : lyne_fail_memory(err, LYNE_HEAD_NAME);
    if (status == LYNE_OK) status = lyne_head_load(&w->head, plan->classes, plan->features, path, err);
    if (status == LYNE_OK) status = lyne_shard_entry_of(&w->layout, LYNE_HEAD_NAME, &w->head_entry, err);
    w->layout.record.head = &w->head;
    lyne_free(path);
    return status;
}

/* From this shard on to one that is not whole, which is opened. */
static void open_next(lyne_labels_writer *w, uint64_t shard) {
    while (shard < w->layout.end_shard && w->whole[shard]) shard++;
    w->next = shard < w->layout.end_shard ? shard * w->layout.plan.records_per_shard : w->layout.n_records;
    if (shard < w->layout.end_shard) lyne_shard_writer_start(&w->open, shard);
}

static lyne_status look_around(lyne_labels_writer *w, lyne_error *err) {
    const lyne_layout *l = &w->layout;
    for (uint64_t k = l->first_shard; k < l->end_shard; k++) {
        if (l->plan.stopped && l->plan.stopped())
            return lyne_fail(err, LYNE_STOPPED, "%s: stopped while looking at shard %llu; the same command goes on",
                             w->directory, (unsigned long long)k);
        const lyne_status status = look_at(w, k, err);
        if (status != LYNE_OK) return status;
        if (!w->whole[k]) w->left += lyne_layout_records(l, k);
    }
    open_next(w, l->first_shard);
    return lyne_directory_weed(w->directory, is_stale, w, err);
}

lyne_status lyne_labels_begin(const lyne_labels_plan *plan, lyne_labels_writer **out, lyne_error *err) {
    *out = NULL;
    lyne_labels_writer *w = lyne_alloc(1, sizeof *w);
    if (!w) return lyne_fail_memory(err, "a soft-label cache");
    w->lock = -1;
    lyne_status status = lyne_layout_init(&w->layout, plan, err);
    w->directory = lyne_strdup(plan->directory);
    w->layout.plan.directory = w->directory;
    w->layout.plan.head = NULL;
    if (!w->directory) status = lyne_fail_memory(err, "a soft-label cache");
    if (status == LYNE_OK) status = take_lock(w, err);
    if (status == LYNE_OK) status = allocate(w, err);
    if (status == LYNE_OK) status = put_head(w, plan->head, err);
    if (status == LYNE_OK) status = look_around(w, err);
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
    lyne_head_deinit(&w->head);
    lyne_free(w->shards);
    lyne_free(w->whole);
    lyne_shard_writer_deinit(&w->open);
    lyne_free(w->tally);
    lyne_free(w->kl);
    lyne_free(w->scratch);
    lyne_free(w->decoded);
    lyne_free(w);
}

bool lyne_labels_stores_features(const lyne_labels_writer *w) {
    return w->layout.record.encoding->of_features;
}

uint64_t lyne_labels_next(const lyne_labels_writer *w) {
    return w->next;
}

uint64_t lyne_labels_due(const lyne_labels_writer *w) {
    if (w->next == w->layout.n_records) return 0;
    const uint64_t shard = w->next / w->layout.plan.records_per_shard;
    return lyne_layout_records(&w->layout, shard) - w->next % w->layout.plan.records_per_shard;
}

uint64_t lyne_labels_left(const lyne_labels_writer *w) {
    return w->left;
}

uint64_t lyne_labels_total(const lyne_labels_writer *w) {
    const lyne_layout *l = &w->layout;
    const uint64_t end = l->end_shard == l->n_shards ? l->n_records : l->end_shard * l->plan.records_per_shard;
    return end - l->first_shard * l->plan.records_per_shard;
}

/* ---- appending ---- */

/* What the teacher said, or went by, in numbers that the encoding can hold. */
static lyne_status check_numbers(const lyne_labels_writer *w, const char *what, const float *number, int64_t width,
                                 float largest, int64_t n, lyne_error *err) {
    const lyne_labels_plan *plan = &w->layout.plan;
    if (lyne_all_within(number, n * width, largest)) return LYNE_OK;
    for (int64_t i = 0; i < n * width; i++) {
        if (fabsf(number[i]) <= largest) continue;
        uint64_t record = w->next + (uint64_t)(i / width);
        unsigned long long sample = record / plan->views, view = record % plan->views, c = (uint64_t)(i % width);
        if (!isfinite(number[i]))
            return lyne_fail(err, LYNE_ENOTFINITE, "%s: the teacher's %s %llu for sample %llu, view %llu is %g",
                             w->directory, what, c, sample, view, (double)number[i]);
        return lyne_fail(err, LYNE_EDATA,
                         "%s: the teacher's %s %llu for sample %llu, view %llu is %g; %s holds up to %g: use f32",
                         w->directory, what, c, sample, view, (double)number[i],
                         w->layout.record.encoding->component.name, (double)largest);
    }
    return LYNE_OK;
}

/* Commit the open shard, which is full, and look at what is now on disk. */
static lyne_status close_shard(lyne_labels_writer *w, uint64_t shard, lyne_error *err) {
    lyne_shard s;
    lyne_text error = {0};
    lyne_tally_print(w->tally, &error);
    lyne_status status = error.failed ? lyne_fail_memory(err, "a shard of soft labels")
                                      : lyne_shard_writer_commit(&w->open, shard, error.data, &w->shards[shard], err);
    lyne_text_free(&error);
    if (status == LYNE_OK) status = lyne_shard_open(&s, &w->layout, shard, err);
    if (status != LYNE_OK) return status;
    lyne_shard_close(&s);
    *w->tally = (lyne_tally){0};
    w->whole[shard] = true;
    open_next(w, shard);
    return LYNE_OK;
}

/* A few records into the open shard, and how far they are off. */
static void store(lyne_labels_writer *w, int64_t first, int64_t n, const float *given, int64_t width,
                  const float *logits) {
    const lyne_record *r = &w->layout.record;
    const int64_t classes = w->layout.plan.classes;
    double *scratch = w->scratch + omp_get_thread_num() * classes;
    float *decoded = w->decoded + omp_get_thread_num() * LYNE_HEAD_ROWS * classes;
    void *part[LYNE_HEAD_ROWS][LYNE_ENCODING_PARTS];
    for (int64_t i = 0; i < n; i++) {
        const uint64_t record = w->next + (uint64_t)(first + i);
        lyne_shard_writer_parts(&w->open, (uint64_t)(first + i), part[i]);
        r->encoding->encode(r, record, given + (first + i) * width, part[i], scratch);
        lyne_shard_writer_seal(&w->open, (uint64_t)(first + i), record);
    }
    lyne_record_logits(r, n, (const void *const(*)[LYNE_ENCODING_PARTS])part, decoded);
    lyne_divergence(n, classes, decoded, logits + first * classes, w->kl + first);
}

/* At most BLOCK records of the open shard. */
static lyne_status store_block(lyne_labels_writer *w, const float *given, int64_t width, const float *logits, int64_t n,
                               lyne_error *err) {
#pragma omp parallel for schedule(static) num_threads(w->threads) if (n * w->layout.plan.classes >= 4096)
    for (int64_t i = 0; i < n; i += LYNE_HEAD_ROWS)
        store(w, i, n - i < LYNE_HEAD_ROWS ? n - i : LYNE_HEAD_ROWS, given, width, logits);
    for (int64_t i = 0; i < n; i++) lyne_tally_record(w->tally, w->kl[i]);
    const uint64_t shard = w->next / w->layout.plan.records_per_shard;
    const bool full = (uint64_t)n == lyne_labels_due(w);
    lyne_status status = lyne_shard_writer_add(&w->open, (uint64_t)n, err);
    w->next += (uint64_t)n;
    w->left -= (uint64_t)n;
    if (status == LYNE_OK && full) status = close_shard(w, shard, err);
    w->broken = status != LYNE_OK;
    return status;
}

/* As many as are due in a row. */
static uint64_t due_in_a_row(const lyne_labels_writer *w) {
    uint64_t n = lyne_labels_due(w), shard = w->next / w->layout.plan.records_per_shard;
    while (n && ++shard < w->layout.end_shard && !w->whole[shard]) n += lyne_layout_records(&w->layout, shard);
    return n;
}

static lyne_status append(lyne_labels_writer *w, const float *given, int64_t width, const float *logits, int64_t n,
                          lyne_error *err) {
    if (w->broken) return lyne_fail(err, LYNE_EOTHER, "%s: the writer has failed before", w->directory);
    if (n < 0 || (uint64_t)n > due_in_a_row(w))
        return lyne_fail(err, LYNE_EOTHER, "%s: %lld more records than the %llu that are still due", w->directory,
                         (long long)n, (unsigned long long)due_in_a_row(w));
    const lyne_encoding *encoding = w->layout.record.encoding;
    const int64_t classes = w->layout.plan.classes;
    lyne_status status =
        check_numbers(w, "logit", logits, classes, encoding->of_features ? FLT_MAX : encoding->largest, n, err);
    if (status == LYNE_OK && encoding->of_features)
        status = check_numbers(w, "feature", given, width, encoding->largest, n, err);
    while (status == LYNE_OK && n > 0) {
        int64_t block = n < BLOCK ? n : BLOCK;
        const uint64_t room = lyne_shard_writer_room(&w->open);
        if ((uint64_t)block > room) block = (int64_t)room;
        status = store_block(w, given, width, logits, block, err);
        given += block * width;
        logits += block * classes;
        n -= block;
    }
    return status;
}

lyne_status lyne_labels_append(lyne_labels_writer *w, const float *logits, int64_t n, lyne_error *err) {
    assert(!w->layout.record.encoding->of_features);
    return append(w, logits, w->layout.plan.classes, logits, n, err);
}

lyne_status lyne_labels_append_features(lyne_labels_writer *w, const float *features, const float *logits, int64_t n,
                                        lyne_error *err) {
    assert(w->layout.record.encoding->of_features);
    return append(w, features, w->layout.plan.features, logits, n, err);
}

lyne_status lyne_labels_finish(lyne_labels_writer *w, lyne_error *err) {
    const uint64_t total = lyne_labels_total(w);
    lyne_labels_error error;
    if (w->broken || w->left > 0)
        return lyne_fail(err, LYNE_EOTHER, "%s: %llu of %llu records are there", w->directory,
                         (unsigned long long)(total - w->left), (unsigned long long)total);
    const lyne_status status = lyne_layout_error(&w->layout, &error, err);
    return status == LYNE_OK ? lyne_manifest_save(&w->layout, w->shards, &w->head_entry, &error, err) : status;
}
