/* labels/labels.c -- read a cache: a record is found by arithmetic and checked before it is believed. */
#include "lyne/labels.h"
#include "labels/parts.h"

struct lyne_labels {
    lyne_layout layout;
    char *directory;
    lyne_shard_entry *entries; /* what the manifest says of each shard */
    lyne_shard *shards;        /* n_shards; those not opened are zero  */
};

static lyne_status open_shards(lyne_labels *labels, lyne_error *err) {
    const lyne_layout *l = &labels->layout;
    labels->shards = lyne_alloc(l->n_shards, sizeof *labels->shards);
    if (!labels->shards) return lyne_fail_memory(err, "a soft-label cache");
    for (uint64_t i = 0; i < l->n_shards; i++) {
        lyne_shard *s = &labels->shards[i];
        lyne_status status = lyne_shard_open(s, l, i, err);
        if (status != LYNE_OK) return status;
        if (s->file.map.size != labels->entries[i].bytes)
            return lyne_fail(err, LYNE_EDATA, "%s: has %zu bytes, but the manifest says %llu", s->file.path,
                             s->file.map.size, (unsigned long long)labels->entries[i].bytes);
    }
    return LYNE_OK;
}

lyne_status lyne_labels_open(const char *directory, lyne_labels **out, lyne_error *err) {
    *out = NULL;
    lyne_labels *labels = lyne_alloc(1, sizeof *labels);
    if (!labels) return lyne_fail_memory(err, "a soft-label cache");
    labels->directory = lyne_strdup(directory);
    lyne_status status = labels->directory ? LYNE_OK : lyne_fail_memory(err, "a soft-label cache");
    if (status == LYNE_OK) status = lyne_manifest_load(labels->directory, &labels->layout, &labels->entries, err);
    if (status == LYNE_OK) status = open_shards(labels, err);
    if (status != LYNE_OK) {
        lyne_labels_close(labels);
        return status;
    }
    *out = labels;
    return LYNE_OK;
}

void lyne_labels_close(lyne_labels *labels) {
    if (!labels) return;
    for (uint64_t i = 0; labels->shards && i < labels->layout.n_shards; i++) lyne_shard_close(&labels->shards[i]);
    lyne_free(labels->shards);
    lyne_free(labels->entries);
    lyne_free(labels->directory);
    lyne_free(labels);
}

uint64_t lyne_labels_samples(const lyne_labels *labels) {
    return labels->layout.plan.samples;
}
uint32_t lyne_labels_views(const lyne_labels *labels) {
    return labels->layout.plan.views;
}
int64_t lyne_labels_classes(const lyne_labels *labels) {
    return labels->layout.plan.classes;
}
const char *lyne_labels_encoding(const lyne_labels *labels) {
    return labels->layout.plan.encoding->component.name;
}

uint64_t lyne_labels_bytes(const lyne_labels *labels) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < labels->layout.n_shards; i++) sum += labels->entries[i].bytes;
    return sum;
}

lyne_status lyne_labels_read(const lyne_labels *labels, const uint64_t *sample, const uint32_t *view, int64_t n,
                             float *logits, lyne_error *err) {
    const lyne_layout *l = &labels->layout;
    const lyne_labels_plan *plan = &l->plan;
    for (int64_t i = 0; i < n; i++) {
        if (sample[i] >= plan->samples || view[i] >= plan->views)
            return lyne_fail(err, LYNE_EDATA, "%s: sample %llu, view %lu is not among its %llu samples of %lu views",
                             labels->directory, (unsigned long long)sample[i], (unsigned long)view[i],
                             (unsigned long long)plan->samples, (unsigned long)plan->views);
        uint64_t record = sample[i] * plan->views + view[i], at = record % plan->records_per_shard;
        const lyne_shard *s = &labels->shards[record / plan->records_per_shard];
        lyne_status status = lyne_shard_check(s, l, at, err);
        if (status != LYNE_OK) return status;
        plan->encoding->decode(s->logits + at * l->stored, plan->classes, logits + i * plan->classes);
    }
    return LYNE_OK;
}

lyne_status lyne_labels_verify(const lyne_labels *labels, lyne_error *err) {
    for (uint64_t i = 0; i < labels->layout.n_shards; i++) {
        const lyne_shard *s = &labels->shards[i];
        for (uint64_t record = 0; record < s->n; record++) {
            lyne_status status = lyne_shard_check(s, &labels->layout, record, err);
            if (status != LYNE_OK) return status;
        }
        lyne_digest found = lyne_digest_of(s->file.map.data, s->file.map.size);
        if (!lyne_digest_equal(found, labels->entries[i].digest))
            return lyne_fail(err, LYNE_EDATA, "%s: is not the file that the manifest describes: its hash is another",
                             s->file.path);
    }
    return LYNE_OK;
}

lyne_status lyne_labels_match(const lyne_labels *labels, const lyne_labels_identity *wanted, lyne_error *err) {
    lyne_labels_identity has = labels->layout.plan.identity, needs = *wanted;
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
