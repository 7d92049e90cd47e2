/* report/compare.c -- two runs side by side: what came out, which settings differ, how training went. */
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"
#include "recipe/pipeline.h"
#include "report/picture.h"
#include "report/results.h"
#include "report/runs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A stage of the one run and that of the other; one of the two may be missing. */
typedef struct pair {
    report_stage of[2];
    uint64_t name; /* a hash of it */
} pair;

typedef struct comparison {
    const char *out[2]; /* the runs */
    json_t *root[2];
    size_t n, capacity;
    pair *item; /* stages of the first, then those of the second alone */
    FILE *to;
    bool failed; /* for want of memory */
} comparison;

static void close_both(comparison *c) {
    for (int k = 0; k < 2; k++) json_decref(c->root[k]);
    lyne_free(c->item);
    lyne_free(c);
}

static bool add_stages(comparison *c, int k, const json_t *jobs) {
    for (report_stage s = {.jobs = jobs}; report_next(&s);) {
        char name[REPORT_NAME];
        if (!lyne_grow(&c->item, &c->capacity, c->n + 1, sizeof *c->item)) return false;
        report_name(&s, name);
        c->item[c->n] = (pair){.name = lyne_digest_of(name, strlen(name)).low};
        c->item[c->n++].of[k] = s;
    }
    return true;
}

/* Those of one name as they came. */
static int by_name(const void *a, const void *b) {
    const pair *x = *(pair *const *)a, *y = *(pair *const *)b;
    return x->name != y->name ? (x->name > y->name) - (x->name < y->name) : (x > y) - (x < y);
}

/* Make those of one name one.  What a run has a second time, as none of ours does, is left out: its files would be read
 * as often as it stands there. */
static bool join(comparison *c) {
    const size_t n = c->n;
    pair **order = n ? lyne_alloc(n, sizeof *order) : NULL, *first = NULL;
    if (n && !order) return false;
    for (size_t i = 0; i < n; i++) order[i] = &c->item[i];
    if (n) qsort(order, n, sizeof *order, by_name);
    for (size_t i = 0; i < n; i++) {
        if (!first || order[i]->name != first->name) {
            first = order[i];
            continue;
        }
        for (int k = 0; k < 2; k++) {
            if (!first->of[k].n) first->of[k] = order[i]->of[k];
            order[i]->of[k] = (report_stage){0};
        }
    }
    lyne_free(order);
    c->n = 0;
    for (size_t i = 0; i < n; i++)
        if (c->item[i].of[0].n || c->item[i].of[1].n) c->item[c->n++] = c->item[i];
    return true;
}

static lyne_status open_both(const char *a, const char *b, FILE *to, comparison **out, lyne_error *err) {
    comparison *c = lyne_alloc(1, sizeof *c);
    lyne_status status = LYNE_OK;
    if (!c) return lyne_fail_memory(err, "a comparison");
    c->out[0] = a;
    c->out[1] = b;
    c->to = to;
    for (int k = 0; k < 2 && status == LYNE_OK; k++) {
        json_t *jobs;
        status = report_load(c->out[k], &c->root[k], &jobs, err);
        if (status == LYNE_OK && !add_stages(c, k, jobs)) status = lyne_fail_memory(err, "a comparison");
    }
    if (status == LYNE_OK && !join(c)) status = lyne_fail_memory(err, "a comparison");
    if (status != LYNE_OK)
        close_both(c);
    else
        *out = c;
    return status;
}

static const char *name_of(const pair *p, char out[REPORT_NAME]) {
    return lyne_one_line((char *)report_name(&p->of[p->of[0].n ? 0 : 1], out));
}

/* Parts without dots alone, as a run says it: any other way names a folder that has a name already, or one elsewhere. */
static bool is_plain(const char *directory) {
    for (const char *part = directory;;) {
        const size_t n = strcspn(part, "/");
        if (n == strspn(part, ".") && n <= 2) return false;
        if (!part[n]) return true;
        part += n + 1;
    }
}

/* OUT/DIRECTORY/FILE of the first job of a pair's k-th; false if the run's folder has none. */
static bool file_of(const comparison *c, int k, const pair *p, const char *file, char path[REPORT_PATH]) {
    const json_t *job = json_array_get(p->of[k].jobs, p->of[k].first);
    const char *directory = json_string_value(json_object_get(job, "directory"));
    return directory && is_plain(directory) &&
           snprintf(path, REPORT_PATH, "%s/%s/%s", c->out[k], directory, file) < REPORT_PATH &&
           lyne_file_exists(path) && lyne_file_within(path, &c->out[k], 1, NULL) == LYNE_OK;
}

static void print_line(comparison *c, lyne_text *line) {
    c->failed |= !lyne_text_line(line, c->to);
}

/* ---- numbers ---- */

static const struct number {
    const char *title, *key;
    bool human;
} numbers[] = {{"test errors", "test_errors", false},
               {"test accuracy", "test_accuracy", false},
               {"validation errors", "validation_errors", false},
               {"agreement", "agreement", false},
               {"parameters", "parameters", true},
               {"MACs", "macs", true},
               {"soft labels [B]", "bytes", true},
               {"seconds", "seconds", false}};

static void number_cell(const report_summary *s, bool human, char out[40]) {
    char text[16];
    snprintf(out, 40, "-");
    if (!s->n) return;
    lyne_human(s->mean, text);
    if (human)
        snprintf(out, 40, "%s", text);
    else if (s->n > 1)
        snprintf(out, 40, "%.5g (%.2g, n = %d)", s->mean, s->sd, s->n);
    else
        snprintf(out, 40, "%.5g", s->mean);
}

static void print_numbers(comparison *c, const pair *p) {
    char text[REPORT_NAME];
    const char *name = name_of(p, text);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        report_summary s[2];
        char cell[2][40];
        lyne_text line = {0};
        for (int k = 0; k < 2; k++) {
            s[k] = report_summarise(&p->of[k], numbers[i].key);
            number_cell(&s[k], numbers[i].human, cell[k]);
        }
        if (!s[0].n && !s[1].n) continue;
        lyne_text_add(&line, "%-24s  %-18s  %24s  %24s", name, numbers[i].title, cell[0], cell[1]);
        if (s[0].n && s[1].n && !numbers[i].human) lyne_text_add(&line, "  %+.4g", s[1].mean - s[0].mean);
        print_line(c, &line);
        name = "";
    }
}

/* ---- settings ---- */

/* What the result of a stage's first job depends on; NULL if that cannot be read. */
static json_t *inputs_of(const comparison *c, int k, const pair *p) {
    char path[REPORT_PATH];
    json_t *root = NULL;
    if (!file_of(c, k, p, "result.json", path) || lyne_json_load(path, LYNE_RESULT_LIMIT, &root, NULL) != LYNE_OK)
        return NULL;
    json_t *inputs = json_incref(json_object_get(root, "inputs"));
    json_decref(root);
    return inputs;
}

/* Follows from another difference, or is one of the seeds. */
static bool is_derived(const char *name) {
    return strcmp(name, "seed") == 0 || strncmp(name, "stage ", 6) == 0 || strncmp(name, "files of ", 9) == 0;
}

/* A field of a component that is another one in the other run, as sgd's momentum beside adamw: "optimizer" says it. */
static bool of_another(const char *name, const json_t *in[2]) {
    char part[REPORT_NAME];
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
        if (snprintf(part, sizeof part, "%.*s", (int)(dot - name), name) >= (int)sizeof part) return false;
        const char *a = json_string_value(json_object_get(in[0], part));
        const char *b = json_string_value(json_object_get(in[1], part));
        if (a && b && strcmp(a, b) != 0) return true;
    }
    return false;
}

static void print_difference(comparison *c, const char *name, const char *const text[2]) {
    lyne_text line = {0};
    lyne_text_add(&line, "  %s: %s | %s", name, text[0] ? text[0] : "-", text[1] ? text[1] : "-");
    print_line(c, &line);
}

static size_t print_differences(comparison *c, const char *stage, const json_t *from, const json_t *in[2],
                                bool only_new) {
    const char *name;
    json_t *value;
    size_t n = 0;
    json_object_foreach((json_t *)from, name, value) {
        const char *text[2];
        lyne_text full = {0};
        for (int k = 0; k < 2; k++) text[k] = json_string_value(json_object_get(in[k], name));
        if ((only_new && text[0]) || (text[0] && text[1] && strcmp(text[0], text[1]) == 0) || is_derived(name) ||
            of_another(name, in))
            continue;
        lyne_text_add(&full, "%s.%s", stage, name);
        if (full.data) print_difference(c, full.data, text);
        c->failed |= full.failed;
        lyne_text_free(&full);
        n++;
    }
    return n;
}

/* "1, 2, 3"; of what has no stage of that name nothing */
static void add_seeds(const report_stage *s, lyne_text *out) {
    for (size_t i = 0; i < s->n; i++) {
        const json_t *seed = json_object_get(json_array_get(s->jobs, s->first + i), "seed");
        lyne_text_add(out, "%s%lld", i ? ", " : "", (long long)json_integer_value(seed));
    }
}

static size_t print_seeds(comparison *c, const pair *p, const char *stage) {
    lyne_text of[2] = {{0}, {0}}, full = {0};
    for (int k = 0; k < 2; k++) add_seeds(&p->of[k], &of[k]);
    const bool other = !of[0].data || !of[1].data || strcmp(of[0].data, of[1].data) != 0;
    lyne_text_add(&full, "%s.seeds", stage);
    if (other && full.data) print_difference(c, full.data, (const char *[]){of[0].data, of[1].data});
    c->failed |= full.failed | of[0].failed | of[1].failed;
    lyne_text_free(&full);
    for (int k = 0; k < 2; k++) lyne_text_free(&of[k]);
    return other;
}

static size_t print_settings(comparison *c, const pair *p) {
    json_t *in[2] = {inputs_of(c, 0, p), inputs_of(c, 1, p)};
    const json_t *both[2] = {in[0], in[1]};
    char name[REPORT_NAME];
    size_t n = print_seeds(c, p, name_of(p, name));
    if (in[0] && in[1]) {
        n += print_differences(c, name, in[0], both, false);
        n += print_differences(c, name, in[1], both, true);
    }
    for (int k = 0; k < 2; k++) {
        lyne_text line = {0};
        if (in[k] || !p->of[0].n || !p->of[1].n) continue;
        lyne_text_add(&line, "  %s: the others are not known, as %s has no result.json of it", name, c->out[k]);
        print_line(c, &line);
        n++;
    }
    json_decref(in[0]);
    json_decref(in[1]);
    return n;
}

lyne_status lyne_compare_print(const char *a, const char *b, FILE *to, lyne_error *err) {
    comparison *c;
    lyne_status status = open_both(a, b, to, &c, err);
    if (status != LYNE_OK) return status;
    fprintf(to, "%-24s  %-18s  %24s  %24s\n", "stage", "", a, b);
    for (size_t i = 0; i < c->n; i++) print_numbers(c, &c->item[i]);
    fprintf(to, "\nsettings that differ, %s | %s:\n", a, b);
    size_t n = 0;
    const char *environment[2];
    for (int k = 0; k < 2; k++) environment[k] = json_string_value(json_object_get(c->root[k], "environment"));
    if (environment[0] && environment[1] && strcmp(environment[0], environment[1]) != 0)
        print_difference(c, "environment", environment), n++;
    for (size_t i = 0; i < c->n; i++) n += print_settings(c, &c->item[i]);
    if (!n) fprintf(to, "  none\n");
    if (c->failed) status = lyne_fail_memory(err, "a comparison");
    close_both(c);
    return status;
}

/* ---- curves ---- */

enum { PANEL_WIDTH = 480, PANEL_HEIGHT = 200, MARGIN = 40, TOP = 72, PANEL = PANEL_HEIGHT + 60 };
static const char *const stroke[] = {"stroke=\"#1f6fb4\"", "stroke=\"#d1681b\" stroke-dasharray=\"6 3\""};

#define MOST_EPOCHS 1e9

/* The training accuracy of a stage's seed, epoch after epoch. */
typedef struct curve {
    struct point {
        double epoch, accuracy;
    } *item;
    size_t n, capacity;
} curve;

/* What is no curve has no points.  False when memory is out. */
static bool read_curve(const char *path, curve *out) {
    char *text;
    size_t size;
    lyne_status status = lyne_file_read(path, (size_t)64 << 20, &text, &size, NULL);
    if (status != LYNE_OK) return status != LYNE_ENOSPACE;
    for (const char *line = text, *end; (end = memchr(line, '\n', (size_t)(text + size - line))); line = end + 1) {
        json_t *j;
        json_error_t why;
        status = lyne_json_parse(line, (size_t)(end - line), &j, &why);
        const json_t *epoch = json_object_get(j, "epoch"), *accuracy = json_object_get(j, "train_accuracy");
        const struct point p = {json_number_value(epoch), json_number_value(accuracy)};
        const bool good = json_is_number(epoch) && p.epoch >= 0 && p.epoch <= MOST_EPOCHS && json_is_number(accuracy) &&
                          p.accuracy >= 0 && p.accuracy <= 1;
        json_decref(j);
        if (good && !lyne_grow(&out->item, &out->capacity, out->n + 1, sizeof *out->item)) status = LYNE_ENOSPACE;
        if (status == LYNE_ENOSPACE) break;
        if (good) out->item[out->n++] = p;
    }
    lyne_free(text);
    return status != LYNE_ENOSPACE;
}

static void add_panel(const comparison *c, const pair *p, int y, lyne_text *out) {
    const int bottom = y + PANEL_HEIGHT, right = MARGIN + PANEL_WIDTH;
    char path[REPORT_PATH], name[REPORT_NAME];
    curve of[2] = {0};
    double last = 1, low = 0.9;
    for (int k = 0; k < 2; k++) {
        if (file_of(c, k, p, "metrics.jsonl", path)) out->failed |= !read_curve(path, &of[k]);
        for (size_t i = 0; i < of[k].n; i++) {
            last = fmax(last, of[k].item[i].epoch);
            low = fmax(0, fmin(low, floor(10 * of[k].item[i].accuracy) / 10));
        }
    }
    lyne_text_add(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#aaa\"/>\n", MARGIN,
                  y, PANEL_WIDTH, PANEL_HEIGHT);
    lyne_text_add(out, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">", MARGIN, y - 6);
    lyne_picture_escape(out, name_of(p, name));
    lyne_text_add(out,
                  "</text><g fill=\"#555\"><text x=\"4\" y=\"%d\">100%%</text><text x=\"4\" y=\"%d\">%.0f%%</text>",
                  y + 10, bottom, 100 * low);
    lyne_text_add(out,
                  "<text x=\"%d\" y=\"%d\">0</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">epoch %g</text></g>\n",
                  MARGIN, bottom + 14, right, bottom + 14, last);
    for (int k = 0; k < 2; k++) {
        lyne_text_add(out, "<polyline fill=\"none\" stroke-width=\"1.5\" %s points=\"", stroke[k]);
        for (size_t i = 0; i < of[k].n; i++)
            lyne_text_add(out, "%.1f,%.1f ", MARGIN + PANEL_WIDTH * of[k].item[i].epoch / last,
                          bottom - PANEL_HEIGHT * (of[k].item[i].accuracy - low) / (1 - low));
        lyne_text_add(out, "\"/>\n");
        lyne_free(of[k].item);
    }
}

static void add_legend(const char *run, int k, lyne_text *out) {
    const int y = 30 + 16 * k;
    lyne_text_add(out,
                  "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke-width=\"1.5\" %s/><text x=\"%d\" y=\"%d\">",
                  MARGIN, MARGIN + 30, y - 4, y - 4, stroke[k], MARGIN + 38, y);
    lyne_picture_escape(out, run);
    lyne_text_add(out, "</text>\n");
}

static bool has_curve(const comparison *c, const pair *p) {
    char path[REPORT_PATH];
    return file_of(c, 0, p, "metrics.jsonl", path) || file_of(c, 1, p, "metrics.jsonl", path);
}

lyne_status lyne_compare_svg(const char *a, const char *b, lyne_text *out, lyne_error *err) {
    comparison *c;
    lyne_status status = open_both(a, b, NULL, &c, err);
    if (status != LYNE_OK) return status;
    int n = 0;
    for (size_t i = 0; i < c->n; i++) n += has_curve(c, &c->item[i]);
    lyne_text_add(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
                  "font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                  PANEL_WIDTH + 2 * MARGIN, TOP - 16 + n * PANEL);
    lyne_text_add(out, "<text x=\"%d\" y=\"14\">accuracy on the samples trained on, first seed</text>\n", MARGIN);
    add_legend(a, 0, out);
    add_legend(b, 1, out);
    for (size_t i = 0, at = 0; i < c->n; i++)
        if (has_curve(c, &c->item[i])) add_panel(c, &c->item[i], TOP + (int)at++ * PANEL, out);
    lyne_text_add(out, "</svg>\n");
    close_both(c);
    return out->failed ? lyne_fail_memory(err, "a picture") : LYNE_OK;
}
