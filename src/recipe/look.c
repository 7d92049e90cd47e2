/* recipe/look.c -- what a run would do and what that takes, without writing anything. */
#include "base/text.h"
#include "dnn/dnn.h"
#include "recipe/jobs.h"
#include "recipe/result_file.h"

/* Why it must run, if so, as run_job would find it. */
static lyne_status look_for_changes(lyne_jobs *p, lyne_outcome *o, const char *directory, lyne_error *err) {
    lyne_arena *arena = &p->out->arena;
    const lyne_outcome *source;
    for (size_t k = 0; (source = lyne_jobs_read(p, o, k)) != NULL; k++) {
        if (source->was_up_to_date) continue;
        o->why = lyne_arena_printf(arena, "reads %s, which will run", p->r->stage[source->stage].name);
        return o->why ? LYNE_OK : lyne_fail_memory(err, "a plan");
    }
    lyne_status status = lyne_jobs_fingerprint(p, o, err);
    if (status != LYNE_OK) return status;
    status = lyne_jobs_find(p, o, directory, err);
    if (status != LYNE_OK) return status;
    if (o->was_up_to_date) return lyne_jobs_made(p, o, o->copied_from ? o->copied_from : directory, err);
    const char *why = lyne_result_file_why(directory, &o->inputs);
    char *copy = why ? lyne_arena_printf(arena, "%s", why) : NULL;
    if (!copy) return lyne_fail_memory(err, "a plan");
    o->why = lyne_one_line(copy); /* it may quote result.json */
    return LYNE_OK;
}

/* Seeds cost the same: what another of the stage that runs was found to. */
static bool same_cost(const lyne_jobs *p, lyne_outcome *o) {
    for (const lyne_outcome *other = p->out->item; other < o; other++)
        if (other->stage == o->stage && other->was_up_to_date == o->was_up_to_date) {
            o->cost = other->cost;
            o->mapped = other->mapped;
            return true;
        }
    return false;
}

/* Soft labels are mapped, so what has been read of them counts. */
static void add_mapped(const lyne_jobs *p, lyne_outcome *o) {
    const lyne_outcome *source;
    for (size_t k = 0; (source = lyne_jobs_read(p, o, k)) != NULL; k++)
        if (lyne_jobs_row(p, source)->product == LYNE_MAKES_LABELS) o->mapped += source->cost.disk;
    o->cost.memory += o->mapped;
}

static lyne_status look_at_job(lyne_jobs *p, lyne_outcome *o, bool all, double seconds, lyne_error *err) {
    char directory[LYNE_PATH_MAX];
    lyne_job job;
    lyne_status status = lyne_path(directory, p->o->out, o->directory, err);
    if (status == LYNE_OK) status = look_for_changes(p, o, directory, err);
    if (status == LYNE_OK) status = lyne_jobs_make(p, o, p->r->stage[o->stage].name, directory, &job, err);
    if (status != LYNE_OK || (o->was_up_to_date && !all) || !lyne_jobs_row(p, o)->cost || same_cost(p, o))
        return status;
    status = lyne_jobs_row(p, o)->cost(&job, o->was_up_to_date && !job.kernels ? 0 : seconds, &o->cost, err);
    if (status == LYNE_OK) add_mapped(p, o);
    return status;
}

/* The least that a process takes that holds so much and then does the job; it may have taken more while it opened the
 * data. */
static uint64_t peak_of(const lyne_outcome *job, uint64_t holds) {
    const uint64_t peak = lyne_memory_peak(), sum = holds + job->cost.memory;
    return sum > peak ? sum : peak;
}

lyne_status lyne_jobs_look(lyne_jobs *p, bool all, double seconds, lyne_error *err) {
    lyne_outcomes *out = p->out;
    dnn_make_ready();
    const uint64_t empty = lyne_memory_resident();
    uint64_t code = 0; /* of oneDNN for the programs, which are made as in a run; what the first one takes, all do */
    lyne_status status = LYNE_OK;
    for (size_t i = 0; i < out->n && status == LYNE_OK; i++) {
        lyne_outcome *job = &out->item[i];
        const uint64_t before = lyne_memory_resident();
        status = look_at_job(p, job, all, seconds, err);
        lyne_jobs_leave(p, job);
        const uint64_t after = lyne_memory_resident(), come = seconds == 0 && after > before ? after - before : 0;
        const bool first = code == 0;
        if (first) code = come; /* a measurement leaves more behind than code */
        job->peak_memory = peak_of(job, empty + code + (first ? 0 : come));
        if (!job->was_up_to_date) out->seconds += job->cost.seconds;
    }
    const uint64_t holds = seconds == 0 ? lyne_memory_resident() : empty;
    for (size_t i = 0; i < out->n; i++)
        if (!out->item[i].was_up_to_date && peak_of(&out->item[i], holds) > out->peak_memory)
            out->peak_memory = peak_of(&out->item[i], holds);
    return status;
}

lyne_status lyne_pipeline_look(const lyne_recipe *r, const lyne_run_options *o, double seconds, lyne_outcomes *out,
                               lyne_error *err) {
    lyne_jobs p;
    lyne_status status = lyne_jobs_open(&p, r, o, out, err);
    if (status == LYNE_OK) status = lyne_jobs_look(&p, true, seconds, err);
    lyne_jobs_close(&p);
    return status;
}
