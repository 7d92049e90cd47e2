/* recipe/pipeline.c -- which jobs there are, which are up to date, and running the others in order. */
#include "recipe/pipeline.h"
#include "base/file.h"
#include "base/log.h"
#include "recipe/result_file.h"
#include "train/checkpoint.h"
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* Goes up when the same recipe would give other numbers with this version of the code. */
#define NUMERICS 2

typedef struct pipeline {
    const lyne_recipe *r;
    const lyne_run_options *o;
    lyne_outcomes *out;
    lyne_dataset train, test;
    int lock;
    double start;   /* clock */
    double measure; /* how long each stage is timed when looking [s] */
} pipeline;

/* ---- the data ---- */

static lyne_status open_split(pipeline *p, lyne_dataset *d, lyne_split split, lyne_error *err) {
    const lyne_recipe *r = p->r;
    const lyne_data_paths paths = {
        .dataset = r->data, .directory = p->o->data_directory, .n = p->o->n_data_directories};
    const lyne_format *format = (const lyne_format *)r->description.format.row;
    lyne_status status = format->open(d, r->description.format.config, split, &paths, err);
    if (status != LYNE_OK) return lyne_error_context(err, "data set '%s'", r->data);
    d->name = r->data;
    const lyne_picture_size *want = &r->task.picture;
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

/* The job that a field of o names; NULL when it names none or is no reference. */
static lyne_outcome *referred(const pipeline *p, const lyne_outcome *o, const lyne_field *f) {
    const lyne_reference *ref = (const void *)((const char *)p->r->stage[o->stage].kind.config + f->offset);
    return f->type == LYNE_FIELD_STAGE && ref->name ? outcome_of(p, ref->name, o->seed) : NULL;
}

static void add_references(const pipeline *p, lyne_inputs *in, const lyne_outcome *o) {
    for (const lyne_field *f = p->r->stage[o->stage].kind.row->fields; f && f->name; f++) {
        const lyne_outcome *source = referred(p, o, f);
        if (!source) continue;
        const char *name = p->r->stage[source->stage].name;
        const char *files = lyne_arena_printf(in->arena, "files of stage %s", name);
        name = lyne_arena_printf(in->arena, "stage %s", name);
        if (!name || !files) {
            in->failed = true;
            return;
        }
        lyne_inputs_digest(in, name, source->fingerprint);
        lyne_inputs_digest(in, files, source->files);
    }
}

/* Once the jobs that it reads are done. */
static lyne_status fingerprint(const pipeline *p, lyne_outcome *o, lyne_error *err) {
    const lyne_recipe *r = p->r;
    const lyne_instance *kind = &r->stage[o->stage].kind;
    lyne_inputs *in = &o->inputs;
    *in = (lyne_inputs){.arena = &p->out->arena};
    lyne_inputs_number(in, "numerics of this version", NUMERICS);
    lyne_inputs_instance(in, "", kind);
    lyne_inputs_number(in, "seed", o->seed);
    lyne_inputs_text(in, "precision", r->task.precision == LYNE_BF16 ? "bf16" : "f32");
    lyne_inputs_digest(in, "training pictures", p->train.digest);
    lyne_inputs_digest(in, "test pictures", p->test.digest);
    lyne_inputs_digest(in, "classes", r->classes);
    lyne_inputs_floats(in, "mean", &r->task.mean);
    lyne_inputs_floats(in, "sd", &r->task.sd);
    add_references(p, in, o);
    if (row_of(r, o->stage)->files) {
        lyne_digest files;
        lyne_status status = row_of(r, o->stage)->files(kind->config, &files, err);
        if (status != LYNE_OK) return lyne_error_context(err, "%s", r->stage[o->stage].name);
        lyne_inputs_digest(in, "files that it reads", files);
    }
    o->fingerprint = lyne_inputs_fingerprint(in);
    return in->failed ? lyne_fail_memory(err, "a run") : LYNE_OK;
}

/* All jobs in order, with their directories. */
static lyne_status list_jobs(pipeline *p, lyne_error *err) {
    const lyne_recipe *r = p->r;
    lyne_outcomes *out = p->out;
    out->item = lyne_arena_alloc(&out->arena, r->n_stages * r->seeds.n * sizeof *out->item);
    if (!out->item) return lyne_fail_memory(err, "a run");
    for (size_t s = 0; s < r->n_stages; s++)
        for (size_t k = 0; k < (r->once[s] ? 1 : r->seeds.n); k++) {
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

static lyne_status job_of(const pipeline *p, const lyne_outcome *o, const char *label, const char *directory,
                          lyne_job *out, lyne_error *err) {
    const lyne_source_stage *earlier = sources(p, o);
    if (!earlier) return lyne_fail_memory(err, "a run");
    *out = (lyne_job){.stage = &p->r->stage[o->stage],
                      .label = label,
                      .seed = o->seed,
                      .directory = directory,
                      .fingerprint = o->fingerprint,
                      .task = &p->r->task,
                      .classes = p->r->classes,
                      .train = &p->train,
                      .test = &p->test,
                      .earlier = earlier,
                      .n_earlier = o->stage,
                      .environment = p->out->environment,
                      .any_environment = p->o->any_environment,
                      .listener = p->o->listener};
    return LYNE_OK;
}

static lyne_status do_job(const pipeline *p, lyne_outcome *o, const char *label, const char *directory,
                          lyne_error *err) {
    lyne_job job;
    lyne_status status = job_of(p, o, label, directory, &job, err);
    if (status == LYNE_OK) status = lyne_directory_make(directory, err);
    if (status == LYNE_OK) status = sweep(directory, err);
    if (status == LYNE_OK) status = forget(p, directory, err);
    if (status == LYNE_OK) status = row_of(p->r, o->stage)->run(&job, &o->result, err);
    if (status == LYNE_OK) status = lyne_result_file_save(directory, &o->inputs, &o->result, &o->files, err);
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
        status = do_job(p, o, label, directory, err);
        if (status != LYNE_OK) return status;
    }
    if (row_of(p->r, o->stage)->product == LYNE_MAKES_MODEL) status = lyne_checkpoint_clear(directory, err);
    return status == LYNE_OK ? model_bytes(p, o, directory, err) : status;
}

/* ---- looking ---- */

static lyne_status check_precision(const lyne_recipe *r, lyne_error *err) {
    if (r->task.precision != LYNE_BF16 || dnn_has_bf16()) return LYNE_OK;
    return lyne_fail(
        err, LYNE_EENVIRONMENT,
        "precision: bf16 needs a CPU with AVX512-BF16 or AMX, and here oneDNN uses %s; precision: auto takes "
        "f32 on such a CPU",
        dnn_isa());
}

/* Why it must run, if so, as run_job would find it. */
static lyne_status look_for_changes(const pipeline *p, lyne_outcome *o, const char *directory, lyne_error *err) {
    lyne_arena *arena = &p->out->arena;
    for (const lyne_field *f = p->r->stage[o->stage].kind.row->fields; f && f->name && !o->why; f++) {
        const lyne_outcome *source = referred(p, o, f);
        if (!source || source->was_up_to_date) continue;
        o->why = lyne_arena_printf(arena, "reads %s, which will run", p->r->stage[source->stage].name);
        return o->why ? LYNE_OK : lyne_fail_memory(err, "a plan");
    }
    lyne_status status = fingerprint(p, o, err);
    if (status != LYNE_OK) return status;
    o->was_up_to_date = lyne_result_file_load(directory, o->fingerprint, &o->result, &o->files);
    if (o->was_up_to_date) return model_bytes(p, o, directory, err);
    o->why = lyne_result_file_why(directory, &o->inputs);
    return o->why ? LYNE_OK : lyne_fail_memory(err, "a plan");
}

/* Seeds cost the same: what another of the stage that runs was found to. */
static bool same_cost(const pipeline *p, lyne_outcome *o) {
    for (const lyne_outcome *other = p->out->item; other < o; other++)
        if (other->stage == o->stage && other->was_up_to_date == o->was_up_to_date) {
            o->cost = other->cost;
            return true;
        }
    return false;
}

/* Soft labels are mapped, so what has been read of them counts. */
static void add_mapped(const pipeline *p, lyne_outcome *o) {
    for (const lyne_field *f = p->r->stage[o->stage].kind.row->fields; f && f->name; f++) {
        const lyne_outcome *source = referred(p, o, f);
        if (source && row_of(p->r, source->stage)->product == LYNE_MAKES_LABELS) o->cost.memory += source->cost.disk;
    }
}

static lyne_status look_at_job(const pipeline *p, lyne_outcome *o, lyne_error *err) {
    char directory[LYNE_PATH_MAX];
    lyne_job job;
    lyne_status status = lyne_path(directory, p->o->out, o->directory, err);
    if (status == LYNE_OK) status = look_for_changes(p, o, directory, err);
    if (status == LYNE_OK) status = job_of(p, o, p->r->stage[o->stage].name, directory, &job, err);
    if (status != LYNE_OK || !row_of(p->r, o->stage)->cost || same_cost(p, o)) return status;
    status = row_of(p->r, o->stage)->cost(&job, o->was_up_to_date ? 0 : p->measure, &o->cost, err);
    if (status == LYNE_OK) add_mapped(p, o);
    return status;
}

static lyne_status look_at_all(pipeline *p, lyne_error *err) {
    lyne_outcomes *out = p->out;
    lyne_status status = check_precision(p->r, err);
    if (status == LYNE_OK) status = open_split(p, &p->train, LYNE_TRAIN, err);
    if (status == LYNE_OK) status = open_split(p, &p->test, LYNE_TEST, err);
    if (status == LYNE_OK) status = list_jobs(p, err);
    const uint64_t before = lyne_memory_resident();
    uint64_t most = 0;
    for (size_t i = 0; i < out->n && status == LYNE_OK; i++) {
        lyne_outcome *o = &out->item[i];
        status = look_at_job(p, o, err);
        if (!o->was_up_to_date && o->cost.memory > most) most = o->cost.memory;
        if (!o->was_up_to_date) out->seconds += o->cost.seconds;
    }
    /* The programs were made here as in a run, so what oneDNN and the threads take besides is in this process's peak. */
    out->peak_memory = before + most > lyne_memory_peak() ? before + most : lyne_memory_peak();
    return status;
}

/* ---- the run ---- */

static lyne_status enter(pipeline *p, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_text text = {0};
    lyne_status status = lyne_directory_make(p->o->out, err);
    if (status == LYNE_OK) status = lyne_path(path, p->o->out, ".lock", err);
    if (status == LYNE_OK) status = lyne_lock(path, &p->lock, err);
    if (status == LYNE_OK) status = sweep(p->o->out, err);
    if (status == LYNE_OK) status = lyne_path(path, p->o->out, "recipe.yaml", err);
    if (status != LYNE_OK) return status;
    lyne_recipe_print(p->r, &text);
    status = text.failed ? lyne_fail_memory(err, "a recipe") : lyne_file_commit(path, text.data, text.length, err);
    lyne_text_free(&text);
    return status;
}

static lyne_status run_all(pipeline *p, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_status status = check_precision(p->r, err);
    if (status == LYNE_OK) status = enter(p, err);
    if (status == LYNE_OK) status = open_split(p, &p->train, LYNE_TRAIN, err);
    if (status == LYNE_OK) status = open_split(p, &p->test, LYNE_TEST, err);
    if (status == LYNE_OK) status = list_jobs(p, err);
    for (size_t i = 0; i < p->out->n && status == LYNE_OK; i++) status = run_job(p, &p->out->item[i], err);
    p->out->seconds = lyne_now() - p->start;
    p->out->peak_memory = lyne_memory_peak();
    if (status == LYNE_OK) status = lyne_path(path, p->o->out, "results.json", err);
    if (status == LYNE_OK) status = lyne_results_save(p->r, p->out, path, err);
    return status;
}

static lyne_status begin(pipeline *p, lyne_status (*all)(pipeline *, lyne_error *), lyne_error *err) {
    lyne_outcomes *out = p->out;
    *out = (lyne_outcomes){0};
    out->environment = lyne_arena_printf(&out->arena, "oneDNN %s, %s, %d thread%s", dnn_version(), dnn_isa(),
                                         omp_get_max_threads(), omp_get_max_threads() == 1 ? "" : "s");
    lyne_status status = out->environment ? all(p, err) : lyne_fail_memory(err, "a run");
    lyne_dataset_close(&p->train);
    lyne_dataset_close(&p->test);
    lyne_unlock(p->lock);
    return status;
}

lyne_status lyne_pipeline_run(const lyne_recipe *r, const lyne_run_options *o, lyne_outcomes *out, lyne_error *err) {
    pipeline p = {.r = r, .o = o, .out = out, .lock = -1, .start = lyne_now()};
    return begin(&p, run_all, err);
}

lyne_status lyne_pipeline_look(const lyne_recipe *r, const lyne_run_options *o, double seconds, lyne_outcomes *out,
                               lyne_error *err) {
    pipeline p = {.r = r, .o = o, .out = out, .lock = -1, .measure = seconds};
    return begin(&p, look_at_all, err);
}

void lyne_outcomes_free(lyne_outcomes *out) {
    if (out) lyne_arena_free(&out->arena);
}
