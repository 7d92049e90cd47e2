/* labels/writer.c -- records into shards, shards into a cache.
 *
 * The open shard is in memory, so a shard is a file in one commit or nothing.  Whoever begins on a directory with
 * shards trusts none of them: each must be of this very plan and every record must fit its checksum. */
#include "labels/parts.h"

#include <math.h>
#include <omp.h>
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
    unsigned char *part[LYNE_ENCODING_PARTS];
    lyne_tally *tally;  /* of the open shard, and */
    lyne_tally *before; /* of those before it     */
    double *kl;         /* (BLOCK, temperatures)  */
    double *scratch;    /* (threads, 2, classes)  */
    float *decoded;     /* (threads, classes)     */
    int threads;
};

/* Records that are encoded at once, each by some thread. */
enum { BLOCK = 64 };

/* ---- beginning: what is there already ---- */

/* Size and digest of a shard on disk, as they go into the manifest. */
static void enter(lyne_shard_entry *entry, const lyne_shard *s) {
    *entry =
        (lyne_shard_entry){.bytes = s->file.map.size, .digest = lyne_digest_of(s->file.map.data, s->file.map.size)};
}

/* Whether a shard is there, of this plan and whole; its errors are then in *tally. */
static bool is_whole(const lyne_layout *l, uint64_t shard, lyne_shard_entry *entry, lyne_tally *tally,
                     lyne_error *why) {
    lyne_shard s;
    if (lyne_shard_open(&s, l, shard, why) != LYNE_OK) return false;
    bool whole = lyne_shard_tally(&s, tally, NULL) == LYNE_OK;
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
    w->tally = lyne_alloc(1, sizeof *w->tally);
    w->before = lyne_alloc(1, sizeof *w->before);
    w->kl = lyne_alloc(BLOCK * LYNE_LABELS_TEMPERATURES, sizeof *w->kl);
    w->threads = omp_get_max_threads();
    w->scratch = lyne_alloc((size_t)w->threads * (size_t)l->plan.classes, 2 * sizeof *w->scratch);
    w->decoded = lyne_alloc((size_t)w->threads * (size_t)l->plan.classes, sizeof *w->decoded);
    bool good =
        w->shards && w->sample && w->view && w->crc && w->tally && w->before && w->kl && w->scratch && w->decoded;
    for (int i = 0; i < l->record.n_parts; i++) {
        w->part[i] = lyne_alloc(n, l->record.part[i].bytes);
        good = good && w->part[i];
    }
    return good ? LYNE_OK : lyne_fail_memory(err, "a shard of soft labels");
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
        lyne_error why = {0}; /* the first that is not whole is none: it is made anew, unless memory is out */
        while (kept < w->layout.n_shards && is_whole(&w->layout, kept, &w->shards[kept], w->tally, &why)) {
            lyne_tally_add(w->before, w->tally);
            kept++;
        }
        *w->tally = (lyne_tally){0};
        w->next = kept == w->layout.n_shards ? w->layout.n_records : kept * plan->records_per_shard;
        status = why.status == LYNE_ENOSPACE ? lyne_fail(err, LYNE_ENOSPACE, "%s", why.text)
                                             : remove_others(&w->layout, kept, err);
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
    for (int i = 0; i < LYNE_ENCODING_PARTS; i++) lyne_free(w->part[i]);
    lyne_free(w->tally);
    lyne_free(w->before);
    lyne_free(w->kl);
    lyne_free(w->scratch);
    lyne_free(w->decoded);
    lyne_free(w);
}

uint64_t lyne_labels_next(const lyne_labels_writer *w) {
    return w->next;
}

/* ---- appending ---- */

/* Every logit is a number that the encoding can hold. */
static lyne_status check_logits(const lyne_labels_writer *w, const float *logits, int64_t n, lyne_error *err) {
    const lyne_labels_plan *plan = &w->layout.plan;
    const lyne_encoding *encoding = w->layout.record.encoding;
    const float largest = encoding->largest;
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
                         w->directory, c, sample, view, (double)logits[i], encoding->component.name, (double)largest);
    }
    return LYNE_OK;
}

/* Commit the open shard, which is full, and look at what is now on disk. */
static lyne_status close_shard(lyne_labels_writer *w, uint64_t shard, lyne_error *err) {
    lyne_shard s;
    lyne_text error = {0};
    lyne_tally_print(w->tally, &error);
    lyne_status status = error.failed ? lyne_fail_memory(err, "a shard of soft labels")
                                      : lyne_shard_write(&w->layout, shard, w->sample, w->view, w->crc,
                                                         (const unsigned char *const *)w->part, error.data, err);
    lyne_text_free(&error);
    if (status == LYNE_OK) status = lyne_shard_open(&s, &w->layout, shard, err);
    w->broken = status != LYNE_OK;
    if (status != LYNE_OK) return status;
    enter(&w->shards[shard], &s);
    lyne_shard_close(&s);
    lyne_tally_add(w->before, w->tally);
    *w->tally = (lyne_tally){0};
    return LYNE_OK;
}

/* One record into the open shard, and how far it is off. */
static void store(lyne_labels_writer *w, uint64_t record, const float *logits, double kl[LYNE_LABELS_TEMPERATURES]) {
    const lyne_record *r = &w->layout.record;
    const lyne_labels_plan *plan = &w->layout.plan;
    const uint64_t at = record % plan->records_per_shard;
    double *scratch = w->scratch + omp_get_thread_num() * 2 * plan->classes;
    float *decoded = w->decoded + omp_get_thread_num() * plan->classes;
    void *part[LYNE_ENCODING_PARTS];
    for (int p = 0; p < r->n_parts; p++) part[p] = w->part[p] + at * r->part[p].bytes;
    r->encoding->encode(r, record, logits, part, scratch);
    r->encoding->decode(r, (const void *const *)part, decoded);
    lyne_divergence(plan->classes, decoded, logits, scratch, kl);
    w->sample[at] = record / plan->views;
    w->view[at] = (uint32_t)(record % plan->views);
    w->crc[at] = lyne_record_crc(r, w->sample[at], w->view[at], (const void *const *)part);
}

/* At most BLOCK records of the open shard. */
static void store_block(lyne_labels_writer *w, const float *logits, int64_t n) {
    const int64_t classes = w->layout.plan.classes;
#pragma omp parallel for schedule(static) num_threads(w->threads) if (n * classes >= 4096)
    for (int64_t i = 0; i < n; i++)
        store(w, w->next + (uint64_t)i, logits + i * classes, w->kl + i * LYNE_LABELS_TEMPERATURES);
    for (int64_t i = 0; i < n; i++) lyne_tally_record(w->tally, w->kl + i * LYNE_LABELS_TEMPERATURES);
    w->next += (uint64_t)n;
}

lyne_status lyne_labels_append(lyne_labels_writer *w, const float *logits, int64_t n, lyne_error *err) {
    const lyne_layout *l = &w->layout;
    const lyne_labels_plan *plan = &l->plan;
    if (w->broken) return lyne_fail(err, LYNE_EOTHER, "%s: the writer has failed before", w->directory);
    if (n < 0 || (uint64_t)n > l->n_records - w->next)
        return lyne_fail(err, LYNE_EOTHER, "%s: %lld more records than the %llu that are still due", w->directory,
                         (long long)n, (unsigned long long)(l->n_records - w->next));
    lyne_status status = check_logits(w, logits, n, err);
    while (status == LYNE_OK && n > 0) {
        const uint64_t shard = w->next / plan->records_per_shard, at = w->next % plan->records_per_shard;
        const uint64_t room = lyne_layout_records(l, shard) - at;
        int64_t block = n < BLOCK ? n : BLOCK;
        if ((uint64_t)block > room) block = (int64_t)room;
        store_block(w, logits, block);
        logits += block * plan->classes;
        n -= block;
        if ((uint64_t)block == room) status = close_shard(w, shard, err);
    }
    return status;
}

lyne_status lyne_labels_finish(lyne_labels_writer *w, lyne_error *err) {
    if (w->broken || w->next != w->layout.n_records)
        return lyne_fail(err, LYNE_EOTHER, "%s: %llu of %llu records are there", w->directory,
                         (unsigned long long)w->next, (unsigned long long)w->layout.n_records);
    const lyne_labels_error error = lyne_tally_error(w->before);
    return lyne_manifest_save(&w->layout, w->shards, &error, err);
}
