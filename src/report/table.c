/* report/table.c -- columns are a table: title, how a cell is made.  A cell that says nothing is empty. */
#include "report/table.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

#define CELL 40

typedef struct row {
    const lyne_recipe *r;
    const lyne_outcomes *o;
    size_t stage;
    const lyne_outcome *first; /* of its outcomes */
} row;

typedef struct column column;
struct column {
    const char *title;
    void (*cell)(const column *c, const row *x, char out[CELL]);
    size_t offset; /* of the number that it is about, in lyne_result */
    bool whole;    /* that is an int64_t, not a double               */
    bool left;     /* aligned                                        */
};

static lyne_summary over_seeds(const column *c, const row *x) {
    return lyne_summarise(x->o, x->stage, c->offset, c->whole);
}

/* ---- cells of one number ---- */

static void count(const column *c, const row *x, char out[CELL]) {
    const lyne_summary s = over_seeds(c, x);
    if (s.n) snprintf(out, CELL, s.n > 1 ? "%.1f" : "%.0f", s.mean);
}

static void deviation(const column *c, const row *x, char out[CELL]) {
    const lyne_summary s = over_seeds(c, x);
    if (s.n > 1) snprintf(out, CELL, "%.1f", s.sd);
}

static void percent(const column *c, const row *x, char out[CELL]) {
    const lyne_summary s = over_seeds(c, x);
    if (s.n) snprintf(out, CELL, "%.2f%%", 100 * s.mean);
}

static void human(const column *c, const row *x, char out[CELL]) {
    char text[16];
    const lyne_summary s = over_seeds(c, x);
    if (!s.n) return;
    lyne_human(s.mean, text);
    snprintf(out, CELL, "%s", text);
}

static void seconds(const column *c, const row *x, char out[CELL]) {
    const lyne_summary s = over_seeds(c, x);
    if (s.n) snprintf(out, CELL, "%.1f", s.mean * s.n);
}

/* ---- others ---- */

static void stage(const column *c, const row *x, char out[CELL]) {
    (void)c;
    snprintf(out, CELL, "%.38s", x->r->stage[x->stage].name);
}

static void seeds(const column *c, const row *x, char out[CELL]) {
    (void)c;
    snprintf(out, CELL, "%zu", x->r->once[x->stage] ? (size_t)1 : x->r->seeds.n);
}

/* Of a token [nats], which is how models of language are compared. */
static void loss(const column *c, const row *x, char out[CELL]) {
    const lyne_summary s = over_seeds(c, x);
    if (s.n && x->r->task.sequence.labelled) snprintf(out, CELL, "%.4f", s.mean);
}

static void bias(const column *c, const row *x, char out[CELL]) {
    const double b = x->first->result.bias;
    (void)c;
    if (!isnan(b)) snprintf(out, CELL, "%+.2f", b);
}

static void class_errors(const column *c, const row *x, char out[CELL]) {
    const lyne_summary s = over_seeds(c, x);
    if (s.n) snprintf(out, CELL, "%.5g of %lld", s.mean, (long long)x->first->result.class_samples);
}

static void file(const column *c, const row *x, char out[CELL]) {
    char text[16];
    const int64_t labels = x->first->result.bytes;
    const double bytes = labels >= 0 ? (double)labels : (double)x->first->model_bytes;
    (void)c;
    if (bytes <= 0) return;
    lyne_human(bytes, text);
    snprintf(out, CELL, "%sB", text);
}

/* Of a stage that writes soft labels all its seconds; of a student those in which it read them or asked a live teacher. */
static void asking(const column *c, const row *x, char out[CELL]) {
    column of = *c;
    if (x->first->result.records >= 0) of.offset = offsetof(lyne_result, seconds);
    seconds(&of, x, out);
}

#define WHOLE(member) offsetof(lyne_result, member), true
#define REAL(member)  offsetof(lyne_result, member), false
static const column columns[] = {
    {"stage", stage, .left = true},
    {"seeds", seeds},
    {"test errors", count, WHOLE(test_errors)},
    {"sd", deviation, WHOLE(test_errors)},
    {"accuracy", percent, REAL(test_accuracy)},
    {"nats a token", loss, REAL(test_loss)},
    {"at best", count, WHOLE(best_test_errors)},
    {"validation", count, WHOLE(validation_errors)},
    {"bias", bias},
    {"on classes", class_errors, WHOLE(class_errors)},
    {"agreement", percent, REAL(agreement)},
    {"params", human, WHOLE(parameters)},
    {"MACs", human, WHOLE(macs)},
    {"file", file},
    {"samples/s", human, REAL(samples_per_second)},
    {"seconds", seconds, REAL(seconds)},
    {"asking", asking, REAL(teacher_seconds)},
};
#define N_COLUMNS (sizeof columns / sizeof *columns)

static const lyne_outcome *first_of(const lyne_outcomes *o, size_t stage_index) {
    for (size_t i = 0; i < o->n; i++)
        if (o->item[i].stage == stage_index) return &o->item[i];
    return NULL;
}

/* A line: a stage of a recipe that was asked for, or of the first point of a sweep that has it so. */
typedef struct line {
    size_t point, stage;
} line;

typedef struct table {
    const lyne_recipe *r;
    const lyne_outcomes *o; /* of each point */
    size_t n;
    line *item;
} table;

/* What a sweep varies stands behind the name of the stage. */
static const column *column_of(const table *t, size_t c) {
    return c == 0 ? &columns[0] : c <= t->r->n_axes ? NULL : &columns[c - t->r->n_axes];
}

static const char *title_of(const table *t, size_t c) {
    const column *of = column_of(t, c);
    return of ? of->title : t->r->axis[c - 1].title;
}

static void cell(const table *t, size_t l, size_t c, char out[CELL]) {
    const line *at = &t->item[l];
    const lyne_recipe *r = lyne_recipe_at(t->r, at->point);
    const lyne_outcomes *o = &t->o[at->point];
    const row x = {.r = r, .o = o, .stage = at->stage, .first = first_of(o, at->stage)};
    const column *of = column_of(t, c);
    out[0] = '\0';
    if (of) of->cell(of, &x, out);
    if (!of && lyne_axis_touches(r, &r->axis[c - 1], at->stage)) snprintf(out, CELL, "%.38s", r->value[c - 1]);
}

static void add_cell(const table *t, lyne_text *says, size_t c, size_t width, const char *text) {
    const column *of = column_of(t, c);
    lyne_text_add(says, of && of->left ? "%s%-*s" : "%s%*s", c ? "  " : "", (int)width, text);
}

/* "student: 74 errors +- 11, here 81.3 errors (n = 5): within" */
static void add_published(const lyne_expectation *e, const lyne_verdict *v, lyne_text *says) {
    const bool errors = strcmp(v->metric, "test_errors") == 0;
    const double unit = errors ? 1 : 100;
    const char *name = errors ? " errors" : strcmp(v->metric, "agreement") == 0 ? "% agreement" : "%";
    const double published = unit * v->asked, ours = unit * v->ours.mean;
    lyne_text_add(says, "  %-16s %.6g%s +- %.4g, here %.6g%s (n = %d): ", e->stage, published, name, unit * e->within,
                  ours, name, v->ours.n);
    lyne_text_add(says, v->met ? "within" : "off by %+.4g", ours - published);
}

static bool was_run(const lyne_recipe *r, const lyne_outcomes *o, const char *name) {
    for (size_t i = 0; i < r->n_stages; i++)
        if (strcmp(r->stage[i].name, name) == 0) return first_of(o, i);
    return false;
}

/* False, of this and the next, when memory is out. */
static bool print_expectations(const lyne_recipe *r, const lyne_outcomes *o, FILE *to) {
    lyne_text says = {0};
    if (!r->n_expect) return true;
    lyne_text_add(&says, "expected%s%s%s%s%s", r->paper.arxiv ? " (arXiv:" : "", r->paper.arxiv ? r->paper.arxiv : "",
                  r->paper.arxiv ? ")" : "", r->label ? ", beside " : "", r->label ? r->label : "");
    fputc('\n', to);
    bool whole = lyne_text_line(&says, to);
    for (size_t i = 0; i < r->n_expect; i++) {
        const lyne_expectation *e = &r->expect[i];
        const lyne_verdict v = lyne_judge(r, o, e);
        if (v.ours.n == 0 && e->better_than && was_run(r, o, e->stage))
            lyne_text_add(&says, "  %-16s beside %s, which was not run", e->stage, e->better_than);
        else if (v.ours.n == 0)
            lyne_text_add(&says, "  %-16s not run", e->stage);
        else if (e->better_than)
            lyne_text_add(&says, "  %-16s %s makes %.4g times its errors, %.4g or more is expected: %s", e->stage,
                          e->better_than, v.ours.mean, v.asked, v.met ? "met" : "not met");
        else
            add_published(e, &v, &says);
        lyne_text_add(&says, "%s%s", e->note ? "; " : "", e->note ? e->note : "");
        whole &= lyne_text_line(&says, to);
    }
    return whole;
}

static bool list_lines(table *t) {
    size_t capacity = 0;
    for (size_t p = 0; p < lyne_recipe_count(t->r); p++)
        for (size_t s = 0; s < lyne_recipe_at(t->r, p)->n_stages; s++) {
            if (lyne_recipe_shared(t->r, p, s) || !first_of(&t->o[p], s)) continue;
            if (!lyne_grow(&t->item, &capacity, t->n + 1, sizeof *t->item)) return false;
            t->item[t->n++] = (line){p, s};
        }
    return true;
}

static void find_widths(const table *t, size_t *width) {
    char text[CELL];
    for (size_t c = 0; c < N_COLUMNS + t->r->n_axes; c++) {
        for (size_t l = 0; l < t->n; l++) {
            cell(t, l, c, text);
            if (strlen(text) > width[c]) width[c] = strlen(text);
        }
        if (width[c] && strlen(title_of(t, c)) > width[c]) width[c] = strlen(title_of(t, c));
    }
}

/* The lines below their titles, columns as wide as `width` says. */
static bool print_lines(const table *t, const size_t *width, FILE *to) {
    char text[CELL];
    bool whole = true;
    for (size_t l = 0; l <= t->n; l++) {
        lyne_text says = {0};
        for (size_t c = 0; c < N_COLUMNS + t->r->n_axes; c++) {
            if (!width[c]) continue;
            if (l) cell(t, l - 1, c, text);
            add_cell(t, &says, c, width[c], l ? text : title_of(t, c));
        }
        whole &= lyne_text_line(&says, to);
    }
    return whole;
}

lyne_status lyne_table_print(const lyne_recipe *r, const lyne_outcomes *o, FILE *to, lyne_error *err) {
    table t = {.r = r, .o = o};
    size_t *width = lyne_alloc(N_COLUMNS + r->n_axes, sizeof *width);
    bool whole = width && list_lines(&t);
    if (whole) {
        find_widths(&t, width);
        whole = print_lines(&t, width, to);
        for (size_t p = 0; p < lyne_recipe_count(r); p++) whole &= print_expectations(lyne_recipe_at(r, p), &o[p], to);
    }
    lyne_free(t.item);
    lyne_free(width);
    return whole ? LYNE_OK : lyne_fail_memory(err, "a table");
}
