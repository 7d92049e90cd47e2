/* labels/labels.c -- read a cache: a record is found by arithmetic and checked before it is believed. */
#include "lyne/labels.h"
#include "labels/parts.h"

#include <string.h>

struct lyne_labels {
    lyne_manifest manifest;
    lyne_head head; /* of an encoding of features */
    char *directory;
    lyne_shard *shards; /* n_shards; those not opened are zero  */
};

/* What the shards say of their errors is what the manifest says of them all. */
static lyne_status check_error(const lyne_labels *labels, lyne_error *err) {
    lyne_labels_error found;
    lyne_status status = lyne_layout_error(&labels->manifest.layout, &found, err);
    if (status == LYNE_OK && memcmp(&found, &labels->manifest.error, sizeof found) != 0)
        status =
            lyne_fail(err, LYNE_EDATA, "%s/manifest.json: \"error\" is not what the shards say", labels->directory);
    return status;
}

static lyne_status open_shards(lyne_labels *labels, lyne_error *err) {
    const lyne_layout *l = &labels->manifest.layout;
    labels->shards = lyne_alloc(l->n_shards, sizeof *labels->shards);
    if (!labels->shards) return lyne_fail_memory(err, "a soft-label cache");
    for (uint64_t i = 0; i < l->n_shards; i++) {
        lyne_shard *s = &labels->shards[i];
        lyne_status status = lyne_shard_open(s, l, i, err);
        if (status != LYNE_OK) return status;
        if (s->file.map.size != labels->manifest.shards[i].bytes)
            return lyne_fail(err, LYNE_EDATA, "%s: has %zu bytes, but the manifest says %llu", s->file.path,
                             s->file.map.size, (unsigned long long)labels->manifest.shards[i].bytes);
    }
    return LYNE_OK;
}

lyne_status lyne_labels_open(const char *directory, lyne_labels **out, lyne_error *err) {
    *out = NULL;
    lyne_labels *labels = lyne_alloc(1, sizeof *labels);
    if (!labels) return lyne_fail_memory(err, "a soft-label cache");
    labels->directory = lyne_strdup(directory);
    lyne_status status = labels->directory ? LYNE_OK : lyne_fail_memory(err, "a soft-label cache");
    if (status == LYNE_OK) status = lyne_manifest_load(labels->directory, 0, 0, &labels->manifest, err);
    lyne_record *record = &labels->manifest.layout.record;
    if (status == LYNE_OK && record->features) {
        status = lyne_manifest_head(&labels->manifest, &labels->head, err);
        record->head = &labels->head;
    }
    if (status == LYNE_OK) status = open_shards(labels, err);
    if (status == LYNE_OK) status = check_error(labels, err);
    if (status != LYNE_OK) {
        lyne_labels_close(labels);
        return status;
    }
    *out = labels;
    return LYNE_OK;
}

void lyne_labels_close(lyne_labels *labels) {
    if (!labels) return;
    for (uint64_t i = 0; labels->shards && i < labels->manifest.layout.n_shards; i++)
        lyne_shard_close(&labels->shards[i]);
    lyne_free(labels->shards);
    lyne_head_deinit(&labels->head);
    lyne_arena_free(&labels->manifest.arena);
    lyne_free(labels->directory);
    lyne_free(labels);
}

uint64_t lyne_labels_samples(const lyne_labels *labels) {
    return labels->manifest.layout.plan.samples;
}
uint32_t lyne_labels_views(const lyne_labels *labels) {
    return labels->manifest.layout.plan.views;
}
int64_t lyne_labels_classes(const lyne_labels *labels) {
    return labels->manifest.layout.plan.classes;
}
int64_t lyne_labels_features(const lyne_labels *labels) {
    return labels->manifest.layout.plan.features;
}
const char *lyne_labels_encoding(const lyne_labels *labels) {
    return labels->manifest.encoding;
}
uint64_t lyne_labels_record_bytes(const lyne_labels *labels) {
    return labels->manifest.layout.record.bytes + LYNE_RECORD_ID;
}
double lyne_labels_temperature(const lyne_labels *labels) {
    const lyne_record *r = &labels->manifest.layout.record;
    return r->encoding->temperature ? r->encoding->temperature(r->config) : 0;
}
bool lyne_labels_rest_is_class(const lyne_labels *labels) {
    const lyne_record *r = &labels->manifest.layout.record;
    return r->encoding->rest_is_class && r->encoding->rest_is_class(r);
}
lyne_labels_error lyne_labels_error_of(const lyne_labels *labels) {
    return labels->manifest.error;
}
const lyne_layout *lyne_labels_layout(const lyne_labels *labels) {
    return &labels->manifest.layout;
}

uint64_t lyne_labels_bytes(const lyne_labels *labels) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < labels->manifest.layout.n_shards; i++) sum += labels->manifest.shards[i].bytes;
    return sum;
}

/* ---- reading ---- */

/* Where a record is; it must have been found. */
static const lyne_shard *place(const lyne_labels *labels, uint64_t sample, uint32_t view, uint64_t *at) {
    const lyne_labels_plan *plan = &labels->manifest.layout.plan;
    const uint64_t record = sample * plan->views + view;
    *at = record % plan->records_per_shard;
    return &labels->shards[record / plan->records_per_shard];
}

/* How many records before its turn one is fetched from memory: they are asked for in no order. */
enum { AHEAD = 4 };

/* That there are such records and each is what it should be. */
static lyne_status check_records(const lyne_labels *labels, const uint64_t *sample, const uint32_t *view, int64_t n,
                                 lyne_error *err) {
    const lyne_layout *l = &labels->manifest.layout;
    const lyne_labels_plan *plan = &l->plan;
    lyne_status status = LYNE_OK;
    uint64_t at;
    for (int64_t i = 0; i < n; i++)
        if (sample[i] >= plan->samples || view[i] >= plan->views)
            return lyne_fail(err, LYNE_EDATA, "%s: sample %llu, view %lu is not among its %llu samples of %lu views",
                             labels->directory, (unsigned long long)sample[i], (unsigned long)view[i],
                             (unsigned long long)plan->samples, (unsigned long)plan->views);
    for (int64_t i = -AHEAD; status == LYNE_OK && i < n; i++) {
        if (i + AHEAD < n) {
            const lyne_shard *s = place(labels, sample[i + AHEAD], view[i + AHEAD], &at);
            lyne_shard_prefetch(s, l, at);
        }
        if (i < 0) continue;
        const lyne_shard *s = place(labels, sample[i], view[i], &at);
        status = lyne_shard_check(s, l, at, err);
    }
    return status;
}

/* Logits of n <= LYNE_HEAD_ROWS records; returns how many there are before one that cannot be decoded. */
static int64_t decode_some(const lyne_labels *labels, const uint64_t *sample, const uint32_t *view, int64_t n,
                           float *logits) {
    const lyne_layout *l = &labels->manifest.layout;
    const void *part[LYNE_HEAD_ROWS][LYNE_ENCODING_PARTS];
    for (int64_t i = 0; i < n; i++) {
        uint64_t at;
        const lyne_shard *s = place(labels, sample[i], view[i], &at);
        lyne_shard_parts(s, l, at, part[i]);
    }
    return lyne_record_logits(&l->record, n, (const void *const(*)[LYNE_ENCODING_PARTS])part, logits);
}

void lyne_labels_parts(const lyne_labels *labels, uint64_t record, const void *part[LYNE_ENCODING_PARTS]) {
    const lyne_layout *l = &labels->manifest.layout;
    uint64_t at;
    const lyne_shard *s = place(labels, record / l->plan.views, (uint32_t)(record % l->plan.views), &at);
    lyne_shard_parts(s, l, at, part);
}

static lyne_status refuse(const lyne_labels *labels, uint64_t sample, uint32_t view, lyne_error *err) {
    uint64_t at;
    const lyne_shard *s = place(labels, sample, view, &at);
    return lyne_shard_refuse(s, &labels->manifest.layout, at, err);
}

lyne_status lyne_labels_read(const lyne_labels *labels, const uint64_t *sample, const uint32_t *view, int64_t n,
                             float *logits, lyne_error *err) {
    const lyne_record *r = &labels->manifest.layout.record;
    int64_t bad = n; /* the first that cannot be decoded */
    const lyne_status status = check_records(labels, sample, view, n, err);
    if (status != LYNE_OK) return status;
#pragma omp parallel for schedule(static) reduction(min : bad) if (n * r->classes * r->features >= 1 << 20)
    for (int64_t i = 0; i < n; i += LYNE_HEAD_ROWS) {
        const int64_t m = n - i < LYNE_HEAD_ROWS ? n - i : LYNE_HEAD_ROWS;
        const int64_t good = decode_some(labels, sample + i, view + i, m, logits + i * r->classes);
        if (good < m && i + good < bad) bad = i + good;
    }
    return bad == n ? LYNE_OK : refuse(labels, sample[bad], view[bad], err);
}

lyne_status lyne_labels_read_features(const lyne_labels *labels, const uint64_t *sample, const uint32_t *view,
                                      int64_t n, float *features, lyne_error *err) {
    const lyne_layout *l = &labels->manifest.layout;
    const lyne_record *r = &l->record;
    if (!r->features)
        return lyne_fail(err, LYNE_EDATA, "%s: these soft labels are %s, which stores no features; `feature` does",
                         labels->directory, labels->manifest.encoding);
    lyne_status status = check_records(labels, sample, view, n, err);
    for (int64_t i = 0; status == LYNE_OK && i < n; i++) {
        const void *part[LYNE_ENCODING_PARTS];
        uint64_t at;
        const lyne_shard *s = place(labels, sample[i], view[i], &at);
        lyne_shard_parts(s, l, at, part);
        if (!r->encoding->decode(r, part, features + i * r->features)) status = lyne_shard_refuse(s, l, at, err);
    }
    return status;
}

static lyne_status verify_shard(const lyne_labels *labels, uint64_t shard, float *logits, lyne_error *err) {
    const lyne_shard *s = &labels->shards[shard];
    lyne_status status = lyne_shard_check_all(s, &labels->manifest.layout, logits, err);
    if (status != LYNE_OK) return status;
    if (lyne_digest_equal(lyne_digest_of(s->file.map.data, s->file.map.size), labels->manifest.shards[shard].digest))
        return LYNE_OK;
    return lyne_fail(err, LYNE_EDATA, "%s: is not the file that the manifest describes: its hash is another",
                     s->file.path);
}

lyne_status lyne_labels_verify(const lyne_labels *labels, lyne_error *err) {
    float *logits = lyne_alloc((size_t)lyne_labels_classes(labels), LYNE_HEAD_ROWS * sizeof *logits);
    lyne_status status = logits ? LYNE_OK : lyne_fail_memory(err, "a record");
    for (uint64_t i = 0; status == LYNE_OK && i < labels->manifest.layout.n_shards; i++)
        status = verify_shard(labels, i, logits, err);
    lyne_free(logits);
    return status;
}

lyne_status lyne_labels_match(const lyne_labels *labels, const lyne_labels_identity *wanted, lyne_error *err) {
    lyne_labels_identity has = labels->manifest.layout.plan.identity, needs = *wanted;
    for (int i = 0; i < LYNE_N_IDENTITY_PARTS; i++) {
        const lyne_identity_part *part = &lyne_identity_parts[i];
        lyne_digest a = *lyne_identity_digest(&has, part), b = *lyne_identity_digest(&needs, part);
        if (lyne_digest_equal(a, b)) continue;
        char of_cache[LYNE_DIGEST_TEXT], asked[LYNE_DIGEST_TEXT];
        lyne_digest_print(a, of_cache);
        lyne_digest_print(b, asked);
        return lyne_fail(
            err, LYNE_EDATA,
            "%s: these soft labels are for %s: %s is %s there, and %s is asked for; remove the folder to have "
            "them written anew",
            labels->directory, part->what, part->name, of_cache, asked);
    }
    return LYNE_OK;
}
