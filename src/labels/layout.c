/* labels/layout.c -- a plan, checked, and what follows from it. */
#include "base/text.h"
#include "component/config.h"
#include "labels/parts.h"

#include <string.h>

enum { MEMORY = 1 << 26 }; /* bytes of records that wait for the end of their shard, unless the plan says otherwise */

const lyne_identity_part lyne_identity_parts[LYNE_N_IDENTITY_PARTS] = {
    {"teacher", "another teacher", offsetof(lyne_labels_identity, teacher)},
    {"data", "other data", offsetof(lyne_labels_identity, data)},
    {"preprocessing", "another preprocessing", offsetof(lyne_labels_identity, preprocessing)},
    {"views", "other views", offsetof(lyne_labels_identity, views)},
    {"classes", "other classes", offsetof(lyne_labels_identity, classes)},
};

lyne_digest *lyne_identity_digest(lyne_labels_identity *identity, const lyne_identity_part *part) {
    return (lyne_digest *)(void *)((unsigned char *)identity + part->offset);
}

static lyne_digest fingerprint(const lyne_labels_plan *plan) {
    lyne_labels_identity identity = plan->identity;
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_hash_u64(&h, LYNE_LABELS_VERSION);
    lyne_hash_u64(&h, plan->samples);
    lyne_hash_u64(&h, plan->views);
    lyne_hash_u64(&h, (uint64_t)plan->classes);
    lyne_instance_hash(&h, &plan->encoding);
    lyne_hash_u64(&h, plan->records_per_shard);
    if (plan->features) lyne_hash_u64(&h, (uint64_t)plan->features);
    for (int i = 0; i < LYNE_N_IDENTITY_PARTS; i++)
        lyne_hash_digest(&h, *lyne_identity_digest(&identity, &lyne_identity_parts[i]));
    return lyne_hash_finish(&h);
}

lyne_status lyne_layout_init(lyne_layout *l, const lyne_labels_plan *plan, lyne_error *err) {
    *l = (lyne_layout){.plan = *plan};
    size_t ignored;
    if (plan->samples == 0 || plan->views == 0 || plan->classes < 1 || plan->records_per_shard == 0)
        return lyne_fail(err, LYNE_EDATA,
                         "%s: samples, views, classes and records_per_shard of soft labels must be at least 1",
                         plan->directory);
    if (lyne_record_init(&l->record, &plan->encoding, plan->classes, plan->features, err) != LYNE_OK)
        return lyne_error_context(err, "%s", plan->directory);
    if (!lyne_size_mul(plan->samples, plan->views, &l->n_records) || l->n_records > INT64_MAX ||
        !lyne_size_mul(l->n_records, l->record.bytes, &ignored) || !lyne_size_mul(l->n_records, 64, &ignored))
        return lyne_fail(err, LYNE_EDATA, "%s: %llu samples of %lu views and %lld classes are more than can be stored",
                         plan->directory, (unsigned long long)plan->samples, (unsigned long)plan->views,
                         (long long)plan->classes);
    if (plan->classes > LYNE_MOST_CLASSES)
        return lyne_fail(err, LYNE_EDATA, "%s: soft labels of %lld classes; at most %d are allowed", plan->directory,
                         (long long)plan->classes, LYNE_MOST_CLASSES);
    l->n_shards = (l->n_records - 1) / plan->records_per_shard + 1;
    if (l->n_shards > LYNE_MAX_SHARDS)
        return lyne_fail(err, LYNE_EDATA,
                         "%s: %llu records in shards of %llu would be %llu files; raise records_per_shard",
                         plan->directory, (unsigned long long)l->n_records, (unsigned long long)plan->records_per_shard,
                         (unsigned long long)l->n_shards);
    l->fingerprint = fingerprint(plan);
    return lyne_layout_part(l, plan->part, plan->n_parts, err);
}

lyne_status lyne_layout_part(lyne_layout *l, uint32_t part, uint32_t n_parts, lyne_error *err) {
    l->plan.part = part;
    l->plan.n_parts = n_parts;
    l->first_shard = 0;
    l->end_shard = l->n_shards;
    if (n_parts == 0) return LYNE_OK;
    if (part < 1 || part > n_parts)
        return lyne_fail(err, LYNE_EUSAGE, "%s: there is no part %lu of %lu", l->plan.directory, (unsigned long)part,
                         (unsigned long)n_parts);
    if (n_parts > l->n_shards)
        return lyne_fail(
            err, LYNE_EUSAGE,
            "%s: %lu parts of %llu shards: some would have nothing to write; lower records_per_shard (%llu) "
            "or take fewer parts",
            l->plan.directory, (unsigned long)n_parts, (unsigned long long)l->n_shards,
            (unsigned long long)l->plan.records_per_shard);
    l->first_shard = l->n_shards * (part - 1) / n_parts; /* at most LYNE_MAX_SHARDS of each */
    l->end_shard = l->n_shards * part / n_parts;
    return LYNE_OK;
}

uint64_t lyne_layout_records(const lyne_layout *l, uint64_t shard) {
    uint64_t left = l->n_records - shard * l->plan.records_per_shard;
    return left < l->plan.records_per_shard ? left : l->plan.records_per_shard;
}

/* The header of a shard: names, shapes, digest; and the tally of its errors, whose bins grow in number with the records
 * up to about 180 for each temperature, each of some 9 bytes. */
static uint64_t header_bytes(uint64_t n) {
    return 2200 + (n < 180 ? n : 180) * 9 * LYNE_LABELS_TEMPERATURES;
}

uint64_t lyne_layout_waiting(const lyne_layout *l) {
    const uint64_t one = l->record.bytes + LYNE_RECORD_ID, room = (l->plan.memory ? l->plan.memory : MEMORY) / one;
    const uint64_t all = lyne_layout_records(l, 0);
    return room > all ? all : room ? room : 1;
}

lyne_status lyne_labels_plan_bytes(const lyne_labels_plan *plan, uint64_t *disk, uint64_t *memory, lyne_error *err) {
    lyne_layout l;
    lyne_status status = lyne_layout_init(&l, plan, err);
    if (status != LYNE_OK) return status;
    const uint64_t one = l.record.bytes + LYNE_RECORD_ID;
    *disk = l.n_records * one + l.n_shards * header_bytes(lyne_layout_records(&l, 0));
    *memory = lyne_layout_waiting(&l) * one;
    return LYNE_OK;
}

char *lyne_layout_path(const lyne_layout *l, const char *name) {
    lyne_text path = {0};
    lyne_text_add(&path, "%s/%s", l->plan.directory, name);
    char *copy = path.failed ? NULL : lyne_strdup(path.data);
    lyne_text_free(&path);
    return copy;
}
