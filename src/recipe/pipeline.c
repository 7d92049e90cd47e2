/* recipe/pipeline.c -- running, in order, the jobs that are not up to date. */
#include "recipe/pipeline.h"
#include "base/file.h"
#include "base/log.h"
#include "recipe/begun.h"
#include "recipe/environment.h"
#include "recipe/jobs.h"
#include "recipe/result_file.h"
#include "train/checkpoint.h"
#include <stdio.h>
#include <string.h>

/* A file of the run itself, or what a commit calls it until it is whole. */
static bool is_of_run(const char *name) {
    static const char *const files[] = {"recipe.yaml", "results.json", "environment.json", "log.txt"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strlen(files[i]) == lyne_file_stem(name) && strncmp(name, files[i], lyne_file_stem(name)) == 0) return true;
    return false;
}

/* What a killed process was writing; nobody else writes here, as we have the lock.  Soft labels see to themselves. */
static bool is_left_behind(const void *self, const char *name) {
    static const char *const begins[] = {"result.json.", "model.safetensors.", "checkpoint-", "labels-", "begun"};
    (void)self;
    if (!name[lyne_file_stem(name)]) return false;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(name, begins[i], strlen(begins[i])) == 0) return true;
    return is_of_run(name);
}

static lyne_status sweep(const char *directory, lyne_error *err) {
    return lyne_directory_weed(directory, is_left_behind, NULL, err);
}

/* Before a job: say what it is made with, and remove what speaks of files that are about to change, and the model of another
 * recipe: a job that fails leaves neither.  Soft labels see to themselves (labels/writer.h). */
static lyne_status forget(const lyne_jobs *p, const char *directory, lyne_error *err) {
    const struct {
        const char *directory, *name;
    } file[] = {{directory, "result.json"}, {directory, "model.safetensors"}, {p->o->out, "results.json"}};
    lyne_status status = lyne_environment_save(p->o->out, err);
    for (size_t i = 0; i < sizeof file / sizeof *file && status == LYNE_OK; i++) {
        char path[LYNE_PATH_MAX];
        status = lyne_path(path, file[i].directory, file[i].name, err);
        if (status == LYNE_OK) status = lyne_file_remove(path, err);
    }
    return status;
}

static lyne_begun begun_of(const lyne_jobs *p, const lyne_outcome *o, const char *directory) {
    return (lyne_begun){.directory = directory,
                        .part = p->o->part,
                        .n_parts = p->o->n_parts,
                        .fingerprint = o->fingerprint,
                        .environment = p->out->environment,
                        .any_environment = p->o->any_environment,
                        .asks = lyne_jobs_row(p, o)->ask != NULL};
}

static lyne_status do_job(lyne_jobs *p, lyne_outcome *o, const char *label, const char *directory, lyne_error *err) {
    lyne_job job;
    const lyne_begun begun = begun_of(p, o, directory);
    const char *made_in;
    lyne_status status = lyne_jobs_make(p, o, label, directory, &job, err);
    if (status == LYNE_OK) status = lyne_directory_make(directory, err);
    if (status == LYNE_OK) status = sweep(directory, err);
    if (status == LYNE_OK) status = lyne_begun_enter(&begun, err);
    if (status == LYNE_OK) status = forget(p, directory, err);
    if (status == LYNE_OK) status = lyne_jobs_row(p, o)->run(&job, &o->result, err);
    if (status == LYNE_OK) status = lyne_begun_all(&begun, &p->work, &made_in, err);
    if (status == LYNE_OK) status = lyne_result_file_save(directory, &o->inputs, &o->result, made_in, &o->files, err);
    return status;
}

/* One part of soft labels; others may be at theirs in the same directory, so nothing else in it is touched. */
static lyne_status do_part(lyne_jobs *p, lyne_outcome *o, const char *label, const char *directory, lyne_error *err) {
    lyne_job job;
    const lyne_begun begun = begun_of(p, o, directory);
    if (o != &p->out->item[p->out->n - 1])
        return lyne_fail(
            err, LYNE_EUSAGE,
            "%s is not done, and the writers of parts must find it done: first run the recipe with --stage "
            "%s, and copy its folder where they run",
            label, p->r->stage[o->stage].name);
    lyne_status status = lyne_jobs_make(p, o, label, directory, &job, err);
    if (status == LYNE_OK) status = lyne_environment_save(p->o->out, err);
    if (status == LYNE_OK) status = lyne_directory_make(directory, err);
    if (status == LYNE_OK) status = lyne_begun_enter(&begun, err);
    return status == LYNE_OK ? lyne_jobs_row(p, o)->run(&job, &o->result, err) : status;
}

/* What another run has done just so. */
static lyne_status copy_job(const lyne_jobs *p, lyne_outcome *o, const char *directory, lyne_error *err) {
    lyne_status status = lyne_directory_make(directory, err);
    if (status == LYNE_OK) status = forget(p, directory, err);
    if (status == LYNE_OK) status = lyne_result_file_copy(o->copied_from, directory, err);
    if (status != LYNE_OK) return status;
    return lyne_result_file_load(directory, o->fingerprint, &o->was_up_to_date, &o->result, &o->files, err);
}

static lyne_status run_job(lyne_jobs *p, lyne_outcome *o, lyne_error *err) {
    char directory[LYNE_PATH_MAX], done[LYNE_PATH_MAX + 16] = "up to date", label[128];
    lyne_status status = lyne_path(directory, p->o->out, o->directory, err);
    if (status == LYNE_OK) status = lyne_file_within(directory, &p->o->out, 1, err);
    if (status != LYNE_OK) return status;
    const char *name = lyne_recipe_folder(p->r, o->stage);
    if (o->once || p->r->seeds.n == 1)
        snprintf(label, sizeof label, "%s", name);
    else
        snprintf(label, sizeof label, "%s, seed %llu", name, (unsigned long long)o->seed);
    if ((status = lyne_jobs_fingerprint(p, o, err)) != LYNE_OK) return status;
    status = lyne_jobs_find(p, o, directory, err);
    if (status == LYNE_OK && o->copied_from) status = copy_job(p, o, directory, err);
    if (status != LYNE_OK) return status;
    if (o->copied_from) snprintf(done, sizeof done, "taken from %s", o->copied_from);
    if (p->o->starting) p->o->starting(p->o->self, label, o->was_up_to_date ? done : NULL);
    if (!o->was_up_to_date) {
        o->result = lyne_result_empty();
        status = (p->o->n_parts ? do_part : do_job)(p, o, label, directory, err);
        if (status != LYNE_OK) return status;
    }
    if (!p->o->n_parts) status = lyne_begun_leave(directory, err);
    if (status == LYNE_OK && !p->o->n_parts && lyne_jobs_row(p, o)->product == LYNE_MAKES_MODEL)
        status = lyne_checkpoint_clear(directory, err);
    return status == LYNE_OK ? lyne_jobs_made(p, o, directory, err) : status;
}

/* ---- the run ---- */

/* A folder with files of somebody's in it is no place for a run, which would write over what is called as its own are.  A run's
 * has an environment.json from the first job on, and before that no other file than a run's, beside its lock.  Folders may be
 * there: soft labels that were merged, the teacher that they were copied with. */
static lyne_status check_folder(const char *out, const char *name, lyne_error *err) {
    char path[LYNE_PATH_MAX], **names;
    size_t n;
    if (lyne_environment_stands(out)) return LYNE_OK;
    lyne_status status = lyne_path(path, out, ".lock", err);
    if (status != LYNE_OK) return status;
    const bool locked = lyne_file_exists(path);
    status = lyne_directory_list(out, &names, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        uint64_t size;
        if (names[i][0] == '.' || (locked && is_of_run(names[i]) && strcmp(names[i], "environment.json") != 0))
            continue;
        status = lyne_path(path, out, names[i], err);
        if (status == LYNE_OK && lyne_file_size(path, &size, NULL) == LYNE_OK)
            status =
                lyne_fail(err, LYNE_EUSAGE,
                          "%s: is no folder of a run, and has files in it (%s); a run has a folder to itself, as in "
                          "--out runs/%s",
                          out, names[i], name);
    }
    lyne_names_free(names, n);
    return status;
}

/* Make the directory ours, and keep the recipe in it as it was understood. */
static lyne_status enter(const lyne_recipe *r, const lyne_run_options *o, int *lock, lyne_error *err) {
    const char *out = o->out;
    char path[LYNE_PATH_MAX];
    lyne_text text = {0};
    lyne_status status = lyne_directory_make(out, err);
    if (status == LYNE_OK) status = check_folder(out, r->name, err);
    if (status == LYNE_OK) status = lyne_path(path, out, ".lock", err);
    if (status == LYNE_OK && o->n_parts) return lyne_lock_shared(path, lock, err);
    if (status == LYNE_OK) status = lyne_lock(path, lock, err);
    if (status == LYNE_OK) status = sweep(out, err);
    if (status == LYNE_OK) status = lyne_path(path, out, "recipe.yaml", err);
    if (status != LYNE_OK) return status;
    lyne_recipe_print(r, &text);
    status = text.failed ? lyne_fail_memory(err, "a recipe") : lyne_file_commit(path, text.data, text.length, err);
    lyne_text_free(&text);
    return status == LYNE_OK ? lyne_environment_begin(out, err) : status;
}

/* Better before an hour's work than behind it. */
static lyne_status check_limits(lyne_jobs *p, lyne_error *err) {
    const lyne_memory_limits memory = lyne_memory_limits_in("");
    uint64_t disk;
    lyne_status status = lyne_jobs_look(p, false, 0, err);
    if (status == LYNE_OK) status = lyne_disk_free(p->o->out, &disk, err);
    return status == LYNE_OK ? lyne_jobs_fit(p, &memory, disk, err) : status;
}

/* One recipe: the whole of it, or a point of a sweep. */
static lyne_status run_jobs(const lyne_recipe *r, const lyne_run_options *o, lyne_outcomes *out, lyne_error *err) {
    lyne_jobs p;
    const double start = lyne_now();
    lyne_status status = lyne_jobs_open(&p, r, o, out, err);
    if (status == LYNE_OK && !o->ignore_limits) status = check_limits(&p, err);
    for (size_t i = 0; i < out->n && status == LYNE_OK; i++) {
        status = run_job(&p, &out->item[i], err);
        lyne_jobs_leave(&p, &out->item[i]);
    }
    if (status == LYNE_OK) status = lyne_jobs_add_others(&p, err);
    out->seconds = lyne_now() - start;
    out->peak_memory = lyne_memory_peak();
    lyne_jobs_close(&p);
    return status;
}

lyne_status lyne_pipeline_run(const lyne_recipe *r, const lyne_run_options *o, lyne_outcomes *out, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    int lock = -1;
    const size_t n = lyne_recipe_count(r);
    for (size_t i = 0; i < n; i++) out[i] = (lyne_outcomes){0};
    if (o->n_parts && r->n_points)
        return lyne_fail(err, LYNE_EUSAGE,
                         "--shard: the recipe sweeps; choose one point of it with --set 'sweep=~' and "
                         "the values");
    lyne_status status = enter(r, o, &lock, err);
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        status = run_jobs(lyne_recipe_at(r, i), o, &out[i], err);
        if (status != LYNE_OK && r->n_points) lyne_error_context(err, "%s", r->point[i].label);
    }
    if (status == LYNE_OK && !o->n_parts) { /* else there are no results yet */
        status = lyne_path(path, o->out, "results.json", err);
        if (status == LYNE_OK) status = lyne_results_save(r, out, path, err);
    }
    const lyne_status logged = lyne_environment_end(status, err);
    lyne_unlock(lock);
    return status == LYNE_OK ? logged : status;
}

void lyne_outcomes_free(lyne_outcomes *out) {
    if (out) lyne_arena_free(&out->arena);
}
