/* stages/distill.c -- train a student on what a teacher says: from disk, of the very views that the student sees, or from
 * the live teacher, asked about the student's very batch; of several teachers the average.
 * Hinton, Vinyals, Dean 2015, arXiv:1503.02531; same views for both: Beyer et al. 2022, arXiv:2106.05237. */
#include "base/memory.h"
#include "component/config.h"
#include "labels/encoding.h"
#include "stages/label.h"
#include "stages/training.h"

enum { PROBABILITY, LOGIT, MAX_TEACHERS = 16 };

typedef struct distill_config {
    training_config base;
    lyne_references labels;
    lyne_floats weights;
    int average;
} distill_config;

static const char *const averages[] = {"probability", "logit", NULL};
static const lyne_field fields[] = {
    TRAINING_FIELDS("[{kd: {temperature: 4, weight: 0.9}}, {cross_entropy: {weight: 0.1}}]"),
    LYNE_ENTRY_WITH(STAGES, distill_config, labels,
                    "the stage that wrote the soft labels; of several, [a, b], the average teaches", LYNE_REQUIRED,
                    .makes = LYNE_MAKES_LABELS),
    LYNE_ENTRY_WITH(FLOATS, distill_config, weights, "of each of labels in the average; all the same by default", "[]",
                    LYNE_RANGE(1e-6, 1e6)),
    LYNE_ENTRY_WITH(CHOICE, distill_config, average,
                    "of several labels: of their probabilities at the loss's temperature, or of their logits",
                    "probability", .choices = averages),
    LYNE_FIELDS_END};

/* The one temperature at which the losses read the teacher; 0: there is none, or not just one. */
static double temperature_of(const distill_config *c) {
    double T = 0;
    for (size_t i = 0; i < c->base.loss.n; i++) {
        const lyne_instance *item = &c->base.loss.item[i];
        const lyne_loss *loss = (const lyne_loss *)item->row;
        if (!loss->needs_teacher) continue;
        const double its = loss->temperature ? loss->temperature(item->config) : 0;
        if (its == 0 || (T > 0 && its != T)) return 0;
        T = its;
    }
    return T;
}

static const char *check(const void *config) {
    const distill_config *c = config;
    bool taught = false, asked = false; /* asked: of the teacher's logits */
    if (c->base.loss.n > LYNE_MAX_TERMS) return "loss has more than 8 terms";
    for (size_t i = 0; i < c->base.loss.n; i++) {
        const lyne_loss *loss = (const lyne_loss *)c->base.loss.item[i].row;
        taught |= loss->needs_teacher || loss->reads_features;
        asked |= loss->needs_teacher;
    }
    if (!taught) return "no loss here listens to the teacher; add kd, or make it a train stage";
    if (c->labels.n == 0) return "labels is an empty list; name a stage that makes soft labels";
    if (c->labels.n > MAX_TEACHERS) return "labels names more than 16 stages";
    if (c->weights.n && c->weights.n != c->labels.n) return "weights expects one number for each of labels";
    if (c->labels.n > 1 && c->average == PROBABILITY && asked && temperature_of(c) == 0)
        return "probabilities are averaged at one temperature, which the losses have not; give them one and the same, "
               "or average: logit";
    return training_check(&c->base);
}

/* ---- the stages it names ---- */

static const char *different(const lyne_label_source *a, const lyne_label_source *b) {
    lyne_hash h[2];
    const lyne_label_source *of[2] = {a, b};
    if (a->views != b->views) return "views";
    if (a->augment.n == 0 && b->augment.n == 0) return NULL;
    if (a->view_seed != b->view_seed) return "view_seed";
    if (a->augment.n != b->augment.n) return "augment";
    for (int k = 0; k < 2; k++) {
        lyne_hash_init(&h[k]);
        for (size_t i = 0; i < of[k]->augment.n; i++) lyne_instance_hash(&h[k], &of[k]->augment.item[i]);
    }
    return lyne_digest_equal(lyne_hash_finish(&h[0]), lyne_hash_finish(&h[1])) ? NULL : "augment";
}

/* A target for one temperature is not shown to a loss at another, nor averaged as logits. */
static lyne_status check_temperature(const distill_config *c, const lyne_stage_instance *from, lyne_mark *at,
                                     lyne_error *err) {
    const lyne_instance stored = ((const lyne_stage *)from->kind.row)->encoding(from->kind.config);
    const lyne_encoding *encoding = (const lyne_encoding *)stored.row;
    if (!encoding || !encoding->temperature) return LYNE_OK;
    const double T = encoding->temperature(stored.config);
    const char *how = encoding->component.name;
    if (c->labels.n > 1 && c->average == LOGIT)
        return lyne_fail(err, LYNE_ERECIPE, "labels: '%s' are %s, which are no logits; average: probability",
                         from->name, how);
    for (size_t i = 0; i < c->base.loss.n; i++) {
        const lyne_instance *item = &c->base.loss.item[i];
        const lyne_loss *loss = (const lyne_loss *)item->row;
        if (!loss->needs_teacher) continue;
        if (item->mark.source) *at = item->mark;
        if (!loss->temperature)
            return lyne_fail(err, LYNE_ERECIPE,
                             "labels: '%s' are %s, which %s cannot use: it needs logits; f16 and topk store them",
                             from->name, how, loss->component.name);
        if (loss->temperature(item->config) != T)
            return lyne_fail(err, LYNE_ERECIPE,
                             "labels: '%s' are %s, good at temperature %g alone, but %s reads them at %g; give both "
                             "the same",
                             from->name, how, T, loss->component.name, loss->temperature(item->config));
    }
    return LYNE_OK;
}

static lyne_status check_named(const void *config, const lyne_stage_instance *const *named, size_t n, lyne_mark *at,
                               lyne_error *err) {
    const distill_config *c = config;
    lyne_label_source first;
    for (size_t i = 0; i < n; i++) {
        lyne_label_source its;
        *at = c->labels.item[i].mark;
        ((const lyne_stage *)named[i]->kind.row)->views(named[i]->kind.config, &its);
        if (i == 0) first = its;
        const char *field = different(&first, &its);
        if (field)
            return lyne_fail(err, LYNE_ERECIPE,
                             "labels: '%s' and '%s' are of different pictures: %s is another; give both the same",
                             named[0]->name, named[i]->name, field);
        for (size_t k = 0; k < i; k++)
            if (named[k] == named[i])
                return lyne_fail(err, LYNE_ERECIPE, "labels: '%s' stands there twice; weights say what counts for more",
                                 named[i]->name);
        if (lyne_count_mixing(its.augment) && !training_shows_all(&c->base))
            return lyne_fail(
                err, LYNE_ERECIPE,
                "labels: '%s' are of mixed pictures, and what is mixed in may be a sample that show leaves "
                "out; mix nothing, or show all",
                named[i]->name);
        const lyne_status status = check_temperature(c, named[i], at, err);
        if (status != LYNE_OK) return status;
    }
    return LYNE_OK;
}

static void advise(const lyne_stage_instance *stage, const lyne_stage_instance *const *named, size_t n,
                   lyne_diagnostics *out) {
    const distill_config *c = stage->kind.config;
    training_advise(&c->base, stage->mark, out);
    if (n == 0) return;
    lyne_label_source views; /* of the first, and so of all */
    ((const lyne_stage *)named[0]->kind.row)->views(named[0]->kind.config, &views);
    training_advise_views(&c->base, c->labels.item[0].mark, named[0]->name, &views, out);
}

/* ---- a run ---- */

/* Who is asked for features: of the models that the labels are of the first. */
static lyne_status find_teacher(const lyne_job *job, const distill_config *c, training_source *source,
                                char path[LYNE_PATH_MAX], lyne_error *err) {
    for (size_t i = 0; i < c->labels.n; i++) {
        const lyne_instance *labels = &lyne_job_find(job, c->labels.item[i].name)->stage->kind;
        const lyne_stage *row = (const lyne_stage *)labels->row;
        if (!row->teacher) continue; /* if it is so for all, lyne check has refused losses that would ask */
        const lyne_source_stage *teacher = lyne_job_find(job, row->teacher(labels->config));
        source->teacher = ((const lyne_stage *)teacher->stage->kind.row)->model(teacher->stage->kind.config);
        source->teacher_weights = path;
        return lyne_path(path, teacher->directory, "model.safetensors", err);
    }
    return LYNE_OK;
}

typedef struct classroom {
    lyne_label_source shown; /* what all of them have been asked about */
    lyne_teacher teacher[MAX_TEACHERS];
    lyne_labels *labels[MAX_TEACHERS];
    lyne_network network[MAX_TEACHERS];
} classroom;

static lyne_status enter(const lyne_job *job, const distill_config *c, size_t i, classroom *room, lyne_error *err) {
    const char *name = c->labels.item[i].name;
    const lyne_source_stage *from = lyne_job_find(job, name);
    const lyne_instance *kind = &from->stage->kind;
    lyne_label_source wanted;
    lyne_teacher *teacher = &room->teacher[i];
    teacher->weight = c->weights.n ? c->weights.item[i] : 1;
    lyne_status status = ((const lyne_stage *)kind->row)->labels(job, kind->config, &wanted, err);
    if (i == 0) room->shown = wanted;
    if (status == LYNE_OK && wanted.live) {
        teacher->network = &room->network[i];
        return lyne_job_load(job, wanted.live, c->base.batch, &room->network[i], err);
    }
    if (status == LYNE_OK) status = lyne_labels_open(from->directory, &room->labels[i], err);
    if (status == LYNE_OK) status = lyne_labels_match(room->labels[i], &wanted.identity, err);
    teacher->labels = room->labels[i];
    return status;
}

static lyne_status run(const lyne_job *job, lyne_result *out, lyne_error *err) {
    const distill_config *c = job->stage->kind.config;
    lyne_teachers teachers = {0};
    classroom *room = lyne_alloc(1, sizeof *room);
    lyne_status status = room ? LYNE_OK : lyne_fail_memory(err, "the teachers");
    for (size_t i = 0; i < c->labels.n && status == LYNE_OK; i++) status = enter(job, c, i, room, err);
    if (status == LYNE_OK)
        status =
            lyne_teachers_init(&teachers, room->teacher, c->labels.n, c->average == PROBABILITY ? temperature_of(c) : 0,
                               c->base.batch * lyne_sequence_rows(&job->task->sequence), job->task->n_classes, err);
    if (status == LYNE_OK) {
        char path[LYNE_PATH_MAX];
        training_source source = {.view_seed = room->shown.view_seed,
                                  .views = room->shown.views,
                                  .augment = room->shown.augment,
                                  .teachers = &teachers};
        status = find_teacher(job, c, &source, path, err);
        if (status == LYNE_OK) status = training_run(job, &c->base, &source, out, err);
    }
    lyne_teachers_deinit(&teachers);
    for (size_t i = 0; room && i < c->labels.n; i++) {
        lyne_labels_close(room->labels[i]);
        lyne_network_deinit(&room->network[i]);
    }
    lyne_free(room);
    return status;
}

/* What it takes to ask those teachers that answer live: of each step, beside the student's. */
static lyne_status add_live(const lyne_job *job, const distill_config *c, double seconds, lyne_cost *out,
                            lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (size_t i = 0; i < c->labels.n && status == LYNE_OK; i++) {
        const lyne_instance *labels = &lyne_job_find(job, c->labels.item[i].name)->stage->kind;
        lyne_label_source from;
        lyne_cost asking;
        ((const lyne_stage *)labels->row)->views(labels->config, &from);
        if (!from.live) continue;
        status = lyne_job_cost(job, lyne_job_model(job, from.live), c->base.batch, out->samples, seconds, &asking, err);
        if (status != LYNE_OK) continue;
        out->seconds += asking.seconds;
        out->memory += asking.memory - (uint64_t)asking.parameters * sizeof(float); /* its file was closed before */
    }
    return status;
}

static lyne_status cost(const lyne_job *job, double seconds, lyne_cost *out, lyne_error *err) {
    const distill_config *c = job->stage->kind.config;
    const lyne_instance *kind = &lyne_job_find(job, c->labels.item[0].name)->stage->kind;
    lyne_label_source from = {0};
    ((const lyne_stage *)kind->row)->views(kind->config, &from);
    char path[LYNE_PATH_MAX];
    training_source source = {.view_seed = from.view_seed, .views = from.views, .augment = from.augment};
    lyne_status status = find_teacher(job, c, &source, path, err);
    if (status == LYNE_OK) status = training_cost(job, &c->base, &source, seconds, out, err);
    return status == LYNE_OK ? add_live(job, c, seconds / 2, out, err) : status;
}

const lyne_stage lyne_stage_distill = {
    .component = {.kind = LYNE_STAGE,
                  .name = "distill",
                  .help = "train a student on soft labels",
                  .source = "arXiv:1503.02531, section 2",
                  .example = "student: {distill: {model: {mlp: {hidden: [30, 30]}}, labels: soft_labels}}",
                  .config_size = sizeof(distill_config),
                  .fields = fields,
                  .check = check},
    .product = LYNE_MAKES_MODEL,
    .model = training_model,
    .losses = training_losses,
    .needs = training_needs,
    .check = check_named,
    .advise = advise,
    .run = run,
    .cost = cost};
