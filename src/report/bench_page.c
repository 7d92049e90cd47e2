/* report/bench_page.c -- RESULTS.md and rows of the recipe book, from logs alone.  Columns are a table, as in table.c; a
 * column in which no stage has anything to say is left out. */
#include "report/bench_page.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CELL 96

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static double number_of(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

/* ---- figures ---- */

lyne_bench_figure lyne_bench_figure_of(const json_t *log, const char *stage, const char *key) {
    lyne_bench_figure f = {0};
    double square = 0;
    size_t i;
    json_t *job;
    json_array_foreach(json_object_get(log, "stages"), i, job) {
        const json_t *v = json_object_get(json_object_get(job, "metrics"), key);
        if (!v) v = json_object_get(job, key);
        if (strcmp(text_of(job, "stage"), stage) != 0 || !json_is_number(v)) continue;
        const double x = json_number_value(v), off = x - f.mean; /* Welford */
        f.least = f.n == 0 || x < f.least ? x : f.least;
        f.most = f.n == 0 || x > f.most ? x : f.most;
        f.mean += off / ++f.n;
        square += off * (x - f.mean);
    }
    f.sd = f.n > 1 ? sqrt(square / (f.n - 1)) : 0;
    return f;
}

/* The k-th stage, in a log's order, that is scored or, if `labels`, made soft labels. */
static const char *nth_stage(const json_t *log, size_t k, bool labels) {
    const json_t *stages = json_object_get(log, "stages");
    const char *last = "";
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const char *name = text_of(json_array_get(stages, i), "stage");
        if (strcmp(name, last) == 0) continue; /* runs of a stage stand together */
        last = name;
        const bool tells = lyne_bench_figure_of(log, name, "test_errors").n ||
                           lyne_bench_figure_of(log, name, "agreement").n ||
                           (labels && lyne_bench_figure_of(log, name, "records").n);
        if (tells && k-- == 0) return name;
    }
    return NULL;
}

const char *lyne_bench_stage(const json_t *log, size_t k) {
    return nth_stage(log, k, false);
}

const json_t *lyne_bench_published(const json_t *log, const char *stage) {
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(log, "expect"), i,
                       e) if (strcmp(text_of(e, "stage"), stage) == 0 && json_object_get(e, "published")) return e;
    return NULL;
}

/* ---- cells ---- */

typedef struct place {
    const json_t *log;
    const char *stage;
} place;

static lyne_bench_figure figure(const place *x, const char *key) {
    return lyne_bench_figure_of(x->log, x->stage, key);
}

/* "141.2 (3.5)", "67" */
static void mean_sd(lyne_bench_figure f, double unit, const char *sign, char out[CELL]) {
    if (f.n > 1)
        snprintf(out, CELL, unit == 1 ? "%.1f%s (%.1f)" : "%.2f%s (%.2f)", unit * f.mean, sign, unit * f.sd);
    else if (f.n)
        snprintf(out, CELL, unit == 1 ? "%.10g%s" : "%.2f%s", unit * f.mean, sign);
}

static void stage(const place *x, char out[CELL]) {
    snprintf(out, CELL, "%.*s", CELL - 1, x->stage);
}
static void runs(const place *x, char out[CELL]) {
    static const char *const of[] = {"test_errors", "agreement", "records"};
    int n = 0;
    for (int i = 0; i < 3 && !n; i++) n = figure(x, of[i]).n;
    snprintf(out, CELL, "%d", n);
}
static void errors(const place *x, char out[CELL]) {
    mean_sd(figure(x, "test_errors"), 1, "", out);
}
static void range(const place *x, char out[CELL]) {
    const lyne_bench_figure f = figure(x, "test_errors");
    if (f.n > 1) snprintf(out, CELL, "%.0f to %.0f", f.least, f.most);
}
static void accuracy(const place *x, char out[CELL]) {
    mean_sd(figure(x, "test_accuracy"), 100, "%", out);
}
static void best_errors(const place *x, char out[CELL]) {
    mean_sd(figure(x, "best_test_errors"), 1, "", out);
}
static void best_epoch(const place *x, char out[CELL]) {
    const lyne_bench_figure f = figure(x, "best_epoch");
    if (f.n) snprintf(out, CELL, "%.0f", f.mean);
}
static void validation(const place *x, char out[CELL]) {
    mean_sd(figure(x, "validation_errors"), 1, "", out);
}
static void bias(const place *x, char out[CELL]) {
    const lyne_bench_figure f = figure(x, "bias");
    if (f.n) snprintf(out, CELL, f.n > 1 ? "%+.2f (%.2f)" : "%+.2f", f.mean, f.sd);
}
static void class_errors(const place *x, char out[CELL]) {
    const lyne_bench_figure f = figure(x, "class_errors");
    if (f.n) snprintf(out, CELL, "%.4g of %.0f", f.mean, figure(x, "class_samples").mean);
}
static void agreement(const place *x, char out[CELL]) {
    mean_sd(figure(x, "agreement"), 100, "%", out);
}
static void steps(const place *x, char out[CELL]) {
    const lyne_bench_figure f = figure(x, "steps");
    if (f.n) snprintf(out, CELL, "%.0f", f.mean);
}
static void parameters(const place *x, char out[CELL]) {
    const lyne_bench_figure f = figure(x, "parameters");
    if (f.n) snprintf(out, CELL, "%.0f", f.mean);
}
static void minutes(const place *x, char out[CELL]) {
    const lyne_bench_figure f = figure(x, "seconds");
    if (f.n) snprintf(out, CELL, "%.1f", f.mean * f.n / 60);
}
/* Of a stage that writes soft labels all of it; of a student its share: reading them, or asking the live teacher. */
static void asking(const place *x, char out[CELL]) {
    const lyne_bench_figure f = figure(x, figure(x, "records").n ? "seconds" : "teacher_seconds");
    if (f.n) snprintf(out, CELL, "%.2g", f.mean * f.n / 60);
}

/* Errors as they are, shares as percentages. */
static double unit_of(const json_t *e) {
    return strcmp(text_of(e, "metric"), "test_errors") == 0 ? 1 : 100;
}
static void published(const place *x, char out[CELL]) {
    const json_t *e = lyne_bench_published(x->log, x->stage);
    if (!e) return;
    const double unit = unit_of(e);
    snprintf(out, CELL, "%.5g%s &plusmn; %.3g", unit * number_of(e, "published"), unit == 1 ? "" : "%",
             unit * number_of(e, "within"));
}
static void verdict(const place *x, char out[CELL]) {
    const json_t *e = lyne_bench_published(x->log, x->stage);
    if (!e || !json_object_get(e, "mean")) return;
    const double unit = unit_of(e), off = unit * (number_of(e, "mean") - number_of(e, "published"));
    const bool better = (unit == 1) == (off < 0);
    if (json_is_true(json_object_get(e, "met")))
        snprintf(out, CELL, "within (%+.3g)", off);
    else
        snprintf(out, CELL, "%s by %.3g", better ? "**better**" : "**worse**", fabs(off));
}

static const struct column {
    const char *title;
    void (*cell)(const place *x, char out[CELL]);
    bool left;
} columns[] = {{"stage", stage, true},
               {"n", runs, false},
               {"test errors (sd)", errors, false},
               {"range", range, false},
               {"accuracy (sd)", accuracy, false},
               {"published", published, false},
               {"verdict", verdict, true},
               {"validation", validation, false},
               {"best epoch", best_epoch, false},
               {"errors there", best_errors, false},
               {"bias", bias, false},
               {"errors on those classes", class_errors, false},
               {"agreement (sd)", agreement, false},
               {"steps", steps, false},
               {"parameters", parameters, false},
               {"minutes", minutes, false},
               {"asking", asking, false}};
#define N_COLUMNS (sizeof columns / sizeof *columns)

static void table(const json_t *log, lyne_text *out) {
    bool shown[N_COLUMNS] = {false};
    place x = {.log = log};
    char cell[CELL];
    for (size_t k = 0; (x.stage = nth_stage(log, k, true)); k++)
        for (size_t c = 0; c < N_COLUMNS; c++) {
            *cell = '\0';
            columns[c].cell(&x, cell);
            shown[c] |= *cell != '\0';
        }
    lyne_text_add(out, "|");
    for (size_t c = 0; c < N_COLUMNS; c++)
        if (shown[c]) lyne_text_add(out, " %s |", columns[c].title);
    lyne_text_add(out, "\n|");
    for (size_t c = 0; c < N_COLUMNS; c++)
        if (shown[c]) lyne_text_add(out, columns[c].left ? "---|" : "---:|");
    for (size_t k = 0; (x.stage = nth_stage(log, k, true)); k++) {
        lyne_text_add(out, "\n|");
        for (size_t c = 0; c < N_COLUMNS; c++) {
            *cell = '\0';
            if (shown[c]) columns[c].cell(&x, cell);
            if (shown[c]) lyne_text_add(out, " %s |", cell);
        }
    }
    lyne_text_add(out, "\n");
}

/* ---- the page ---- */

static void controls(const json_t *log, lyne_text *out) {
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(log, "expect"), i, e) {
        if (!json_object_get(e, "better_than")) continue;
        lyne_text_add(out, "\n- `%s` against its control `%s`: the control makes %.3g times its errors",
                      text_of(e, "stage"), text_of(e, "better_than"), number_of(e, "mean"));
        if (number_of(e, "at_least") > 1) lyne_text_add(out, "; %.3g was asked for", number_of(e, "at_least"));
        lyne_text_add(out, ": %s.", json_is_true(json_object_get(e, "met")) ? "met" : "**not met**");
    }
}

static void section(const json_t *log, const char *plots, lyne_text *out) {
    const json_t *paper = json_object_get(log, "paper"), *settings = json_object_get(log, "settings"), *item;
    const char *name = text_of(log, "recipe");
    size_t i;
    lyne_text_add(out, "\n### %s\n\n", name);
    if (*text_of(paper, "title")) {
        lyne_text_add(out, "%s", text_of(paper, "title"));
        if (*text_of(paper, "arxiv")) lyne_text_add(out, ", arXiv:%s", text_of(paper, "arxiv"));
        if (*text_of(paper, "section")) lyne_text_add(out, ", section %s", text_of(paper, "section"));
        lyne_text_add(out, ".\n");
    }
    lyne_text_add(out, "Recipe `%s`, data `%s`. %s, %s; %s; Lyne %s; %.1f minutes.\n", text_of(log, "path"),
                  text_of(log, "data"), text_of(log, "date"), text_of(log, "processor"), text_of(log, "environment"),
                  text_of(log, "version"), number_of(log, "minutes"));
    if (json_array_size(settings)) {
        lyne_text_add(out, "Run with");
        json_array_foreach(settings, i, item) lyne_text_add(out, "%s `%s`", i ? "," : "", json_string_value(item));
        lyne_text_add(out, json_is_true(json_object_get(log, "reduced"))
                               ? ", which is not the published schedule, so no published figure stands beside it.\n"
                               : ".\n");
    }
    lyne_text_add(out, "\n");
    table(log, out);
    controls(log, out);
    lyne_text_add(out, "\n\n![errors of each run](%s/%s.svg)\n", plots, name);
    json_array_foreach(json_object_get(log, "notes"), i, item) lyne_text_add(out, "\n%s\n", json_string_value(item));
}

void lyne_bench_page(const json_t *logs, const char *plots, lyne_text *out) {
    const char *suite = "";
    size_t i;
    json_t *log;
    lyne_text_add(
        out,
        "# Results\n\nWritten by `lyne bench` from the logs in `%s/`; not to be edited. Test errors are of the "
        "last epoch, mean and\nstandard deviation over the seeds (n); `best epoch` is chosen on the validation "
        "split alone. A verdict says whether the mean\nlies in the published interval, and by how much it does "
        "not. Equal `steps` are equal budgets.\n",
        plots);
    json_array_foreach(logs, i, log) {
        if (strcmp(text_of(log, "suite"), suite) != 0)
            lyne_text_add(out, "\n## Suite %s: %s\n", text_of(log, "suite"), text_of(log, "suite_title"));
        suite = text_of(log, "suite");
        section(log, plots, out);
    }
}

/* ---- rows ---- */

void lyne_bench_row_heading(lyne_text *out) {
    lyne_text_add(out, "| recipe | data | test errors, mean (sd) | published | minutes | measured |\n"
                       "|---|---|---|---|---:|---|\n");
}

void lyne_bench_row(const char *path, const char *data, const json_t *log, lyne_text *out) {
    lyne_text_add(out, "| [%s](%s) | %s |", path, path, data);
    if (!log) {
        lyne_text_add(out, " not run | | | |\n");
        return;
    }
    place x = {.log = log};
    char cell[CELL];
    for (size_t k = 0; (x.stage = lyne_bench_stage(log, k)); k++) {
        const bool counted = figure(&x, "test_errors").n > 0;
        *cell = '\0';
        counted ? errors(&x, cell) : agreement(&x, cell);
        lyne_text_add(out, "%s %s %s%s", k ? "," : "", x.stage, cell, counted ? "" : " agreement");
    }
    lyne_text_add(out, " |");
    bool first = true;
    for (size_t k = 0; (x.stage = lyne_bench_stage(log, k)); k++) {
        if (!lyne_bench_published(log, x.stage)) continue;
        *cell = '\0';
        published(&x, cell);
        lyne_text_add(out, "%s %s %s: ", first ? "" : ",", x.stage, cell);
        *cell = '\0';
        verdict(&x, cell);
        lyne_text_add(out, "%s", cell);
        first = false;
    }
    lyne_text_add(out, " | %.1f | %s%s |\n", number_of(log, "minutes"), text_of(log, "date"),
                  json_is_true(json_object_get(log, "reduced")) ? ", reduced" : "");
}
