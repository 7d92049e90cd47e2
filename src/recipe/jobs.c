/* recipe/jobs.c -- which jobs a recipe has, where their files are, and what each depends on. */
#include "recipe/jobs.h"
#include "base/cpu.h"
#include "base/file.h"
#include "component/origin.h"
#include "dnn/dnn.h"
#include "graph/weights.h"
#include "recipe/result_file.h"
#include <omp.h>
#include <string.h>

/* Goes up when the same recipe would give other numbers with this version of the code. */
#define NUMERICS 8

/* ---- the data ---- */

lyne_status lyne_pipeline_open(const lyne_recipe *r, const lyne_run_options *o, lyne_split split, lyne_dataset *d,
                               lyne_error *err) {
    const lyne_data_paths paths = {.dataset = r->data, .directory = o->data_directory, .n = o->n_data_directories};
    const lyne_instance *format = &r->description.format;
    lyne_status status = lyne_dataset_open(d, (const lyne_format *)format->row, format->config, split, &paths, err);
    if (status != LYNE_OK) return lyne_error_context(err, "data set '%s'", r->data);
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
static lyne_status hold_out(lyne_jobs *p, lyne_error *err) {
    lyne_subset held = {0};
    if (p->r->validation == 0) return LYNE_OK;
    lyne_status status = lyne_subset_draw(&p->train, p->r->validation, &held, &p->rest, err);
    if (status == LYNE_OK) status = lyne_subset_copy(&p->train, &held, LYNE_VALIDATION, &p->validation, err);
    lyne_subset_free(&held);
    return status;
}

lyne_status lyne_recipe_check_cpu(const lyne_recipe *r, lyne_error *err) {
    if (r->task.precision != LYNE_BF16 || dnn_has_bf16()) return LYNE_OK;
    return lyne_fail(
        err, LYNE_EENVIRONMENT,
        "precision: bf16 needs a CPU with AVX512-BF16 or AMX, and here oneDNN uses %s; precision: auto takes "
        "f32 on such a CPU",
        dnn_isa());
}

/* ---- jobs ---- */

const lyne_stage *lyne_jobs_row(const lyne_jobs *p, const lyne_outcome *o) {
    return (const lyne_stage *)p->r->stage[o->stage].kind.row;
}

/* The outcome of a stage for a seed: the one run of a stage that runs once. */
static lyne_outcome *outcome_of(const lyne_jobs *p, const char *stage, uint64_t seed) {
    for (size_t i = 0; i < p->out->n; i++) {
        lyne_outcome *o = &p->out->item[i];
        if (strcmp(p->r->stage[o->stage].name, stage) == 0 && (o->once || o->seed == seed)) return o;
    }
    return NULL;
}

lyne_outcome *lyne_jobs_read(const lyne_jobs *p, const lyne_outcome *o, size_t k) {
    const size_t source = lyne_recipe_reads(p->r, o->stage, k);
    return source == SIZE_MAX ? NULL : outcome_of(p, p->r->stage[source].name, o->seed);
}

static void add_references(const lyne_jobs *p, lyne_inputs *in, const lyne_outcome *o) {
    const lyne_outcome *source;
    for (size_t k = 0; (source = lyne_jobs_read(p, o, k)) != NULL; k++) {
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

lyne_status lyne_jobs_fingerprint(lyne_jobs *p, lyne_outcome *o, lyne_error *err) {
    const lyne_recipe *r = p->r;
    const lyne_instance *kind = &r->stage[o->stage].kind;
    lyne_inputs *in = &o->inputs;
    *in = (lyne_inputs){.arena = &p->work};
    lyne_inputs_number(in, "numerics of this version", NUMERICS);
    lyne_inputs_instance(in, "", kind);
    lyne_inputs_number(in, "seed", o->seed);
    lyne_inputs_text(in, "precision", r->task.precision == LYNE_BF16 ? "bf16" : "f32");
    for (size_t i = 0; r->task.precision == LYNE_BF16 && i < r->keep_f32.n; i++)
        lyne_inputs_text(in, "keep_f32", r->keep_f32.item[i]);
    lyne_inputs_digest(in, "training pictures", p->train.digest);
    lyne_inputs_digest(in, "test pictures", p->test.digest);
    lyne_inputs_digest(in, "classes", r->classes);
    const lyne_origin *format = lyne_origin_of(r->description.format.row);
    if (format) lyne_inputs_digest(in, "plug-in of the data set", format->digest);
    if (r->validation) lyne_inputs_digest(in, "validation pictures", p->validation.digest);
    lyne_inputs_floats(in, "mean", &r->task.mean);
    lyne_inputs_floats(in, "sd", &r->task.sd);
    add_references(p, in, o);
    if (lyne_jobs_row(p, o)->files) {
        lyne_digest files;
        lyne_status status = lyne_jobs_row(p, o)->files(kind->config, &files, err);
        if (status != LYNE_OK) return lyne_error_context(err, "%s", r->stage[o->stage].name);
        lyne_inputs_digest(in, "files that it reads", files);
    }
    o->fingerprint = lyne_inputs_fingerprint(in);
    return in->failed ? lyne_fail_memory(err, "a run") : LYNE_OK;
}

lyne_status lyne_jobs_find(lyne_jobs *p, lyne_outcome *o, const char *directory, lyne_error *err) {
    o->copied_from = NULL;
    lyne_status status =
        lyne_result_file_load(directory, o->fingerprint, &o->was_up_to_date, &o->result, &o->files, err);
    for (size_t i = 0; i < (p->o->n_parts ? 0 : p->o->n_reuse) && !o->was_up_to_date && status == LYNE_OK; i++) {
        char from[LYNE_PATH_MAX];
        status = lyne_path(from, p->o->reuse[i], o->directory, err);
        if (status == LYNE_OK) status = lyne_file_within(from, &p->o->reuse[i], 1, err);
        if (status == LYNE_OK)
            status = lyne_result_file_load(from, o->fingerprint, &o->was_up_to_date, &o->result, &o->files, err);
        if (status != LYNE_OK || !o->was_up_to_date) continue;
        o->copied_from = lyne_arena_printf(&p->out->arena, "%s", from);
        if (!o->copied_from) return lyne_fail_memory(err, "a run");
    }
    return status;
}

/* Which stages are asked for. */
static bool is_wanted(const lyne_jobs *p, size_t stage) {
    return !p->wanted || p->wanted[stage];
}

/* Of `stage` and all that it reads. */
static void want(lyne_jobs *p, size_t stage) {
    size_t source;
    if (p->wanted[stage]) return; /* by another way, and there may be very many */
    p->wanted[stage] = true;
    for (size_t k = 0; (source = lyne_recipe_reads(p->r, stage, k)) != SIZE_MAX; k++) want(p, source);
}

static lyne_status choose_stages(lyne_jobs *p, lyne_error *err) {
    const lyne_recipe *r = p->r;
    const char *name = p->o->stage, *names[64];
    size_t n = 0, s = 0;
    if (!name) return LYNE_OK;
    while (s < r->n_stages && strcmp(r->stage[s].name, name) != 0) s++;
    if (s == r->n_stages) {
        for (size_t i = 0; i < r->n_stages && n < 64; i++) names[n++] = r->stage[i].name;
        char hint[LYNE_HINT_TEXT];
        return lyne_fail(err, LYNE_EUSAGE, "there is no stage '%s' in the recipe%s", name,
                         lyne_hint(name, names, n, "", hint));
    }
    const lyne_product product = ((const lyne_stage *)r->stage[s].kind.row)->product;
    if (p->o->n_parts && product != LYNE_MAKES_LABELS)
        return lyne_fail(err, LYNE_EUSAGE, "stage '%s' makes %s, and only soft labels are written in parts", name,
                         lyne_product_name(product));
    p->wanted = lyne_arena_alloc(&p->out->arena, r->n_stages * sizeof *p->wanted);
    if (!p->wanted) return lyne_fail_memory(err, "a run");
    want(p, s);
    return LYNE_OK;
}

static lyne_status add_jobs(lyne_jobs *p, size_t stage, lyne_error *err) {
    const lyne_recipe *r = p->r;
    lyne_outcomes *out = p->out;
    const char *folder = lyne_recipe_folder(r, stage);
    for (size_t k = 0; k < (r->once[stage] ? 1 : r->seeds.n); k++) {
        lyne_outcome *o = &out->item[out->n];
        *o = (lyne_outcome){.stage = stage, .once = r->once[stage], .seed = (uint64_t)r->seeds.item[k]};
        o->directory = o->once ? lyne_arena_printf(&out->arena, "%s", folder)
                               : lyne_arena_printf(&out->arena, "%s/seed-%llu", folder, (unsigned long long)o->seed);
        if (!o->directory) return lyne_fail_memory(err, "a run");
        o->result = lyne_result_empty();
        out->n++;
    }
    return LYNE_OK;
}

static lyne_outcome *room_for_all(lyne_jobs *p) {
    return lyne_arena_alloc(&p->out->arena, p->r->n_stages * p->r->seeds.n * sizeof(lyne_outcome));
}

/* All jobs in order, with their directories. */
static lyne_status list_jobs(lyne_jobs *p, lyne_error *err) {
    lyne_status status = LYNE_OK;
    if (!(p->out->item = room_for_all(p))) return lyne_fail_memory(err, "a run");
    for (size_t s = 0; s < p->r->n_stages && status == LYNE_OK; s++)
        if (is_wanted(p, s)) status = add_jobs(p, s, err);
    return status;
}

lyne_status lyne_jobs_made(const lyne_jobs *p, lyne_outcome *o, const char *directory, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    o->made = o->files;
    lyne_status status = lyne_result_file_provenance(directory, &p->out->arena, &o->provenance, err);
    if (status != LYNE_OK || lyne_jobs_row(p, o)->product != LYNE_MAKES_MODEL) return status;
    status = lyne_path(path, directory, "model.safetensors", err);
    if (status == LYNE_OK) status = lyne_file_size(path, &o->model_bytes, err);
    return status == LYNE_OK ? lyne_weights_file_digest(path, &o->made, err) : status;
}

static bool reads_all(const lyne_jobs *p, const lyne_outcome *o) {
    size_t k = 0;
    while (lyne_recipe_reads(p->r, o->stage, k) != SIZE_MAX)
        if (!lyne_jobs_read(p, o, k++)) return false;
    return true;
}

/* LYNE_EDATA, or what else is wrong with it: it does not stand. */
static lyne_status load_other(lyne_jobs *p, lyne_outcome *o, lyne_error *err) {
    char directory[LYNE_PATH_MAX];
    if (!reads_all(p, o)) return LYNE_EDATA;
    lyne_status status = lyne_path(directory, p->o->out, o->directory, err);
    if (status == LYNE_OK) status = lyne_file_within(directory, &p->o->out, 1, err);
    if (status == LYNE_OK) status = lyne_jobs_fingerprint(p, o, err);
    if (status == LYNE_OK)
        status = lyne_result_file_load(directory, o->fingerprint, &o->was_up_to_date, &o->result, &o->files, err);
    if (status == LYNE_OK && !o->was_up_to_date) status = LYNE_EDATA;
    return status == LYNE_OK ? lyne_jobs_made(p, o, directory, err) : status;
}

lyne_status lyne_jobs_add_others(lyne_jobs *p, lyne_error *err) {
    lyne_outcomes *out = p->out;
    const lyne_outcome *done = out->item, *end = done + out->n;
    lyne_status status = LYNE_OK;
    if (!p->wanted || p->o->n_parts) return LYNE_OK;
    if (!(out->item = room_for_all(p))) status = lyne_fail_memory(err, "a run");
    out->n = 0;
    for (size_t s = 0; s < p->r->n_stages && status == LYNE_OK; s++) {
        const size_t first = out->n;
        while (done < end && done->stage == s) out->item[out->n++] = *done++;
        if (is_wanted(p, s)) continue;
        status = add_jobs(p, s, err);
        for (size_t i = first; i < out->n && status == LYNE_OK; i++) {
            lyne_error why = {0};
            status = load_other(p, &out->item[i], &why);
            lyne_jobs_leave(p, &out->item[i]);
            if (status == LYNE_OK) continue;
            out->n = first; /* seeds are shown together or not at all */
            status = status == LYNE_ENOSPACE ? lyne_fail(err, status, "%s", why.text) : LYNE_OK;
        }
    }
    return status;
}

/* The earlier stages with their directories, as seen with the seed of o.  NULL when memory is out. */
static lyne_source_stage *sources(lyne_jobs *p, const lyne_outcome *o) {
    lyne_arena *arena = &p->work;
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

lyne_status lyne_jobs_make(lyne_jobs *p, const lyne_outcome *o, const char *label, const char *directory, lyne_job *out,
                           lyne_error *err) {
    const lyne_source_stage *earlier = sources(p, o);
    if (!earlier) return lyne_fail_memory(err, "a run");
    *out = (lyne_job){.stage = &p->r->stage[o->stage],
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
                      .kernels = p->o->kernels,
                      .listener = p->o->listener};
    return LYNE_OK;
}

void lyne_jobs_leave(lyne_jobs *p, lyne_outcome *o) {
    lyne_arena_free(&p->work);
    o->inputs = (lyne_inputs){0};
}

/* ---- the whole ---- */

/* What bits depend on besides the recipe.  NULL when memory is out. */
static const char *environment(lyne_arena *arena) {
    const bool lowered = lyne_cpu_is_lowered();
    const char *text = lyne_arena_printf(
        arena, "oneDNN %s, %s, %s%s%s%d thread%s", dnn_version(), dnn_isa(), dnn_prefers_ymm() ? "prefer_ymm, " : "",
        lowered ? lyne_isa_name(lyne_cpu_isa()) : "", lowered ? " by LYNE_MAX_ISA, " : "", omp_get_max_threads(),
        omp_get_max_threads() == 1 ? "" : "s");
    size_t n;
    const lyne_origin *plugin = lyne_origins(&n);
    for (size_t i = 0; text && i < n; i++) {
        char digest[LYNE_DIGEST_TEXT];
        lyne_digest_print(plugin[i].digest, digest);
        text = lyne_arena_printf(arena, "%s, plug-in %.8s", text, digest);
    }
    return text;
}

lyne_status lyne_jobs_open(lyne_jobs *p, const lyne_recipe *r, const lyne_run_options *o, lyne_outcomes *out,
                           lyne_error *err) {
    *p = (lyne_jobs){.r = r, .o = o, .out = out};
    *out = (lyne_outcomes){0};
    out->environment = environment(&out->arena);
    if (!out->environment) return lyne_fail_memory(err, "a run");
    lyne_status status = lyne_recipe_check_cpu(r, err);
    if (status == LYNE_OK) status = choose_stages(p, err);
    if (status == LYNE_OK) status = lyne_pipeline_open(r, o, LYNE_TRAIN, &p->train, err);
    if (status == LYNE_OK) status = lyne_pipeline_open(r, o, LYNE_TEST, &p->test, err);
    if (status == LYNE_OK) status = hold_out(p, err);
    return status == LYNE_OK ? list_jobs(p, err) : status;
}

void lyne_jobs_close(lyne_jobs *p) {
    lyne_dataset_close(&p->train);
    lyne_dataset_close(&p->test);
    lyne_dataset_close(&p->validation);
    lyne_subset_free(&p->rest);
}
