/* stages/label.c -- ask the teacher about every view of every training picture and write what it says to disk, once. */
#include "stages/label.h"
#include "base/file.h"
#include "base/log.h"
#include "component/config.h"
#include <math.h>

typedef struct label_config {
    lyne_reference teacher;
    lyne_instance encoding;
    lyne_instances augment;
    int64_t views, view_seed, batch, records_per_shard;
} label_config;

static const lyne_field fields[] = {
    {.name = "teacher",
     .type = LYNE_FIELD_STAGE,
     .makes = LYNE_MAKES_MODEL,
     .help = "the stage that made the model to ask",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(label_config, teacher)},
    {.name = "encoding",
     .type = LYNE_FIELD_COMPONENT,
     .kind = LYNE_ENCODING,
     .help = "how logits are stored",
     .fallback = "f16",
     .offset = offsetof(label_config, encoding)},
    {.name = "augment",
     .type = LYNE_FIELD_COMPONENTS,
     .kind = LYNE_AUGMENTATION,
     .help = "what is done to a picture before the teacher, and then the student, sees it",
     .fallback = "[]",
     .offset = offsetof(label_config, augment)},
    {.name = "views",
     .type = LYNE_FIELD_INT,
     .help = "views of each picture; the student sees view e mod views in epoch e; online: nothing is written, and "
             "distill asks the teacher about a new view in each epoch",
     .fallback = "1",
     .offset = offsetof(label_config, views),
     LYNE_RANGE(1, 65536),
     .zero = "online"},
    {.name = "view_seed",
     .type = LYNE_FIELD_INT,
     .help = "draws the views",
     .fallback = "0",
     .offset = offsetof(label_config, view_seed),
     LYNE_RANGE(0, 1e15)},
    {.name = "batch",
     .type = LYNE_FIELD_INT,
     .help = "pictures asked about at once",
     .fallback = "250",
     .offset = offsetof(label_config, batch),
     LYNE_RANGE(1, 65536)},
    {.name = "records_per_shard",
     .type = LYNE_FIELD_INT,
     .help = "records in a file; a killed writer goes on behind its last whole file",
     .fallback = "16384",
     .offset = offsetof(label_config, records_per_shard),
     LYNE_RANGE(1, 1e9)},
    LYNE_FIELDS_END};

static const char *check(const void *config) {
    const label_config *c = config;
    if (c->views > 1 && c->augment.n == 0) return "views without augment would all be the same picture; add augment";
    return lyne_augment_check(c->augment);
}

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

/* The teacher is its architecture and its numbers. */
static lyne_status teacher_digest(const lyne_job *job, const char *name, lyne_digest *out, lyne_error *err) {
    const lyne_source_stage *teacher = lyne_job_find(job, name);
    const lyne_instance model = ((const lyne_stage *)teacher->stage->kind.row)->model(teacher->stage->kind.config);
    char path[LYNE_PATH_MAX];
    lyne_digest weights;
    lyne_status status = lyne_path(path, teacher->directory, "model.safetensors", err);
    if (status == LYNE_OK) status = lyne_weights_file_digest(path, &weights, err);
    if (status != LYNE_OK) return status;
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_instance_hash(&h, &model);
    lyne_hash_digest(&h, weights);
    *out = lyne_hash_finish(&h);
    return LYNE_OK;
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

static void views(const void *config, lyne_label_source *out) {
    const label_config *c = config;
    *out = (lyne_label_source){.view_seed = (uint64_t)c->view_seed,
                               .views = (uint32_t)c->views,
                               .augment = c->augment,
                               .live = c->views ? NULL : c->teacher.name};
}

static lyne_instance encoding(const void *config) {
    const label_config *c = config;
    return c->views ? c->encoding : (lyne_instance){0};
}

static lyne_status labels(const lyne_job *job, const void *config, lyne_label_source *out, lyne_error *err) {
    const label_config *c = config;
    views(config, out);
    lyne_status status = label_identity(job, out->view_seed, out->views, out->augment, &out->identity, err);
    return status == LYNE_OK ? teacher_digest(job, c->teacher.name, &out->identity.teacher, err) : status;
}

static const char *teacher(const void *config) {
    return ((const label_config *)config)->teacher.name;
}

lyne_status label_result(const lyne_job *job, lyne_result *out, lyne_error *err) {
    lyne_labels *written;
    lyne_status status = lyne_labels_open(job->directory, &written, err);
    if (status != LYNE_OK) return status;
    out->records = (int64_t)(lyne_labels_samples(written) * lyne_labels_views(written));
    out->bytes = (int64_t)lyne_labels_bytes(written);
    out->kl = lyne_labels_error_of(written);
    lyne_labels_close(written);
    return LYNE_OK;
}

void label_tell(const lyne_job *job, const char *doing, uint64_t done, uint64_t first, uint64_t total, double seconds) {
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

/* From the record that is due to the last. */
static lyne_status write_all(const lyne_job *job, lyne_network *net, const lyne_loader *loader, lyne_labels_writer *w,
                             uint64_t total, lyne_result *out, lyne_error *err) {
    const int64_t batch = lyne_graph_batch(net->graph), classes = net->logits->shape.dim[1];
    const uint64_t rows =
        (uint64_t)lyne_sequence_rows(&job->task->sequence); /* records of a sample, if it has one view */
    const uint64_t first = lyne_labels_next(w);
    const double start = lyne_now();
    for (uint64_t next = first; next < total; next = lyne_labels_next(w)) {
        if (lyne_stop_requested())
            return lyne_fail(err, LYNE_STOPPED, "%s: stopped at record %llu of %llu; the same command goes on",
                             job->label, (unsigned long long)next, (unsigned long long)total);
        lyne_batch b = {.n = batch, .picture = lyne_program_input(net->program, net->picture)};
        const float *logits;
        const uint64_t skip = next % rows; /* a shard may have ended within a sample */
        lyne_loader_records(loader, next / rows, &b);
        lyne_status status = lyne_network_infer(net, &logits, err);
        const uint64_t left = total - next, here = (uint64_t)batch * rows - skip;
        if (status == LYNE_OK)
            status = lyne_labels_append(w, logits + (int64_t)skip * classes, (int64_t)(left < here ? left : here), err);
        if (status != LYNE_OK) return status;
        label_tell(job, "labelling", lyne_labels_next(w), first, total, lyne_now() - start);
    }
    out->seconds = lyne_now() - start;
    if (total > first) out->samples_per_second = (double)(total - first) / fmax(out->seconds, 1e-9);
    return LYNE_OK;
}

/* But for the identity. */
static lyne_labels_plan plan_of(const lyne_job *job) {
    const label_config *c = job->stage->kind.config;
    return (lyne_labels_plan){.directory = job->directory,
                              .samples = (uint64_t)(job->train->n * lyne_sequence_rows(&job->train->sequence)),
                              .views = (uint32_t)c->views,
                              .classes = job->task->n_classes,
                              .encoding = c->encoding,
                              .records_per_shard = (uint64_t)c->records_per_shard};
}

static lyne_status cost(const lyne_job *job, double seconds, lyne_cost *out, lyne_error *err) {
    const label_config *c = job->stage->kind.config;
    const lyne_labels_plan plan = plan_of(job);
    uint64_t bytes = 0;
    if (c->views == 0) return LYNE_OK; /* online: nothing is written, and who learns asks */
    lyne_status status = lyne_labels_plan_bytes(&plan, &bytes, err);
    if (status == LYNE_OK)
        status = lyne_job_cost(job, lyne_job_model(job, c->teacher.name), c->batch,
                               (uint64_t)job->train->n * plan.views, seconds, out, err);
    out->disk = bytes;
    return status;
}

static lyne_status run(const lyne_job *job, lyne_result *out, lyne_error *err) {
    const label_config *c = job->stage->kind.config;
    if (c->views == 0)
        return lyne_labels_clear(job->directory, err); /* online: what it was asked before is of no use */
    lyne_labels_plan plan = plan_of(job);
    const uint64_t total = plan.samples * plan.views;
    lyne_network net = {0};
    lyne_loader loader = {0};
    lyne_labels_writer *w = NULL;
    lyne_label_source source;
    lyne_status status = labels(job, c, &source, err);
    plan.identity = source.identity;
    if (status == LYNE_OK)
        status = lyne_loader_init(&loader, job->train, 0, source.view_seed, plan.views, source.augment, err);
    loader.partners = job->rest;
    if (status == LYNE_OK) status = lyne_job_load(job, c->teacher.name, c->batch, &net, err);
    if (status == LYNE_OK) status = lyne_labels_begin(&plan, &w, err);
    if (status == LYNE_OK) status = write_all(job, &net, &loader, w, total, out, err);
    if (status == LYNE_OK) status = lyne_labels_finish(w, err);
    if (status == LYNE_OK) status = label_result(job, out, err);
    lyne_labels_writer_free(w);
    lyne_network_deinit(&net);
    lyne_loader_deinit(&loader);
    return status;
}

const lyne_stage lyne_stage_label = {.component = {.kind = LYNE_STAGE,
                                                   .name = "label",
                                                   .help = "write a teacher's soft labels to disk",
                                                   .example = "soft_labels: {label: {teacher: teacher, encoding: f16}}",
                                                   .config_size = sizeof(label_config),
                                                   .fields = fields,
                                                   .check = check},
                                     .product = LYNE_MAKES_LABELS,
                                     .once = true,
                                     .encoding = encoding,
                                     .views = views,
                                     .labels = labels,
                                     .teacher = teacher,
                                     .run = run,
                                     .cost = cost};
