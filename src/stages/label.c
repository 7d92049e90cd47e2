/* stages/label.c -- ask the teacher about every view of every training picture and write what it says to disk, once. */
#include "stages/label.h"
#include "base/bf16.h"
#include "base/memory.h"
#include "component/config.h"
#include "labels/ask.h"

typedef struct label_config {
    lyne_reference teacher;
    lyne_instance encoding;
    lyne_instances augment;
    int64_t views, view_seed, batch, records_per_shard;
} label_config;

static const lyne_field fields[] = {
    LYNE_ENTRY_WITH(STAGE, label_config, teacher, "the stage that made the model to ask", LYNE_REQUIRED,
                    .makes = LYNE_MAKES_MODEL),
    LYNE_ENTRY_WITH(COMPONENT, label_config, encoding, "how logits are stored", "f16", .kind = LYNE_ENCODING),
    LYNE_ENTRY_WITH(COMPONENTS, label_config, augment,
                    "what is done to a picture before the teacher, and then the student, sees it", "[]",
                    .kind = LYNE_AUGMENTATION),
    LYNE_ENTRY_WITH(
        INT, label_config, views,
        "views of each picture; the student sees view e mod views in epoch e; online: nothing is written, and "
        "distill asks the teacher about a new view in each epoch",
        "1", LYNE_RANGE(1, 65536), .zero = "online"),
    LYNE_INT(label_config, view_seed, "draws the views", "0", 0, 1e15),
    LYNE_INT(label_config, batch, "pictures asked about at once", "250", 1, 65536),
    LYNE_INT(label_config, records_per_shard, "records in a file; a killed writer goes on behind its last whole file",
             "16384", 1, 1e9),
    LYNE_FIELDS_END};

static const char *check(const void *config) {
    const label_config *c = config;
    if (c->views > 1 && c->augment.n == 0) return "views without augment would all be the same picture; add augment";
    return lyne_augment_check(c->augment);
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

/* ---- the teacher's last layer ---- */

/* As it was computed with: in bf16 the weights were rounded to it. */
static lyne_status make_head(const lyne_network *net, lyne_head *out, lyne_error *err) {
    const lyne_node *n = net->head;
    const lyne_weights *w = net->weights;
    const int64_t classes = n->shape.dim[n->shape.rank - 1], features = n->src[0]->shape.dim[n->shape.rank - 1];
    const float *weight = w->value + w->offset[n->param[0]];
    const float *bias = n->n_params > 1 ? w->value + w->offset[n->param[1]] : NULL;
    if (n->src[0]->type != LYNE_BF16) return lyne_head_init(out, classes, features, weight, bias, err);
    float *rounded = lyne_alloc((size_t)classes * (size_t)features, sizeof *rounded);
    if (!rounded) return lyne_fail_memory(err, "the teacher's last layer");
    for (int64_t i = 0; i < classes * features; i++) rounded[i] = lyne_from_bf16(lyne_to_bf16(weight[i]));
    const lyne_status status = lyne_head_init(out, classes, features, rounded, bias, err);
    lyne_free(rounded);
    return status;
}

static bool stores_features(const label_config *c) {
    return ((const lyne_encoding *)c->encoding.row)->of_features;
}

static lyne_status load_teacher(const lyne_job *job, const label_config *c, lyne_network *net, lyne_labels_plan *plan,
                                lyne_head *head, lyne_error *err) {
    if (!stores_features(c)) return lyne_job_load(job, c->teacher.name, c->batch, net, err);
    lyne_status status = lyne_job_load_features(job, c->teacher.name, c->batch, net, err);
    if (status == LYNE_OK) status = make_head(net, head, err);
    plan->head = head;
    plan->features = head->features;
    return status;
}

/* ---- labelling ---- */

/* Records of a sample, if it has one view. */
static uint64_t rows_of(const lyne_network *net) {
    return (uint64_t)(net->logits->shape.dim[0] / lyne_graph_batch(net->graph));
}

/* Who answers, and about what. */
typedef struct asked {
    lyne_network net;
    lyne_loader loader;
} asked;

/* One batch, within a shard: which records stand together does not depend on who writes which shards. */
static lyne_status give(void *self, lyne_labels_writer *w, lyne_error *err) {
    asked *a = self;
    lyne_network *net = &a->net;
    const int64_t batch = lyne_graph_batch(net->graph), classes = net->logits->shape.dim[1];
    const uint64_t rows = rows_of(net), next = lyne_labels_next(w), due = lyne_labels_due(w);
    const uint64_t skip = next % rows, here = (uint64_t)batch * rows - skip; /* a shard may begin within a sample */
    const int64_t n = (int64_t)(due < here ? due : here);
    lyne_batch b = {.n = batch, .picture = lyne_program_input(net->program, net->picture)};
    const float *logits;
    lyne_loader_records(&a->loader, next / rows, &b);
    const lyne_status status = lyne_network_infer(net, &logits, err);
    if (status != LYNE_OK) return status;
    logits += (int64_t)skip * classes;
    if (!lyne_labels_stores_features(w)) return lyne_labels_append(w, logits, n, err);
    const float *features = lyne_network_features(net) + (int64_t)skip * net->features->shape.dim[1];
    return lyne_labels_append_features(w, features, logits, n, err);
}

static lyne_labels_plan plan_of(const lyne_job *job, const label_config *c) {
    return label_plan(job, (uint32_t)c->views, c->encoding, c->records_per_shard);
}

/* How many numbers a record of features has. */
static lyne_status count_features(const lyne_job *job, const label_config *c, lyne_labels_plan *plan, lyne_error *err) {
    if (!stores_features(c)) return LYNE_OK;
    lyne_network net;
    const lyne_network_options o = {
        .model = lyne_job_model(job, c->teacher.name), .task = job->task, .batch = 1, .features = true};
    lyne_status status = lyne_network_build(&net, &o, err);
    if (status == LYNE_OK) plan->features = net.features->shape.dim[1];
    lyne_network_deinit(&net);
    return status;
}

static lyne_status cost(const lyne_job *job, double seconds, lyne_cost *out, lyne_error *err) {
    const label_config *c = job->stage->kind.config;
    lyne_labels_plan plan = plan_of(job, c);
    uint64_t bytes = 0, waiting = 0;
    if (c->views == 0) return LYNE_OK; /* online: nothing is written, and who learns asks */
    lyne_status status = count_features(job, c, &plan, err);
    if (status == LYNE_OK) status = lyne_labels_plan_bytes(&plan, &bytes, &waiting, err);
    if (status == LYNE_OK)
        status = lyne_job_cost(job, lyne_job_model(job, c->teacher.name), c->batch,
                               (uint64_t)job->train->n * plan.views, seconds, out, err);
    out->disk = bytes;
    out->memory += waiting;
    return status;
}

static lyne_status run(const lyne_job *job, lyne_result *out, lyne_error *err) {
    const label_config *c = job->stage->kind.config;
    if (c->views == 0)
        return lyne_labels_clear(job->directory, err); /* online: what it was asked before is of no use */
    lyne_labels_plan plan = plan_of(job, c);
    asked a = {0};
    lyne_head head = {0};
    lyne_label_source source;
    lyne_status status = labels(job, c, &source, err);
    plan.identity = source.identity;
    if (status == LYNE_OK)
        status = lyne_loader_init(&a.loader, job->train, 0, source.view_seed, plan.views, source.augment, err);
    if (status == LYNE_OK) status = load_teacher(job, c, &a.net, &plan, &head, err);
    a.loader.partners = job->rest;
    if (status == LYNE_OK) status = label_write(job, &plan, &(label_giver){"labelling", give, &a}, out, err);
    lyne_head_deinit(&head);
    lyne_network_deinit(&a.net);
    lyne_loader_deinit(&a.loader);
    return status;
}

/* One picture for one record; what stands beside it in a batch does not matter. */
static lyne_status ask_batch(lyne_network *net, const lyne_loader *loader, lyne_asking *asking, const uint64_t *record,
                             int64_t n, lyne_error *err) {
    const int64_t classes = net->logits->shape.dim[1], width = net->features ? net->features->shape.dim[1] : 0;
    uint8_t *picture = lyne_program_input(net->program, net->picture);
    const size_t bytes = (size_t)(lyne_shape_size(&net->picture->shape) / lyne_graph_batch(net->graph)) *
                         lyne_type_size(net->picture->type);
    const uint64_t rows = rows_of(net);
    const float *logits;
    for (int64_t i = 0; i < n; i++)
        lyne_loader_records(loader, record[i] / rows, &(lyne_batch){.n = 1, .picture = picture + (size_t)i * bytes});
    lyne_status status = lyne_network_infer(net, &logits, err);
    const float *features = width && status == LYNE_OK ? lyne_network_features(net) : NULL;
    for (int64_t i = 0; status == LYNE_OK && i < n; i++) {
        const int64_t row = (int64_t)((uint64_t)i * rows + record[i] % rows);
        status = lyne_asking_compare(asking, record[i], features ? features + row * width : NULL,
                                     logits + row * classes, err);
    }
    return status;
}

static lyne_status ask(const lyne_job *job, const void *config, lyne_asking *asking, const uint64_t *record, uint64_t n,
                       lyne_error *err) {
    const label_config *c = config;
    lyne_labels_plan plan = plan_of(job, c);
    lyne_network net = {0};
    lyne_loader loader = {0};
    lyne_status status =
        lyne_loader_init(&loader, job->train, 0, (uint64_t)c->view_seed, (uint32_t)c->views, c->augment, err);
    loader.partners = job->rest;
    if (status == LYNE_OK)
        status = (lyne_asking_features(asking) ? lyne_job_load_features : lyne_job_load)(job, c->teacher.name, c->batch,
                                                                                         &net, err);
    plan.features = net.features ? net.features->shape.dim[1] : 0;
    if (status == LYNE_OK) status = lyne_asking_fits(asking, &plan, err);
    for (uint64_t i = 0; status == LYNE_OK && i < n; i += (uint64_t)c->batch)
        status =
            ask_batch(&net, &loader, asking, record + i, n - i < (uint64_t)c->batch ? (int64_t)(n - i) : c->batch, err);
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
                                     .ask = ask,
                                     .teacher = teacher,
                                     .run = run,
                                     .cost = cost};
