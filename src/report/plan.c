/* report/plan.c -- the stages as a tree, one line each. */
#include "report/plan.h"
#include "base/memory.h"
#include "base/text.h"
#include "formats/json.h"
#include <assert.h>
#include <string.h>

enum { CELL = 64 };

/* A line of the table. */
typedef struct line {
    size_t point, stage;
    int depth;
} line;

/* jobs: of each point of the recipe. */
typedef struct tree {
    const lyne_recipe *r;
    const lyne_outcomes *jobs;
    size_t n, capacity;
    line *item;
    bool out_of_memory;
} tree;

/* A stage of a point, and below it those that read it first of all.  What an earlier point has too is left out. */
static void add(tree *t, size_t point, size_t s, int depth) {
    const lyne_recipe *r = lyne_recipe_at(t->r, point);
    const bool shared = lyne_recipe_shared(t->r, point, s);
    if (!shared && !lyne_grow(&t->item, &t->capacity, t->n + 1, sizeof *t->item)) {
        t->out_of_memory = true;
        return;
    }
    if (!shared) t->item[t->n++] = (line){point, s, depth};
    for (size_t i = s + 1; i < r->n_stages; i++) {
        if (lyne_recipe_reads(r, i, 0) == s) add(t, point, i, depth + 1);
    }
}

/* ---- cells ---- */

static size_t count(const lyne_outcomes *jobs, size_t stage, bool running) {
    size_t n = 0;
    for (size_t i = 0; i < jobs->n; i++)
        n += jobs->item[i].stage == stage && !(running && jobs->item[i].was_up_to_date);
    return n;
}

/* How much is left to do of a job: nothing, to copy it, to run it. */
static int left_of(const lyne_outcome *o) {
    return o->was_up_to_date ? o->copied_from != NULL : 2;
}

/* Of the stage's, the first of those with most left to do. */
static const lyne_outcome *job_of(const lyne_outcomes *jobs, size_t stage) {
    const lyne_outcome *most = NULL;
    for (const lyne_outcome *o = jobs->item; o < jobs->item + jobs->n; o++)
        if (o->stage == stage && (!most || left_of(o) > left_of(most))) most = o;
    assert(most); /* a plan is of all stages */
    return most;
}

static void bytes_cell(double bytes, char out[CELL]) {
    char text[16];
    lyne_human(bytes, text);
    snprintf(out, CELL, "%sB", text);
}

static void number_cell(double n, char out[CELL]) {
    char text[16];
    lyne_human(n, text);
    snprintf(out, CELL, "%s", text);
}

enum { STAGE, JOBS, PARAMETERS, MACS, MEMORY, DISK, TIME, STATE, N_COLUMNS };
static const char *const title[] = {"stage", "runs", "params", "MACs", "memory", "disk", "time", "state"};

static void cell(const tree *t, const line *l, int column, char out[CELL]) {
    const lyne_outcomes *jobs = &t->jobs[l->point];
    const lyne_outcome *o = job_of(jobs, l->stage);
    const lyne_cost *c = &o->cost;
    const size_t runs = count(jobs, l->stage, true), all = count(jobs, l->stage, false);
    out[0] = '\0';
    if (column == STAGE)
        snprintf(out, CELL, "%*s%.40s", 2 * (l->depth < 10 ? l->depth : 10), "",
                 lyne_recipe_folder(lyne_recipe_at(t->r, l->point), l->stage));
    if (column == JOBS) snprintf(out, CELL, "%zu of %zu", runs, all);
    if (column == PARAMETERS && c->parameters) number_cell((double)c->parameters, out);
    if (column == MACS && c->macs) number_cell((double)c->macs, out);
    if (column == MEMORY && c->memory) bytes_cell((double)c->memory, out);
    if (column == DISK && c->disk) bytes_cell((double)c->disk, out);
    if (column == TIME && runs && c->seconds > 0) {
        char text[32];
        lyne_human_time(c->seconds * (double)runs, text);
        snprintf(out, CELL, "%s", text);
    }
}

/* What all of it comes to; what points share is counted once. */
typedef struct totals {
    size_t runs, copies, jobs;
    uint64_t disk, memory;
    uint64_t disk_meanwhile; /* of the stage that leaves most beside it while it runs */
    double seconds;
} totals;

static totals add_up(const lyne_recipe *r, const lyne_outcomes *jobs) {
    totals sum = {0};
    for (size_t p = 0; p < lyne_recipe_count(r); p++) {
        for (size_t i = 0; i < jobs[p].n; i++) {
            const lyne_outcome *o = &jobs[p].item[i];
            if (lyne_recipe_shared(r, p, o->stage)) continue;
            sum.jobs++;
            sum.disk += o->cost.disk;
            sum.copies += o->copied_from != NULL;
            if (o->was_up_to_date) continue;
            sum.runs++;
            if (o->cost.disk_meanwhile > sum.disk_meanwhile) sum.disk_meanwhile = o->cost.disk_meanwhile;
            sum.seconds += o->cost.seconds;
        }
        if (jobs[p].peak_memory > sum.memory) sum.memory = jobs[p].peak_memory;
    }
    return sum;
}

static void print_totals(const tree *t, const char *out, bool timed, FILE *to) {
    const totals sum = add_up(t->r, t->jobs);
    char memory[CELL], on_disk[CELL], meanwhile[CELL], time[32];
    bytes_cell((double)sum.disk, on_disk);
    if (!sum.runs) {
        fprintf(to, "\nNothing would run: ");
        if (sum.copies) fprintf(to, "%zu of %zu would be copied, and then ", sum.copies, sum.jobs);
        fprintf(to, "all is up to date in %s (%s).\n", out, on_disk);
        return;
    }
    bytes_cell((double)sum.memory, memory);
    bytes_cell((double)sum.disk_meanwhile, meanwhile);
    lyne_human_time(sum.seconds, time);
    fprintf(to, "\n%zu of %zu would run", sum.runs, sum.jobs);
    if (timed) fprintf(to, ", in about %s", time);
    if (sum.copies) fprintf(to, "; %zu would be copied", sum.copies);
    fprintf(to, "; %s of memory at the peak; %s in %s at the end", memory, on_disk, out);
    if (sum.disk_meanwhile) fprintf(to, ", and up to %s more for checkpoints on the way", meanwhile);
    fprintf(to, ".\n");
}

/* What is said of precision for all stages: nothing, unless some nodes are excepted.  False when memory is out. */
static bool print_precision(const lyne_recipe *r, FILE *to) {
    lyne_text says = {0};
    if (r->task.precision != LYNE_BF16 || !r->keep_f32.n) return true;
    lyne_text_add(&says, "Precision: bf16");
    for (size_t i = 0; i < r->keep_f32.n; i++)
        lyne_text_add(&says, "%s%s", i ? ", " : ", but f32 in ", r->keep_f32.item[i]);
    lyne_text_add(&says, ".");
    fputc('\n', to);
    return lyne_text_line(&says, to);
}

static void print_lines(const tree *t, FILE *to) {
    int width[STATE] = {0};
    char text[CELL];
    for (int c = 0; c < STATE; c++) {
        for (size_t i = 0; i < t->n; i++) {
            cell(t, &t->item[i], c, text);
            if ((int)strlen(text) > width[c]) width[c] = (int)strlen(text);
        }
        if (width[c] && (int)strlen(title[c]) > width[c]) width[c] = (int)strlen(title[c]);
    }
    for (size_t i = 0; i <= t->n; i++) {
        for (int c = 0; c < STATE; c++) {
            if (!width[c]) continue;
            if (i) cell(t, &t->item[i - 1], c, text);
            fprintf(to, c == STAGE ? "%-*s  " : "%*s  ", width[c], i ? text : title[c]);
        }
        const line *l = i ? &t->item[i - 1] : NULL;
        const lyne_outcome *o = l ? job_of(&t->jobs[l->point], l->stage) : NULL;
        if (!o)
            fprintf(to, "%s\n", title[STATE]);
        else if (o->copied_from)
            fprintf(to, "will be copied from %s\n", o->copied_from);
        else
            fprintf(to, "%s%s\n", o->was_up_to_date ? "up to date" : "will run: ", o->was_up_to_date ? "" : o->why);
    }
}

lyne_status lyne_plan_print(const lyne_recipe *r, const lyne_outcomes *jobs, const char *out, bool timed, FILE *to,
                            lyne_error *err) {
    tree t = {.r = r, .jobs = jobs};
    for (size_t p = 0; p < lyne_recipe_count(r); p++)
        for (size_t s = 0; s < lyne_recipe_at(r, p)->n_stages; s++)
            if (lyne_recipe_reads(lyne_recipe_at(r, p), s, 0) == SIZE_MAX) add(&t, p, s, 0);
    print_lines(&t, to);
    const bool whole = print_precision(r, to) && !t.out_of_memory;
    print_totals(&t, out, timed, to);
    lyne_free(t.item);
    return whole ? LYNE_OK : lyne_fail_memory(err, "a plan");
}

/* ---- for programs ---- */

static json_t *job_json(const lyne_recipe *r, const lyne_outcome *o, bool timed) {
    const lyne_cost *c = &o->cost;
    json_t *reads = json_array();
    for (size_t k = 0, source; (source = lyne_recipe_reads(r, o->stage, k)) != SIZE_MAX; k++)
        json_array_append_new(reads, json_string(r->stage[source].name));
    json_t *j = json_pack("{s:s, s:s, s:I, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "stage",
                          lyne_recipe_folder(r, o->stage), "kind", r->stage[o->stage].kind.row->name, "seed",
                          (json_int_t)o->seed, "reads", reads, "up_to_date", o->was_up_to_date, "parameters",
                          (json_int_t)c->parameters, "macs", (json_int_t)c->macs, "samples", (json_int_t)c->samples,
                          "memory", (json_int_t)c->memory, "peak_memory", (json_int_t)o->peak_memory, "disk",
                          (json_int_t)c->disk, "disk_meanwhile", (json_int_t)c->disk_meanwhile);
    if (j && o->why) json_object_set_new(j, "why", json_string(o->why));
    if (j && o->copied_from) json_object_set_new(j, "copied_from", json_string(o->copied_from));
    if (j && timed && !o->was_up_to_date) lyne_json_set_real(j, "seconds", c->seconds);
    return j;
}

lyne_status lyne_plan_json(const lyne_recipe *r, const lyne_outcomes *jobs, const char *out, bool timed,
                           lyne_text *text, lyne_error *err) {
    const totals sum = add_up(r, jobs);
    char *shown = lyne_strdup(out); /* JSON is UTF-8, and a path anything */
    json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:I, s:[]}", "lyne_plan", 1, "recipe", r->name, "out",
                             shown ? lyne_one_line(shown) : "", "environment", jobs->environment, "peak_memory",
                             (json_int_t)sum.memory, "jobs");
    for (size_t p = 0; root && p < lyne_recipe_count(r); p++)
        for (size_t i = 0; i < jobs[p].n; i++)
            if (!lyne_recipe_shared(r, p, jobs[p].item[i].stage))
                json_array_append_new(json_object_get(root, "jobs"),
                                      job_json(lyne_recipe_at(r, p), &jobs[p].item[i], timed));
    if (root && timed) lyne_json_set_real(root, "seconds", sum.seconds);
    char *dump = lyne_json_dump(root, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (dump) lyne_text_add(text, "%s\n", dump);
    json_decref(root);
    lyne_free(dump);
    lyne_free(shown);
    return dump && shown && !text->failed ? LYNE_OK : lyne_fail_memory(err, "a plan");
}
