/* recipe/limits.c -- will what is left to do fit into the memory and onto the disk that there are? */
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "recipe/jobs.h"

/* Of what is to be written, in case it is a little more. */
#define DISK_MARGIN 1.1

/* Soft labels are mapped: the system takes their pages back when it needs them. */
static uint64_t held_by(const lyne_outcome *o) {
    return o->peak_memory - (o->mapped < o->peak_memory ? o->mapped : o->peak_memory);
}

static lyne_status check_memory(const lyne_jobs *p, const lyne_memory_limits *limits, lyne_error *err) {
    const lyne_outcome *most = NULL;
    char need[16], have[16];
    for (size_t i = 0; i < p->out->n; i++) {
        const lyne_outcome *o = &p->out->item[i];
        if (!o->was_up_to_date && (!most || held_by(o) > held_by(most))) most = o;
    }
    if (!most) return LYNE_OK;
    const char *stage = lyne_recipe_folder(p->r, most->stage);
    lyne_human((double)held_by(most), need);
    lyne_human((double)limits->most, have);
    if (held_by(most) > limits->most)
        return lyne_fail(
            err, LYNE_ENOSPACE,
            "%s will take %sB of memory, and this process may have %sB (%s); a smaller batch, memory: lean or "
            "precision: bf16 takes less, --ignore-limits starts all the same",
            stage, need, have, limits->file);
    const uint64_t here = lyne_memory_resident(), more = held_by(most) > here ? held_by(most) - here : 0;
    lyne_human((double)limits->available, have);
    if (more > limits->available)
        lyne_warn("%s will take %sB of memory, and %sB are free; others may have to make room", stage, need, have);
    return LYNE_OK;
}

/* What lies in a job's folder: here, soft labels that it goes on with, or what it puts something else in the place of;
 * in another run, what is copied. */
static lyne_status bytes_in(const char *directory, uint64_t *bytes, lyne_error *err) {
    char **name, path[LYNE_PATH_MAX];
    size_t n;
    *bytes = 0;
    if (!lyne_file_exists(directory)) return LYNE_OK;
    lyne_status status = lyne_directory_list(directory, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        uint64_t size = 0;
        status = lyne_path(path, directory, name[i], err);
        if (status == LYNE_OK && lyne_file_size(path, &size, NULL) == LYNE_OK) *bytes += size;
    }
    lyne_names_free(name, n);
    return status;
}

/* What all jobs leave, and the most that one has there besides while it runs. */
static lyne_status bytes_to_write(const lyne_jobs *p, uint64_t *bytes, lyne_error *err) {
    uint64_t meanwhile = 0;
    lyne_status status = LYNE_OK;
    *bytes = 0;
    for (size_t i = 0; i < p->out->n && status == LYNE_OK; i++) {
        const lyne_outcome *o = &p->out->item[i];
        char directory[LYNE_PATH_MAX];
        uint64_t there, due = o->cost.disk;
        if (o->was_up_to_date && !o->copied_from) continue;
        if (o->copied_from) status = bytes_in(o->copied_from, &due, err);
        if (p->o->n_parts) due = due / p->o->n_parts + 1;
        if (status == LYNE_OK) status = lyne_path(directory, p->o->out, o->directory, err);
        if (status == LYNE_OK) status = lyne_file_within(directory, &p->o->out, 1, err);
        if (status == LYNE_OK) status = bytes_in(directory, &there, err);
        if (status == LYNE_OK && due > there) *bytes += due - there;
        if (o->cost.disk_meanwhile > meanwhile) meanwhile = o->cost.disk_meanwhile;
    }
    *bytes += meanwhile;
    return status;
}

lyne_status lyne_jobs_fit(const lyne_jobs *p, const lyne_memory_limits *memory, uint64_t disk_free, lyne_error *err) {
    uint64_t bytes = 0;
    char need[16], have[16];
    lyne_status status = check_memory(p, memory, err);
    if (status == LYNE_OK) status = bytes_to_write(p, &bytes, err);
    if (status != LYNE_OK || DISK_MARGIN * (double)bytes <= (double)disk_free) return status;
    lyne_human((double)bytes, need);
    lyne_human((double)disk_free, have);
    return lyne_fail(
        err, LYNE_ENOSPACE,
        "%s: %sB will be written, and %sB are free there; make room, or give --out a folder on another disk; "
        "fewer views or encoding: topk makes soft labels smaller, --ignore-limits starts all the same",
        p->o->out, need, have);
}
