/* labels/ask.c -- see ask.h. */
#include "labels/ask.h"
#include "labels/parts.h"

#include <math.h>
#include <string.h>

lyne_status lyne_asking_init(lyne_asking *a, const lyne_labels *labels, lyne_error *err) {
    const lyne_record *r = &lyne_labels_layout(labels)->record;
    *a = (lyne_asking){.labels = labels,
                       .stored = lyne_alloc((size_t)r->classes, sizeof *a->stored),
                       .scratch = lyne_alloc((size_t)r->classes, sizeof *a->scratch),
                       .bytes = lyne_alloc(r->bytes, 1)};
    a->said.bound = 1e-3 + 1.25 * lyne_labels_error_of(labels).max[0];
    if (a->stored && a->scratch && a->bytes) return LYNE_OK;
    lyne_asking_deinit(a);
    return lyne_fail_memory(err, "soft labels");
}

void lyne_asking_deinit(lyne_asking *a) {
    if (!a) return;
    lyne_free(a->stored);
    lyne_free(a->scratch);
    lyne_free(a->bytes);
    *a = (lyne_asking){0};
}

bool lyne_asking_features(const lyne_asking *a) {
    return lyne_labels_features(a->labels) > 0;
}

lyne_status lyne_asking_fits(const lyne_asking *a, const lyne_labels_plan *plan, lyne_error *err) {
    const lyne_labels_plan *has = &lyne_labels_layout(a->labels)->plan;
    if (has->samples == plan->samples && has->views == plan->views && has->classes == plan->classes &&
        has->features == plan->features)
        return LYNE_OK;
    return lyne_fail(err, LYNE_EDATA,
                     "%s: these soft labels are of %llu samples, %lu views, %lld classes and %lld features, and the "
                     "teacher is asked about %llu, %lu, %lld and %lld",
                     has->directory, (unsigned long long)has->samples, (unsigned long)has->views,
                     (long long)has->classes, (long long)has->features, (unsigned long long)plan->samples,
                     (unsigned long)plan->views, (long long)plan->classes, (long long)plan->features);
}

lyne_status lyne_asking_compare(lyne_asking *a, uint64_t record, const float *features, const float *logits,
                                lyne_error *err) {
    const lyne_record *r = &lyne_labels_layout(a->labels)->record;
    const uint32_t views = lyne_labels_views(a->labels), view = (uint32_t)(record % views);
    const uint64_t sample = record / views;
    const void *stored[LYNE_ENCODING_PARTS];
    void *now[LYNE_ENCODING_PARTS];
    double kl[LYNE_LABELS_TEMPERATURES];
    lyne_status status = lyne_labels_read(a->labels, &sample, &view, 1, a->stored, err);
    if (status != LYNE_OK) return status;
    lyne_labels_parts(a->labels, record, stored);
    unsigned char *at = a->bytes;
    for (int p = 0; p < r->n_parts; at += r->part[p++].bytes) now[p] = at;
    r->encoding->encode(r, record, features ? features : logits, now, a->scratch);
    bool same = true;
    for (int p = 0; p < r->n_parts; p++) same = same && memcmp(now[p], stored[p], r->part[p].bytes) == 0;
    a->said.n++;
    a->said.same += same;
    if (same) return LYNE_OK;
    lyne_divergence(1, r->classes, a->stored, logits, &kl);
    if (!(kl[0] <= a->said.max)) { /* also when it is no number */
        a->said.max = isfinite(kl[0]) ? kl[0] : (double)INFINITY;
        a->said.worst = record;
    }
    return LYNE_OK;
}

lyne_status lyne_asked_verdict(const lyne_asked *a, const lyne_labels *labels, lyne_error *err) {
    const lyne_labels_plan *plan = &lyne_labels_layout(labels)->plan;
    if (a->max <= a->bound) return LYNE_OK;
    return lyne_fail(
        err, LYNE_EDATA,
        "%s: the teacher says something else now of sample %llu, view %llu: KL %.3g, and up to %.3g would be "
        "fine; %llu of %llu records have the same bits",
        plan->directory, (unsigned long long)(a->worst / plan->views), (unsigned long long)(a->worst % plan->views),
        a->max, a->bound, (unsigned long long)a->same, (unsigned long long)a->n);
}
