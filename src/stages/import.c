/* stages/import.c -- soft labels from logits that another program wrote, in whatever framework the teacher lives.
 *
 * Which picture a row belongs to is said by the ids, never by its place.  The teacher's identity is the digest of the
 * two files, so a student of other logits is another student.  The teacher has seen each picture once as it is in the
 * data set, and so does the student. */
#include "base/memory.h"
#include "labels/ask.h"
#include "labels/given.h"
#include "stages/label.h"

typedef struct import_config {
    const char *logits, *ids;
    lyne_instance encoding;
    int64_t records_per_shard;
} import_config;

static const lyne_field fields[] = {
    LYNE_ENTRY_WITH(
        TEXT, import_config, logits,
        "a .npy of (samples, classes), or a .safetensors with a tensor `logits`; from the current directory",
        LYNE_REQUIRED, .file = true),
    LYNE_ENTRY_WITH(TEXT, import_config, ids,
                    "a .npy of (samples), or a .safetensors with a tensor `ids`: which sample each row is of",
                    LYNE_REQUIRED, .file = true),
    LYNE_ENTRY_WITH(COMPONENT, import_config, encoding, "how logits are stored", "f16", .kind = LYNE_ENCODING),
    LYNE_INT(import_config, records_per_shard, "records in a file; a killed writer goes on behind its last whole file",
             "16384", 1, 1e9),
    LYNE_FIELDS_END};

static const char *check(const void *config) {
    const import_config *c = config;
    return ((const lyne_encoding *)c->encoding.row)->of_features
               ? "encoding feature needs the teacher itself; logits are stored by f32, f16, bf16, int8, topk, sampled"
               : NULL;
}

static lyne_status files(const void *config, lyne_digest *out, lyne_error *err) {
    const import_config *c = config;
    return lyne_given_digest(c->logits, c->ids, out, err);
}

static void views(const void *config, lyne_label_source *out) {
    (void)config;
    *out = (lyne_label_source){.views = 1};
}

static lyne_instance encoding(const void *config) {
    return ((const import_config *)config)->encoding;
}

static lyne_status labels(const lyne_job *job, const void *config, lyne_label_source *out, lyne_error *err) {
    const import_config *c = config;
    views(config, out);
    lyne_status status = label_identity(job, out->view_seed, out->views, out->augment, &out->identity, err);
    return status == LYNE_OK ? lyne_given_digest(c->logits, c->ids, &out->identity.teacher, err) : status;
}

enum { BATCH = 256 };

/* The files, and room for a batch of them. */
typedef struct copied {
    lyne_given given;
    float *logits;
} copied;

static lyne_status give(void *self, lyne_labels_writer *w, lyne_error *err) {
    const copied *c = self;
    const uint64_t due = lyne_labels_due(w), n = due < BATCH ? due : BATCH;
    lyne_given_read(&c->given, (int64_t)lyne_labels_next(w), (int64_t)n, c->logits);
    return lyne_labels_append(w, c->logits, (int64_t)n, err);
}

static lyne_labels_plan plan_of(const lyne_job *job) {
    const import_config *c = job->stage->kind.config;
    return label_plan(job, 1, c->encoding, c->records_per_shard);
}

static lyne_status cost(const lyne_job *job, double seconds, lyne_cost *out, lyne_error *err) {
    const lyne_labels_plan plan = plan_of(job);
    (void)seconds;
    *out = (lyne_cost){.samples = plan.samples};
    return lyne_labels_plan_bytes(&plan, &out->disk, &out->memory, err);
}

static lyne_status run(const lyne_job *job, lyne_result *out, lyne_error *err) {
    const import_config *c = job->stage->kind.config;
    lyne_labels_plan plan = plan_of(job);
    lyne_label_source source = {0};
    copied from = {.logits = lyne_alloc((size_t)plan.classes, BATCH * sizeof(float))};
    lyne_status status = from.logits ? labels(job, c, &source, err) : lyne_fail_memory(err, "a batch of logits");
    plan.identity = source.identity;
    if (status == LYNE_OK)
        status = lyne_given_open(&from.given, c->logits, c->ids, (int64_t)plan.samples, plan.classes, err);
    if (status == LYNE_OK) status = label_write(job, &plan, &(label_giver){"importing", give, &from}, out, err);
    lyne_given_close(&from.given);
    lyne_free(from.logits);
    return status;
}

static lyne_status ask(const lyne_job *job, const void *config, lyne_asking *asking, const uint64_t *record, uint64_t n,
                       lyne_error *err) {
    const import_config *c = config;
    const lyne_labels_plan plan = plan_of(job);
    lyne_given given = {0};
    float *logits = lyne_alloc((size_t)plan.classes, sizeof *logits);
    lyne_status status = logits ? lyne_asking_fits(asking, &plan, err) : lyne_fail_memory(err, "logits");
    if (status == LYNE_OK)
        status = lyne_given_open(&given, c->logits, c->ids, (int64_t)plan.samples, plan.classes, err);
    for (uint64_t i = 0; status == LYNE_OK && i < n; i++) {
        lyne_given_read(&given, (int64_t)record[i], 1, logits);
        status = lyne_asking_compare(asking, record[i], NULL, logits, err);
    }
    lyne_given_close(&given);
    lyne_free(logits);
    return status;
}

const lyne_stage lyne_stage_import = {
    .component = {.kind = LYNE_STAGE,
                  .name = "import",
                  .help = "make soft labels of logits that another program wrote",
                  .example = "soft_labels: {import: {logits: teacher.npy, ids: ids.npy, encoding: f16}}",
                  .config_size = sizeof(import_config),
                  .fields = fields,
                  .check = check},
    .product = LYNE_MAKES_LABELS,
    .once = true,
    .files = files,
    .encoding = encoding,
    .views = views,
    .labels = labels,
    .ask = ask,
    .run = run,
    .cost = cost};
