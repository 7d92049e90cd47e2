/* report/plan.c -- the stages as a tree, one line each. */
#include "report/plan.h"
#include "base/text.h"
#include "formats/json.h"
#include <stdlib.h>
#include <string.h>

enum { CELL = 64, MOST_STAGES = 1024 };

/* A line of the table. */
typedef struct line {
    size_t stage;
    int depth;
} line;

typedef struct tree {
    const lyne_recipe *r;
    size_t n;
    line item[MOST_STAGES];
} tree;

/* The stages that stage s reads, by index; n of them, none twice. */
static size_t sources_of(const lyne_recipe *r, size_t s, size_t out[8]) {
    size_t n = 0;
    const lyne_instance *kind = &r->stage[s].kind;
    for (const lyne_field *f = kind->row->fields; f && f->name; f++) {
        const lyne_reference *ref = (const void *)((const char *)kind->config + f->offset);
        if (f->type != LYNE_FIELD_STAGE || !ref->name) continue;
        size_t i = 0;
        while (i < s && strcmp(r->stage[i].name, ref->name) != 0) i++;
        if (i < s && n < 8) out[n++] = i;
    }
    return n;
}

/* A stage, and below it those that read it first of all. */
static void add(tree *t, size_t s, int depth) {
    if (t->n == MOST_STAGES) return;
    t->item[t->n++] = (line){s, depth};
    for (size_t i = s + 1; i < t->r->n_stages; i++) {
        size_t from[8];
        if (sources_of(t->r, i, from) && from[0] == s) add(t, i, depth + 1);
    }
}

/* ---- cells ---- */

static size_t count(const lyne_outcomes *jobs, size_t stage, bool running) {
    size_t n = 0;
    for (size_t i = 0; i < jobs->n; i++)
        n += jobs->item[i].stage == stage && !(running && jobs->item[i].was_up_to_date);
    return n;
}

/* The first of the stage that would run, or the first. */
static const lyne_outcome *job_of(const lyne_outcomes *jobs, size_t stage) {
    const lyne_outcome *first = NULL;
    for (size_t i = 0; i < jobs->n; i++) {
        if (jobs->item[i].stage != stage) continue;
        if (!jobs->item[i].was_up_to_date) return &jobs->item[i];
        if (!first) first = &jobs->item[i];
    }
    return first;
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

static void cell(const lyne_recipe *r, const lyne_outcomes *jobs, const line *l, int column, char out[CELL]) {
    const lyne_outcome *o = job_of(jobs, l->stage);
    const lyne_cost *c = &o->cost;
    const size_t runs = count(jobs, l->stage, true), all = count(jobs, l->stage, false);
    out[0] = '\0';
    if (column == STAGE)
        snprintf(out, CELL, "%*s%.40s", 2 * (l->depth < 10 ? l->depth : 10), "", r->stage[l->stage].name);
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

static void print_totals(const lyne_outcomes *jobs, const char *out, bool timed, FILE *to) {
    size_t runs = 0;
    uint64_t disk = 0;
    char memory[CELL], on_disk[CELL], time[32];
    for (size_t i = 0; i < jobs->n; i++) {
        runs += !jobs->item[i].was_up_to_date;
        disk += jobs->item[i].cost.disk;
    }
    bytes_cell((double)disk, on_disk);
    if (!runs) {
        fprintf(to, "\nNothing would run: all is up to date in %s (%s).\n", out, on_disk);
        return;
    }
    bytes_cell((double)jobs->peak_memory, memory);
    lyne_human_time(jobs->seconds, time);
    fprintf(to, "\n%zu of %zu would run", runs, jobs->n);
    if (timed) fprintf(to, ", in about %s", time);
    fprintf(to, "; %s of memory at the peak; %s in %s at the end.\n", memory, on_disk, out);
}

void lyne_plan_print(const lyne_recipe *r, const lyne_outcomes *jobs, const char *out, bool timed, FILE *to) {
    tree *t = lyne_alloc(1, sizeof *t);
    int width[N_COLUMNS] = {0};
    char text[CELL];
    if (!t) return;
    t->r = r;
    for (size_t s = 0; s < r->n_stages; s++) {
        size_t from[8];
        if (!sources_of(r, s, from)) add(t, s, 0);
    }
    for (int c = 0; c < STATE; c++) {
        for (size_t i = 0; i < t->n; i++) {
            cell(r, jobs, &t->item[i], c, text);
            if ((int)strlen(text) > width[c]) width[c] = (int)strlen(text);
        }
        if (width[c] && (int)strlen(title[c]) > width[c]) width[c] = (int)strlen(title[c]);
    }
    for (size_t i = 0; i <= t->n; i++) {
        for (int c = 0; c < STATE; c++) {
            if (!width[c]) continue;
            if (i) cell(r, jobs, &t->item[i - 1], c, text);
            fprintf(to, c == STAGE ? "%-*s  " : "%*s  ", width[c], i ? text : title[c]);
        }
        const lyne_outcome *o = i ? job_of(jobs, t->item[i - 1].stage) : NULL;
        fprintf(to, "%s%s\n",
                !o                  ? title[STATE]
                : o->was_up_to_date ? "up to date"
                                    : "will run: ",
                o && !o->was_up_to_date ? o->why : "");
    }
    print_totals(jobs, out, timed, to);
    lyne_free(t);
}

/* ---- for programs ---- */

static json_t *job_json(const lyne_recipe *r, const lyne_outcome *o, bool timed) {
    const lyne_cost *c = &o->cost;
    size_t from[8];
    const size_t n = sources_of(r, o->stage, from);
    json_t *reads = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(reads, json_string(r->stage[from[i]].name));
    json_t *j =
        json_pack("{s:s, s:s, s:I, s:o, s:b, s:I, s:I, s:I, s:I, s:I}", "stage", r->stage[o->stage].name, "kind",
                  r->stage[o->stage].kind.row->name, "seed", (json_int_t)o->seed, "reads", reads, "up_to_date",
                  o->was_up_to_date, "parameters", (json_int_t)c->parameters, "macs", (json_int_t)c->macs, "samples",
                  (json_int_t)c->samples, "memory", (json_int_t)c->memory, "disk", (json_int_t)c->disk);
    if (j && o->why) json_object_set_new(j, "why", json_string(o->why));
    if (j && timed && !o->was_up_to_date) lyne_json_set_real(j, "seconds", c->seconds);
    return j;
}

lyne_status lyne_plan_json(const lyne_recipe *r, const lyne_outcomes *jobs, const char *out, bool timed,
                           lyne_text *text, lyne_error *err) {
    json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:I, s:[]}", "lyne_plan", 1, "recipe", r->name, "out", out,
                             "environment", jobs->environment, "peak_memory", (json_int_t)jobs->peak_memory, "jobs");
    for (size_t i = 0; root && i < jobs->n; i++)
        json_array_append_new(json_object_get(root, "jobs"), job_json(r, &jobs->item[i], timed));
    if (root && timed) lyne_json_set_real(root, "seconds", jobs->seconds);
    char *dump = root ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17)) : NULL;
    if (dump) lyne_text_add(text, "%s\n", dump);
    json_decref(root);
    free(dump);
    return dump && !text->failed ? LYNE_OK : lyne_fail_memory(err, "a plan");
}
