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

static lyne_summary whole(const row *x, size_t offset) {
    return lyne_summarise(x->o, x->stage, offset, true);
}
static lyne_summary real(const row *x, size_t offset) {
    return lyne_summarise(x->o, x->stage, offset, false);
}

static void stage(const row *x, char out[CELL]) {
    snprintf(out, CELL, "%.38s", x->r->stage[x->stage].name);
}

static void seeds(const row *x, char out[CELL]) {
    snprintf(out, CELL, "%zu", x->r->once[x->stage] ? (size_t)1 : x->r->seeds.n);
}

static void errors(const row *x, char out[CELL]) {
    const lyne_summary s = whole(x, offsetof(lyne_result, test_errors));
    if (s.n) snprintf(out, CELL, s.n > 1 ? "%.1f" : "%.0f", s.mean);
}

static void errors_sd(const row *x, char out[CELL]) {
    const lyne_summary s = whole(x, offsetof(lyne_result, test_errors));
    if (s.n > 1) snprintf(out, CELL, "%.1f", s.sd);
}

static void accuracy(const row *x, char out[CELL]) {
    const lyne_summary s = real(x, offsetof(lyne_result, test_accuracy));
    if (s.n) snprintf(out, CELL, "%.2f%%", 100 * s.mean);
}

/* Of a token [nats], which is how models of language are compared. */
static void loss(const row *x, char out[CELL]) {
    const lyne_summary s = real(x, offsetof(lyne_result, test_loss));
    if (s.n && x->r->task.sequence.labelled) snprintf(out, CELL, "%.4f", s.mean);
}

static void agreement(const row *x, char out[CELL]) {
    const lyne_summary s = real(x, offsetof(lyne_result, agreement));
    if (s.n) snprintf(out, CELL, "%.2f%%", 100 * s.mean);
}

static void bias(const row *x, char out[CELL]) {
    const double b = x->first->result.bias;
    if (!isnan(b)) snprintf(out, CELL, "%+.2f", b);
}

static void class_errors(const row *x, char out[CELL]) {
    const lyne_summary s = whole(x, offsetof(lyne_result, class_errors));
    if (s.n) snprintf(out, CELL, "%.5g of %lld", s.mean, (long long)x->first->result.class_samples);
}

static void best_errors(const row *x, char out[CELL]) {
    const lyne_summary s = whole(x, offsetof(lyne_result, best_test_errors));
    if (s.n) snprintf(out, CELL, s.n > 1 ? "%.1f" : "%.0f", s.mean);
}

static void validation_errors(const row *x, char out[CELL]) {
    const lyne_summary s = whole(x, offsetof(lyne_result, validation_errors));
    if (s.n) snprintf(out, CELL, s.n > 1 ? "%.1f" : "%.0f", s.mean);
}

static void human(const lyne_summary *s, char out[CELL]) {
    char text[16];
    if (!s->n) return;
    lyne_human(s->mean, text);
    snprintf(out, CELL, "%s", text);
}

static void parameters(const row *x, char out[CELL]) {
    const lyne_summary s = whole(x, offsetof(lyne_result, parameters));
    human(&s, out);
}

static void macs(const row *x, char out[CELL]) {
    const lyne_summary s = whole(x, offsetof(lyne_result, macs));
    human(&s, out);
}

static void file(const row *x, char out[CELL]) {
    char text[16];
    const int64_t labels = x->first->result.bytes;
    const double bytes = labels >= 0 ? (double)labels : (double)x->first->model_bytes;
    if (bytes <= 0) return;
    lyne_human(bytes, text);
    snprintf(out, CELL, "%sB", text);
}

static void speed(const row *x, char out[CELL]) {
    const lyne_summary s = real(x, offsetof(lyne_result, samples_per_second));
    human(&s, out);
}

static void seconds(const row *x, char out[CELL]) {
    const lyne_summary s = real(x, offsetof(lyne_result, seconds));
    if (s.n) snprintf(out, CELL, "%.1f", s.mean * s.n);
}

static const struct column {
    const char *title;
    void (*cell)(const row *x, char out[CELL]);
    bool left; /* aligned */
} columns[] = {{"stage", stage, true},
               {"seeds", seeds, false},
               {"test errors", errors, false},
               {"sd", errors_sd, false},
               {"accuracy", accuracy, false},
               {"nats a token", loss, false},
               {"at best", best_errors, false},
               {"validation", validation_errors, false},
               {"bias", bias, false},
               {"on classes", class_errors, false},
               {"agreement", agreement, false},
               {"params", parameters, false},
               {"MACs", macs, false},
               {"file", file, false},
               {"samples/s", speed, false},
               {"seconds", seconds, false}};
#define N_COLUMNS (sizeof columns / sizeof *columns)

static const lyne_outcome *first_of(const lyne_outcomes *o, size_t stage_index) {
    for (size_t i = 0; i < o->n; i++)
        if (o->item[i].stage == stage_index) return &o->item[i];
    return NULL;
}

static void cell(const lyne_recipe *r, const lyne_outcomes *o, size_t s, size_t c, char out[CELL]) {
    const row x = {.r = r, .o = o, .stage = s, .first = first_of(o, s)};
    out[0] = '\0';
    if (x.first) columns[c].cell(&x, out);
}

static void print_cell(FILE *to, size_t c, size_t width, const char *text, bool first) {
    fprintf(to, columns[c].left ? "%s%-*s" : "%s%*s", first ? "" : "  ", (int)width, text);
}

/* "student: 74 errors +- 11, here 81.3 errors (n = 5): within" */
static void print_published(const lyne_expectation *e, const lyne_verdict *v, FILE *to) {
    const bool errors = strcmp(v->metric, "test_errors") == 0;
    const double unit = errors ? 1 : 100;
    const char *name = errors ? " errors" : strcmp(v->metric, "agreement") == 0 ? "% agreement" : "%";
    const double published = unit * v->asked, ours = unit * v->ours.mean;
    fprintf(to, "  %-16s %.6g%s +- %.4g, here %.6g%s (n = %d): ", e->stage, published, name, unit * e->within, ours,
            name, v->ours.n);
    fprintf(to, v->met ? "within" : "off by %+.4g", ours - published);
}

static void print_expectations(const lyne_recipe *r, const lyne_outcomes *o, FILE *to) {
    if (!r->n_expect) return;
    fprintf(to, "\npublished%s%s%s\n", r->paper.arxiv ? " (arXiv:" : "", r->paper.arxiv ? r->paper.arxiv : "",
            r->paper.arxiv ? ")" : "");
    for (size_t i = 0; i < r->n_expect; i++) {
        const lyne_expectation *e = &r->expect[i];
        const lyne_verdict v = lyne_judge(r, o, e);
        if (e->better_than)
            fprintf(to, "  %-16s better than %s: it makes %.4g times our errors, %.4g at least was asked: %s", e->stage,
                    e->better_than, v.ours.mean, v.asked, v.met ? "met" : "not met");
        else
            print_published(e, &v, to);
        fprintf(to, "%s%s\n", e->note ? "; " : "", e->note ? e->note : "");
    }
}

void lyne_table_print(const lyne_recipe *r, const lyne_outcomes *o, FILE *to) {
    size_t width[N_COLUMNS] = {0};
    char text[CELL];
    for (size_t c = 0; c < N_COLUMNS; c++) {
        for (size_t s = 0; s < r->n_stages; s++) {
            cell(r, o, s, c, text);
            if (strlen(text) > width[c]) width[c] = strlen(text);
        }
        if (width[c] && strlen(columns[c].title) > width[c]) width[c] = strlen(columns[c].title);
    }
    for (size_t line = 0; line <= r->n_stages; line++) {
        for (size_t c = 0; c < N_COLUMNS; c++) {
            if (!width[c]) continue;
            if (line) cell(r, o, line - 1, c, text);
            print_cell(to, c, width[c], line ? text : columns[c].title, c == 0);
        }
        fputc('\n', to);
    }
    print_expectations(r, o, to);
}
