/* stages/label_write.c -- writing soft labels, whoever gives them: what `label` and `import` share. */
#include "base/log.h"
#include "stages/label.h"
#include <math.h>

static lyne_digest preprocessing_digest(const lyne_task *task) {
    const lyne_floats *list[] = {&task->mean, &task->sd};
    lyne_hash h;
    lyne_hash_init(&h);
    for (int k = 0; k < 2; k++) {
        lyne_hash_u64(&h, list[k]->n);
        for (size_t i = 0; i < list[k]->n; i++) lyne_hash_double(&h, list[k]->item[i]);
    }
    return lyne_hash_finish(&h);
}

lyne_status label_identity(const lyne_job *job, uint64_t view_seed, uint32_t views, lyne_instances augment,
                           lyne_labels_identity *out, lyne_error *err) {
    lyne_loader loader;
    lyne_status status = lyne_loader_init(&loader, job->train, 0, view_seed, views, augment, err);
    if (status != LYNE_OK) return status;
    loader.partners = job->rest;
    *out = (lyne_labels_identity){.data = job->train->digest,
                                  .preprocessing = preprocessing_digest(job->task),
                                  .views = lyne_loader_views_digest(&loader),
                                  .classes = job->classes};
    lyne_loader_deinit(&loader);
    return LYNE_OK;
}

lyne_labels_plan label_plan(const lyne_job *job, uint32_t views, lyne_instance encoding, int64_t records_per_shard) {
    return (lyne_labels_plan){.directory = job->directory,
                              .samples = (uint64_t)(job->train->n * lyne_sequence_rows(&job->train->sequence)),
                              .views = views,
                              .classes = job->task->n_classes,
                              .encoding = encoding,
                              .records_per_shard = (uint64_t)records_per_shard,
                              .part = job->part,
                              .n_parts = job->n_parts,
                              .stopped = lyne_stop_requested};
}

static void tell(const lyne_job *job, const char *doing, uint64_t done, uint64_t first, uint64_t total,
                 double seconds) {
    if (!job->listener.tell) return;
    lyne_progress p = {.stage = job->label,
                       .doing = doing,
                       .done = done,
                       .total = total,
                       .accuracy = -1,
                       .samples_per_second = (double)(done - first) / fmax(seconds, 1e-9),
                       .ends = done == total};
    p.seconds_left = (double)(total - done) / fmax(p.samples_per_second, 1e-9);
    job->listener.tell(job->listener.self, &p);
}

/* What is missing. */
static lyne_status write_all(const lyne_job *job, lyne_labels_writer *w, const label_giver *from, lyne_result *out,
                             lyne_error *err) {
    const uint64_t total = lyne_labels_total(w), first = total - lyne_labels_left(w);
    const double start = lyne_now();
    for (uint64_t done = first; done < total;) {
        if (lyne_stop_requested())
            return lyne_fail(err, LYNE_STOPPED, "%s: stopped at record %llu of %llu; the same command goes on",
                             job->label, (unsigned long long)done, (unsigned long long)total);
        lyne_status status = from->give(from->self, w, err);
        if (status != LYNE_OK) return status;
        done = total - lyne_labels_left(w);
        tell(job, from->doing, done, first, total, lyne_now() - start);
    }
    out->seconds = lyne_now() - start;
    if (total > first) out->samples_per_second = (double)(total - first) / fmax(out->seconds, 1e-9);
    return LYNE_OK;
}

/* Open what was written, and say what came of it. */
static lyne_status look_at_result(const lyne_job *job, lyne_result *out, lyne_error *err) {
    lyne_labels *written;
    lyne_status status = lyne_labels_open(job->directory, &written, err);
    if (status != LYNE_OK) return status;
    out->records = (int64_t)(lyne_labels_samples(written) * lyne_labels_views(written));
    out->bytes = (int64_t)lyne_labels_bytes(written);
    out->kl = lyne_labels_error_of(written);
    lyne_labels_close(written);
    return LYNE_OK;
}

lyne_status label_write(const lyne_job *job, const lyne_labels_plan *plan, const label_giver *from, lyne_result *out,
                        lyne_error *err) {
    lyne_labels_writer *w = NULL;
    lyne_status status = lyne_labels_begin(plan, &w, err);
    if (status == LYNE_OK) status = write_all(job, w, from, out, err);
    if (status == LYNE_OK) status = lyne_labels_finish(w, err);
    if (status == LYNE_OK && !job->n_parts) status = look_at_result(job, out, err);
    lyne_labels_writer_free(w);
    return status;
}
