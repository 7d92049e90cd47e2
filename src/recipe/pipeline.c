/* recipe/pipeline.c -- which jobs there are, which are up to date, and running the others in order. */
#include "recipe/pipeline.h"
#include "base/file.h"
#include "base/log.h"
#include "component/origin.h"
#include "recipe/result_file.h"
#include "train/checkpoint.h"
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* Goes up when the same recipe would give other numbers with this version of the code. */
#define NUMERICS 4

typedef struct pipeline {
    const lyne_recipe *r;
    const lyne_run_options *o;
    lyne_outcomes *out;
    lyne_dataset train, test, validation;
    lyne_subset rest; /* of train, what validation is not */
    bool *wanted;     /* of each stage; NULL: all         */
    int lock;
    double start; /* clock */
} pipeline;

/* ---- the data ---- */

lyne_status lyne_pipeline_open(const lyne_recipe *r, const lyne_run_options *o, lyne_split split, lyne_dataset *d,
                               lyne_error *err) {
    const lyne_data_paths paths = {.dataset = r->data, .directory = o->data_directory, .n = o->n_data_directories};
    const lyne_format *format = (const lyne_format *)r->description.format.row;
    lyne_status status = format->open(d, r->description.format.config, split, &paths, err);
    if (status != LYNE_OK) return lyne_error_context(err, "data set '%s'", r->data);
    d->name = r->data;
    const lyne_picture_size *want = &r->task.picture;
    const lyne_sequence *sequence = &r->task.sequence;
    if (d->sequence.length != sequence->length || d->sequence.vocabulary != sequence->vocabulary ||
        d->sequence.labelled != sequence->labelled || (sequence->length && d->n_classes != r->task.n_classes))
        return lyne_fail(err, LYNE_EDATA,
                         "data set '%s': %s samples are %lld tokens below %lld with %s of %lld classes where "
                         "datasets/%s.yaml says %lld below %lld with %s of %lld",
                         r->data, lyne_split_name(split), (long long)d->sequence.length,
                         (long long)d->sequence.vocabulary, d->sequence.labelled ? "labels each" : "one label",
                         (long long)d->n_classes, r->data, (long long)sequence->length, (long long)sequence->vocabulary,
                         sequence->labelled ? "labels each" : "one label", (long long)r->task.n_classes);
    if (sequence->length) return LYNE_OK;
    if (d->channels == want->channels && d->height == want->height && d->width == want->width &&
        d->n_classes == r->task.n_classes)
        return LYNE_OK;
    return lyne_fail(err, LYNE_EDATA,
                     "data set '%s': %s pictures are %lld x %lld x %lld with %lld classes where datasets/%s.yaml says "
                     "%lld x %lld x %lld with %lld",
                     r->data, lyne_split_name(split), (long long)d->channels, (long long)d->height, (long long)d->width,
                     (long long)d->n_classes, r->data, (long long)want->channels, (long long)want->height,
                     (long long)want->width, (long long)r->task.n_classes);
}

/* Take the validation split out of training. */
static lyne_status hold_out(pipeline *p, lyne_error *err) {
    lyne_subset held = {0};
    if (p->r->validation == 0) return LYNE_OK;
    lyne_status status = lyne_subset_draw(&p->train, p->r->validation, &held, &p->rest, err);
    if (status == LYNE_OK) status = lyne_subset_copy(&p->train, &held, LYNE_VALIDATION, &p->validation, err);
    lyne_subset_free(&held);
    return status;
}

/* ---- jobs ---- */

static const lyne_stage *row_of(const lyne_recipe *r, size_t stage) {
    return (const lyne_stage *)r->stage[stage].kind.row;
}

/* The outcome of a stage for a seed: the one run of a stage that runs once. */
static lyne_outcome *outcome_of(const pipeline *p, const char *stage, uint64_t seed) {
    for (size_t i = 0; i < p->out->n; i++) {
        lyne_outcome *o = &p->out->item[i];
        if (strcmp(p->r->stage[o->stage].name, stage) == 0 && (o->once || o->seed == seed)) return o;
    }
    return NULL;
}

static void hash_references(const pipeline *p, lyne_hash *h, const lyne_outcome *o) {
    const lyne_instance *kind = &p->r->stage[o->stage].kind;
    for (const lyne_field *f = kind->row->fields; f && f->name; f++) {
        const lyne_references named = lyne_config_references(f, kind->config);
        for (size_t k = 0; k < named.n; k++) {
            const lyne_outcome *source = outcome_of(p, named.item[k].name, o->seed);
            lyne_hash_digest(h, source->fingerprint);
            lyne_hash_digest(h, source->files);
        }
    }
}

static void hash_floats(lyne_hash *h, const lyne_floats *list) {
    lyne_hash_u64(h, list->n);
    for (size_t i = 0; i < list->n; i++) lyne_hash_double(h, list->item[i]);
}

/* Once the jobs that it reads are done. */
static lyne_status fingerprint(const pipeline *p, lyne_outcome *o, lyne_error *err) {
    const lyne_recipe *r = p->r;
    const lyne_instance *kind = &r->stage[o->stage].kind;
    lyne_digest files;
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_hash_u64(&h, NUMERICS);
    lyne_instance_hash(&h, kind);
    lyne_hash_u64(&h, o->seed);
    lyne_hash_u64(&h, (uint64_t)r->task.precision);
    lyne_hash_digest(&h, p->train.digest);
    lyne_hash_digest(&h, p->test.digest);
    lyne_hash_digest(&h, r->classes);
    if (r->validation) lyne_hash_digest(&h, p->validation.digest);
    hash_floats(&h, &r->task.mean);
    hash_floats(&h, &r->task.sd);
    hash_references(p, &h, o);
    if (row_of(r, o->stage)->files) {
        lyne_status status = row_of(r, o->stage)->files(kind->config, &files, err);
        if (status != LYNE_OK) return lyne_error_context(err, "%s", r->stage[o->stage].name);
        lyne_hash_digest(&h, files);
    }
    o->fingerprint = lyne_hash_finish(&h);
    return LYNE_OK;
}

/* Which stages are asked for. */
static bool is_wanted(const pipeline *p, size_t stage) {
    return !p->wanted || p->wanted[stage];
}

/* Of `stage` and all that it reads. */
static void want(pipeline *p, size_t stage) {
    const lyne_instance *kind = &p->r->stage[stage].kind;
    p->wanted[stage] = true;
    for (const lyne_field *f = kind->row->fields; f && f->name; f++) {
        const lyne_references named = lyne_config_references(f, kind->config);
        for (size_t k = 0; k < named.n; k++)
            for (size_t s = 0; s < stage; s++)
                if (strcmp(p->r->stage[s].name, named.item[k].name) == 0) want(p, s);
    }
}

static lyne_status choose_stages(pipeline *p, lyne_error *err) {
    const lyne_recipe *r = p->r;
    const char *name = p->o->stage, *names[64];
    size_t n = 0, s = 0;
    if (!name) return LYNE_OK;
    while (s < r->n_stages && strcmp(r->stage[s].name, name) != 0) s++;
    if (s == r->n_stages) {
        for (size_t i = 0; i < r->n_stages && n < 64; i++) names[n++] = r->stage[i].name;
        const char *near = lyne_nearest(name, names, n);
        return lyne_fail(err, LYNE_EUSAGE, "there is no stage '%s' in the recipe%s%s%s", name,
                         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (p->o->n_parts && row_of(r, s)->product != LYNE_MAKES_LABELS)
        return lyne_fail(err, LYNE_EUSAGE, "stage '%s' makes %s, and only soft labels are written in parts", name,
                         lyne_product_name(row_of(r, s)->product));
    p->wanted = lyne_arena_alloc(&p->out->arena, r->n_stages * sizeof *p->wanted);
    if (!p->wanted) return lyne_fail_memory(err, "a run");
    want(p, s);
    return LYNE_OK;
}

/* All jobs in order, with their directories. */
static lyne_status list_jobs(pipeline *p, lyne_error *err) {
    const lyne_recipe *r = p->r;
    lyne_outcomes *out = p->out;
    out->item = lyne_arena_alloc(&out->arena, r->n_stages * r->seeds.n * sizeof *out->item);
    if (!out->item) return lyne_fail_memory(err, "a run");
    for (size_t s = 0; s < r->n_stages; s++)
        for (size_t k = is_wanted(p, s) ? 0 : r->seeds.n; k < (r->once[s] ? 1 : r->seeds.n); k++) {
            lyne_outcome *o = &out->item[out->n];
            *o = (lyne_outcome){.stage = s, .once = r->once[s], .seed = (uint64_t)r->seeds.item[k]};
            o->directory =
                o->once ? lyne_arena_printf(&out->arena, "%s", r->stage[s].name)
                        : lyne_arena_printf(&out->arena, "%s/seed-%llu", r->stage[s].name, (unsigned long long)o->seed);
            if (!o->directory) return lyne_fail_memory(err, "a run");
            o->result = lyne_result_empty();
            out->n++;
        }
    return LYNE_OK;
}

static lyne_status model_bytes(const pipeline *p, lyne_outcome *o, const char *directory, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    if (row_of(p->r, o->stage)->product != LYNE_MAKES_MODEL) return LYNE_OK;
    lyne_status status = lyne_path(path, directory, "model.safetensors", err);
    return status == LYNE_OK ? lyne_file_size(path, &o->model_bytes, err) : status;
}

/* The earlier stages with their directories, as seen with the seed of o.  In the arena; NULL when memory is out. */
static lyne_source_stage *sources(const pipeline *p, const lyne_outcome *o) {
    lyne_arena *arena = &p->out->arena;
    lyne_source_stage *list = lyne_arena_alloc(arena, o->stage * sizeof *list);
    for (size_t s = 0; list && s < o->stage; s++) {
        const lyne_outcome *source = outcome_of(p, p->r->stage[s].name, o->seed);
        list[s].stage = &p->r->stage[s];
        if (!source) continue; /* nobody asked for it */
        list[s].directory = lyne_arena_printf(arena, "%s/%s", p->o->out, source->directory);
        if (!list[s].directory) return NULL;
    }
    return list;
}

/* NAME.tmp.PID: what a process that was killed left of a commit (base/file.h).  Nobody else writes here: we have the
 * lock. */
static bool is_left_behind(const char *name) {
    const char *tail = strstr(name, ".tmp.");
    return tail && tail[5] && strspn(tail + 5, "0123456789") == strlen(tail + 5);
}

static lyne_status sweep(const char *directory, lyne_error *err) {
    char path[LYNE_PATH_MAX], **name;
    size_t n;
    lyne_status status = lyne_directory_list(directory, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        if (!is_left_behind(name[i])) continue;
        status = lyne_path(path, directory, name[i], err);
        if (status == LYNE_OK) status = lyne_file_remove(path, err);
    }
    lyne_names_free(name, n);
    return status;
}

/* Remove what speaks of files that are about to change, and the model of another recipe: a job that fails leaves
 * neither.  Soft labels see to themselves (labels/writer.h). */
static lyne_status forget(const pipeline *p, const char *directory, lyne_error *err) {
    const struct {
        const char *directory, *name;
    } file[] = {{directory, "result.json"}, {directory, "model.safetensors"}, {p->o->out, "results.json"}};
    lyne_status status = LYNE_OK;
    for (size_t i = 0; i < sizeof file / sizeof *file && status == LYNE_OK; i++) {
        char path[LYNE_PATH_MAX];
        status = lyne_path(path, file[i].directory, file[i].name, err);
        if (status == LYNE_OK) status = lyne_file_remove(path, err);
    }
    return status;
}

static lyne_job job_of(const pipeline *p, const lyne_outcome *o, const char *label, const char *directory,
                       const lyne_source_stage *earlier) {
    return (lyne_job){.stage = &p->r->stage[o->stage],
                      .label = label,
                      .seed = o->seed,
                      .directory = directory,
                      .fingerprint = o->fingerprint,
                      .task = &p->r->task,
                      .classes = p->r->classes,
                      .class_names = &p->r->description.classes,
                      .train = &p->train,
                      .test = &p->test,
                      .validation = p->r->validation ? &p->validation : NULL,
                      .rest = p->r->validation ? &p->rest : NULL,
                      .earlier = earlier,
                      .n_earlier = o->stage,
                      .part = p->o->part,
                      .n_parts = p->o->n_parts,
                      .environment = p->out->environment,
                      .any_environment = p->o->any_environment,
                      .listener = p->o->listener};
}

/* One part of soft labels; others may be at theirs in the same directory, so nothing else in it is touched. */
static lyne_status do_part(const pipeline *p, lyne_outcome *o, const char *label, const char *directory,
                           lyne_error *err) {
    if (o != &p->out->item[p->out->n - 1])
        return lyne_fail(
            err, LYNE_EUSAGE,
            "%s is not done, and the writers of parts must find it done: first run the recipe with --stage "
            "%s, and copy its folder where they run",
            label, p->r->stage[o->stage].name);
    lyne_source_stage *earlier = sources(p, o);
    if (!earlier) return lyne_fail_memory(err, "a run");
    const lyne_job job = job_of(p, o, label, directory, earlier);
    lyne_status status = lyne_directory_make(directory, err);
    return status == LYNE_OK ? row_of(p->r, o->stage)->run(&job, &o->result, err) : status;
}

static lyne_status do_job(const pipeline *p, lyne_outcome *o, const char *label, const char *directory,
                          lyne_error *err) {
    lyne_source_stage *earlier = sources(p, o);
    if (!earlier) return lyne_fail_memory(err, "a run");
    lyne_status status = lyne_directory_make(directory, err);
    if (status == LYNE_OK) status = sweep(directory, err);
    if (status == LYNE_OK) status = forget(p, directory, err);
    if (status != LYNE_OK) return status;
    const lyne_job job = job_of(p, o, label, directory, earlier);
    status = row_of(p->r, o->stage)->run(&job, &o->result, err);
    if (status == LYNE_OK) status = lyne_result_file_save(directory, o->fingerprint, &o->result, &o->files, err);
    return status;
}

static lyne_status run_job(const pipeline *p, lyne_outcome *o, lyne_error *err) {
    char directory[LYNE_PATH_MAX], label[128];
    lyne_status status = lyne_path(directory, p->o->out, o->directory, err);
    if (status != LYNE_OK) return status;
    const char *name = p->r->stage[o->stage].name;
    if (o->once || p->r->seeds.n == 1)
        snprintf(label, sizeof label, "%s", name);
    else
        snprintf(label, sizeof label, "%s, seed %llu", name, (unsigned long long)o->seed);
    if ((status = fingerprint(p, o, err)) != LYNE_OK) return status;
    o->was_up_to_date = lyne_result_file_load(directory, o->fingerprint, &o->result, &o->files);
    if (p->o->starting) p->o->starting(p->o->self, label, o->was_up_to_date);
    if (!o->was_up_to_date) {
        o->result = lyne_result_empty();
        status = (p->o->n_parts ? do_part : do_job)(p, o, label, directory, err);
        if (status != LYNE_OK) return status;
    }
    if (!p->o->n_parts && row_of(p->r, o->stage)->product == LYNE_MAKES_MODEL)
        status = lyne_checkpoint_clear(directory, err);
    return status == LYNE_OK ? model_bytes(p, o, directory, err) : status;
}

/* ---- the run ---- */

static lyne_status enter(pipeline *p, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_text text = {0};
    lyne_status status = lyne_directory_make(p->o->out, err);
    if (status == LYNE_OK) status = lyne_path(path, p->o->out, ".lock", err);
    if (status == LYNE_OK && p->o->n_parts) return lyne_lock_shared(path, &p->lock, err);
    if (status == LYNE_OK) status = lyne_lock(path, &p->lock, err);
    if (status == LYNE_OK) status = sweep(p->o->out, err);
    if (status == LYNE_OK) status = lyne_path(path, p->o->out, "recipe.yaml", err);
    if (status != LYNE_OK) return status;
    lyne_recipe_print(p->r, &text);
    status = text.failed ? lyne_fail_memory(err, "a recipe") : lyne_file_commit(path, text.data, text.length, err);
    lyne_text_free(&text);
    return status;
}

static lyne_status check_precision(const lyne_recipe *r, lyne_error *err) {
    if (r->task.precision != LYNE_BF16 || dnn_has_bf16()) return LYNE_OK;
    return lyne_fail(
        err, LYNE_EENVIRONMENT,
        "precision: bf16 needs a CPU with AVX512-BF16 or AMX, and here oneDNN uses %s; precision: auto takes "
        "f32 on such a CPU",
        dnn_isa());
}

static lyne_status run_all(pipeline *p, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_status status = check_precision(p->r, err);
    if (status == LYNE_OK) status = choose_stages(p, err);
    if (status == LYNE_OK) status = enter(p, err);
    if (status == LYNE_OK) status = lyne_pipeline_open(p->r, p->o, LYNE_TRAIN, &p->train, err);
    if (status == LYNE_OK) status = lyne_pipeline_open(p->r, p->o, LYNE_TEST, &p->test, err);
    if (status == LYNE_OK) status = hold_out(p, err);
    if (status == LYNE_OK) status = list_jobs(p, err);
    for (size_t i = 0; i < p->out->n && status == LYNE_OK; i++) status = run_job(p, &p->out->item[i], err);
    p->out->seconds = lyne_now() - p->start;
    if (p->o->n_parts) return status; /* there are no results yet */
    if (status == LYNE_OK) status = lyne_path(path, p->o->out, "results.json", err);
    if (status == LYNE_OK) status = lyne_results_save(p->r, p->out, path, err);
    return status;
}

/* What bits depend on besides the recipe.  NULL when memory is out. */
static const char *environment(lyne_arena *arena) {
    const char *text = lyne_arena_printf(arena, "oneDNN %s, %s, %d thread%s", dnn_version(), dnn_isa(),
                                         omp_get_max_threads(), omp_get_max_threads() == 1 ? "" : "s");
    size_t n;
    const lyne_origin *plugin = lyne_origins(&n);
    for (size_t i = 0; text && i < n; i++) {
        char digest[LYNE_DIGEST_TEXT];
        lyne_digest_print(plugin[i].digest, digest);
        text = lyne_arena_printf(arena, "%s, plug-in %.8s", text, digest);
    }
    return text;
}

lyne_status lyne_pipeline_run(const lyne_recipe *r, const lyne_run_options *o, lyne_outcomes *out, lyne_error *err) {
    pipeline p = {.r = r, .o = o, .out = out, .lock = -1, .start = lyne_now()};
    *out = (lyne_outcomes){0};
    out->environment = environment(&out->arena);
    lyne_status status = out->environment ? run_all(&p, err) : lyne_fail_memory(err, "a run");
    lyne_dataset_close(&p.train);
    lyne_dataset_close(&p.test);
    lyne_dataset_close(&p.validation);
    lyne_subset_free(&p.rest);
    lyne_unlock(p.lock);
    return status;
}

void lyne_outcomes_free(lyne_outcomes *out) {
    if (out) lyne_arena_free(&out->arena);
}
