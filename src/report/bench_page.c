/* report/bench_page.c -- RESULTS.md and rows of the recipe book, from logs alone.  Columns are a table, as in table.c; a
 * column in which no stage has anything to say is left out. */
#include "report/bench_page.h"
#include "base/memory.h"
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

const json_t *lyne_bench_job(const lyne_bench_stage *s, size_t i) {
    return json_array_get(json_object_get(s->log, "stages"), s->first + i);
}

lyne_bench_figure lyne_bench_figure_of(const lyne_bench_stage *s, const char *key) {
    lyne_bench_figure f = {0};
    double square = 0;
    for (size_t i = 0; i < s->n; i++) {
        const json_t *job = lyne_bench_job(s, i), *v = json_object_get(json_object_get(job, "metrics"), key);
        if (!v) v = json_object_get(job, key);
        if (!json_is_number(v)) continue;
        const double x = json_number_value(v), off = x - f.mean; /* Welford */
        f.least = f.n == 0 || x < f.least ? x : f.least;
        f.most = f.n == 0 || x > f.most ? x : f.most;
        f.mean += off / ++f.n;
        square += off * (x - f.mean);
    }
    f.sd = f.n > 1 ? sqrt(square / (f.n - 1)) : 0;
    return f;
}

/* {stage: its first expectation with a published figure} of a log. */
static json_t *published_of(const json_t *log) {
    json_t *of = json_object(), *e;
    size_t i;
    json_array_foreach(json_object_get(log, "expect"), i, e) {
        const char *stage = text_of(e, "stage");
        if (json_object_get(e, "published") && !json_object_get(of, stage) && json_object_set(of, stage, e) != 0) {
            json_decref(of);
            return NULL;
        }
    }
    return of;
}

static bool has(const lyne_bench_stage *s, const char *key) {
    return lyne_bench_figure_of(s, key).n > 0;
}

bool lyne_bench_stages(const json_t *log, bool labels, lyne_bench_stage **out, size_t *n) {
    const json_t *jobs = json_object_get(log, "stages");
    json_t *published = published_of(log);
    size_t capacity = 0;
    bool good = published;
    *out = NULL;
    *n = 0;
    for (size_t i = 0; i < json_array_size(jobs) && good;) {
        lyne_bench_stage s = {.log = log, .name = text_of(json_array_get(jobs, i), "stage"), .first = i};
        while (i < json_array_size(jobs) && strcmp(text_of(json_array_get(jobs, i), "stage"), s.name) == 0) i++;
        s.n = i - s.first;
        s.published = json_object_get(published, s.name);
        if (!has(&s, "test_errors") && !has(&s, "agreement") && !(labels && has(&s, "records"))) continue;
        good = lyne_grow(out, &capacity, *n + 1, sizeof **out);
        if (good) (*out)[(*n)++] = s;
    }
    json_decref(published);
    if (!good) lyne_free(*out), *out = NULL, *n = 0;
    return good;
}

/* ---- cells ---- */

/* "141.2 (3.5)", "67" */
static void mean_sd(lyne_bench_figure f, double unit, const char *sign, char out[CELL]) {
    if (f.n > 1)
        snprintf(out, CELL, unit == 1 ? "%.1f%s (%.1f)" : "%.2f%s (%.2f)", unit * f.mean, sign, unit * f.sd);
    else if (f.n)
        snprintf(out, CELL, unit == 1 ? "%.10g%s" : "%.2f%s", unit * f.mean, sign);
}

static void stage(const lyne_bench_stage *x, char out[CELL]) {
    snprintf(out, CELL, "%.*s", CELL - 1, x->name);
}
static void runs(const lyne_bench_stage *x, char out[CELL]) {
    static const char *const of[] = {"test_errors", "agreement", "records"};
    int n = 0;
    for (int i = 0; i < 3 && !n; i++) n = lyne_bench_figure_of(x, of[i]).n;
    snprintf(out, CELL, "%d", n);
}
static void errors(const lyne_bench_stage *x, char out[CELL]) {
    mean_sd(lyne_bench_figure_of(x, "test_errors"), 1, "", out);
}
static void range(const lyne_bench_stage *x, char out[CELL]) {
    const lyne_bench_figure f = lyne_bench_figure_of(x, "test_errors");
    if (f.n > 1) snprintf(out, CELL, "%.0f to %.0f", f.least, f.most);
}
static void accuracy(const lyne_bench_stage *x, char out[CELL]) {
    mean_sd(lyne_bench_figure_of(x, "test_accuracy"), 100, "%", out);
}
static void best_errors(const lyne_bench_stage *x, char out[CELL]) {
    mean_sd(lyne_bench_figure_of(x, "best_test_errors"), 1, "", out);
}
static void best_epoch(const lyne_bench_stage *x, char out[CELL]) {
    const lyne_bench_figure f = lyne_bench_figure_of(x, "best_epoch");
    if (f.n) snprintf(out, CELL, "%.0f", f.mean);
}
static void validation(const lyne_bench_stage *x, char out[CELL]) {
    mean_sd(lyne_bench_figure_of(x, "validation_errors"), 1, "", out);
}
static void bias(const lyne_bench_stage *x, char out[CELL]) {
    const lyne_bench_figure f = lyne_bench_figure_of(x, "bias");
    if (f.n) snprintf(out, CELL, f.n > 1 ? "%+.2f (%.2f)" : "%+.2f", f.mean, f.sd);
}
static void class_errors(const lyne_bench_stage *x, char out[CELL]) {
    const lyne_bench_figure f = lyne_bench_figure_of(x, "class_errors");
    if (f.n) snprintf(out, CELL, "%.4g of %.0f", f.mean, lyne_bench_figure_of(x, "class_samples").mean);
}
static void agreement(const lyne_bench_stage *x, char out[CELL]) {
    mean_sd(lyne_bench_figure_of(x, "agreement"), 100, "%", out);
}
static void steps(const lyne_bench_stage *x, char out[CELL]) {
    const lyne_bench_figure f = lyne_bench_figure_of(x, "steps");
    if (f.n) snprintf(out, CELL, "%.0f", f.mean);
}
static void parameters(const lyne_bench_stage *x, char out[CELL]) {
    const lyne_bench_figure f = lyne_bench_figure_of(x, "parameters");
    if (f.n) snprintf(out, CELL, "%.0f", f.mean);
}
static void minutes(const lyne_bench_stage *x, char out[CELL]) {
    const lyne_bench_figure f = lyne_bench_figure_of(x, "seconds");
    if (f.n) snprintf(out, CELL, "%.1f", f.mean * f.n / 60);
}
/* Of a stage that writes soft labels all of it; of a student its share: reading them, or asking the live teacher. */
static void asking(const lyne_bench_stage *x, char out[CELL]) {
    const lyne_bench_figure f =
        lyne_bench_figure_of(x, lyne_bench_figure_of(x, "records").n ? "seconds" : "teacher_seconds");
    if (f.n) snprintf(out, CELL, "%.2g", f.mean * f.n / 60);
}

/* Errors as they are, shares as percentages. */
static double unit_of(const json_t *e) {
    return strcmp(text_of(e, "metric"), "test_errors") == 0 ? 1 : 100;
}
static void published(const lyne_bench_stage *x, char out[CELL]) {
    const json_t *e = x->published;
    if (!e) return;
    const double unit = unit_of(e);
    snprintf(out, CELL, "%.5g%s &plusmn; %.3g", unit * number_of(e, "published"), unit == 1 ? "" : "%",
             unit * number_of(e, "within"));
}
static void verdict(const lyne_bench_stage *x, char out[CELL]) {
    const json_t *e = x->published;
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
    void (*cell)(const lyne_bench_stage *x, char out[CELL]);
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
    lyne_bench_stage *x;
    size_t n;
    char cell[CELL];
    out->failed |= !lyne_bench_stages(log, true, &x, &n);
    for (size_t k = 0; k < n; k++)
        for (size_t c = 0; c < N_COLUMNS; c++) {
            *cell = '\0';
            columns[c].cell(&x[k], cell);
            shown[c] |= *cell != '\0';
        }
    lyne_text_add(out, "|");
    for (size_t c = 0; c < N_COLUMNS; c++)
        if (shown[c]) lyne_text_add(out, " %s |", columns[c].title);
    lyne_text_add(out, "\n|");
    for (size_t c = 0; c < N_COLUMNS; c++)
        if (shown[c]) lyne_text_add(out, columns[c].left ? "---|" : "---:|");
    for (size_t k = 0; k < n; k++) {
        lyne_text_add(out, "\n|");
        for (size_t c = 0; c < N_COLUMNS; c++) {
            *cell = '\0';
            if (shown[c]) columns[c].cell(&x[k], cell);
            if (shown[c]) lyne_text_add(out, " %s |", cell);
        }
    }
    lyne_text_add(out, "\n");
    lyne_free(x);
}

/* ---- words of a log: whoever wrote it may not put more on the page than them ---- */

/* Neither HTML nor a link, a picture, a cell or a line of its own; `as_code` as they are, up to the end. */
static void words(lyne_text *out, const char *text, bool as_code) {
    lyne_text line = {0};
    for (const char *p = text; p && *p; p++) {
        const char *entity = as_code     ? *p == '`' ? "'" : NULL
                             : *p == '<' ? "&lt;"
                             : *p == '>' ? "&gt;"
                             : *p == '&' ? "&amp;"
                                         : NULL;
        if (entity)
            lyne_text_add(&line, "%s", entity);
        else
            lyne_text_add(&line, "%s%c", !as_code && strchr("[]|`\\", *p) ? "\\" : "", *p);
    }
    if (line.data) lyne_text_add(out, as_code ? "`%s`" : "%s", lyne_one_line(line.data));
    out->failed |= line.failed;
    lyne_text_free(&line);
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

/* Words that stand at some keys of an object, with what stands before each; what is not there is left out. */
typedef struct said {
    const char *before, *key;
} said;
static void say(lyne_text *out, const json_t *object, const said *part, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *text = text_of(object, part[i].key);
        if (!*text) continue;
        lyne_text_add(out, "%s", part[i].before);
        words(out, text, false);
    }
}
#define SAY(out, object, parts) say(out, object, parts, sizeof parts / sizeof *(parts))

static void section(const json_t *log, const char *plots, lyne_text *out) {
    static const said of_paper[] = {{"", "title"}, {", arXiv:", "arxiv"}, {", section ", "section"}};
    static const said of_run[] = {{". ", "date"}, {", ", "processor"}, {"; ", "environment"}, {"; Lyne ", "version"}};
    const json_t *paper = json_object_get(log, "paper"), *settings = json_object_get(log, "settings"), *item;
    const char *name = text_of(log, "recipe");
    size_t i;
    lyne_text_add(out, "\n### %s\n\n", name);
    if (*text_of(paper, "title")) {
        SAY(out, paper, of_paper);
        lyne_text_add(out, ".\n");
    }
    lyne_text_add(out, "Recipe ");
    words(out, text_of(log, "path"), true);
    lyne_text_add(out, ", data ");
    words(out, text_of(log, "data"), true);
    SAY(out, log, of_run);
    lyne_text_add(out, "; %.1f minutes.\n", number_of(log, "minutes"));
    if (json_array_size(settings)) {
        lyne_text_add(out, "Run with");
        json_array_foreach(settings, i, item) {
            lyne_text_add(out, "%s ", i ? "," : "");
            words(out, json_string_value(item), true);
        }
        lyne_text_add(out, json_is_true(json_object_get(log, "reduced"))
                               ? ", which is not the published schedule, so no published figure stands beside it.\n"
                               : ".\n");
    }
    lyne_text_add(out, "\n");
    table(log, out);
    controls(log, out);
    lyne_text_add(out, "\n\n![errors of each run](%s/%s.svg)\n", plots, name);
    json_array_foreach(json_object_get(log, "notes"), i, item) {
        lyne_text_add(out, "\n");
        words(out, json_string_value(item), false);
        lyne_text_add(out, "\n");
    }
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
        if (strcmp(text_of(log, "suite"), suite) != 0) {
            lyne_text_add(out, "\n## Suite %s: ", text_of(log, "suite"));
            words(out, text_of(log, "suite_title"), false);
            lyne_text_add(out, "\n");
        }
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
    lyne_bench_stage *x;
    size_t n;
    char cell[CELL];
    out->failed |= !lyne_bench_stages(log, false, &x, &n);
    for (size_t k = 0; k < n; k++) {
        const bool counted = has(&x[k], "test_errors");
        *cell = '\0';
        counted ? errors(&x[k], cell) : agreement(&x[k], cell);
        lyne_text_add(out, "%s %s %s%s", k ? "," : "", x[k].name, cell, counted ? "" : " agreement");
    }
    lyne_text_add(out, " |");
    bool first = true;
    for (size_t k = 0; k < n; k++) {
        if (!x[k].published) continue;
        *cell = '\0';
        published(&x[k], cell);
        lyne_text_add(out, "%s %s %s: ", first ? "" : ",", x[k].name, cell);
        *cell = '\0';
        verdict(&x[k], cell);
        lyne_text_add(out, "%s", cell);
        first = false;
    }
    lyne_free(x);
    lyne_text_add(out, " | %.1f | ", number_of(log, "minutes"));
    words(out, text_of(log, "date"), false);
    lyne_text_add(out, "%s |\n", json_is_true(json_object_get(log, "reduced")) ? ", reduced" : "");
}
