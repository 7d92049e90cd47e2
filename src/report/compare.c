/* report/compare.c -- two runs side by side: what came out, which settings differ, how training went. */
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"
#include "report/picture.h"
#include "report/results.h"
#include "report/runs.h"
#include <math.h>
#include <string.h>

typedef struct comparison {
    const char *out[2]; /* the runs */
    json_t *root[2], *jobs[2];
    size_t n, capacity;
    char (*stage)[REPORT_NAME]; /* of the first, then those of the second alone */
} comparison;

static void close_both(comparison *c) {
    for (int k = 0; k < 2; k++) json_decref(c->root[k]);
    lyne_free(c->stage);
    lyne_free(c);
}

static bool add_stage(comparison *c, const char *stage) {
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->stage[i], stage) == 0) return true;
    if (!lyne_grow(&c->stage, &c->capacity, c->n + 1, sizeof *c->stage)) return false;
    strcpy(c->stage[c->n++], stage);
    return true;
}

static lyne_status open_both(const char *a, const char *b, comparison **out, lyne_error *err) {
    comparison *c = lyne_alloc(1, sizeof *c);
    lyne_status status = LYNE_OK;
    if (!c) return lyne_fail_memory(err, "a comparison");
    c->out[0] = a;
    c->out[1] = b;
    for (int k = 0; k < 2 && status == LYNE_OK; k++) {
        status = report_load(c->out[k], &c->root[k], &c->jobs[k], err);
        for (size_t i = 0; status == LYNE_OK && i < json_array_size(c->jobs[k]); i++) {
            char stage[REPORT_NAME];
            if (!add_stage(c, report_stage_of(json_array_get(c->jobs[k], i), stage)))
                status = lyne_fail_memory(err, "a comparison");
        }
    }
    if (status != LYNE_OK)
        close_both(c);
    else
        *out = c;
    return status;
}

/* The first job of a stage; NULL: there is none. */
static const json_t *job_of(const comparison *c, int k, const char *stage) {
    for (size_t i = 0; i < json_array_size(c->jobs[k]); i++) {
        char name[REPORT_NAME];
        const json_t *job = json_array_get(c->jobs[k], i);
        if (strcmp(report_stage_of(job, name), stage) == 0) return job;
    }
    return NULL;
}

/* OUT/DIRECTORY/FILE of that job; false if there is none. */
static bool file_of(const comparison *c, int k, const char *stage, const char *file, char path[REPORT_PATH]) {
    const json_t *job = job_of(c, k, stage);
    const char *directory = json_string_value(json_object_get(job, "directory"));
    return directory && snprintf(path, REPORT_PATH, "%s/%s/%s", c->out[k], directory, file) < REPORT_PATH;
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

static void print_numbers(const comparison *c, const char *stage, FILE *to) {
    const char *name = stage;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        report_summary s[2];
        char cell[2][40];
        for (int k = 0; k < 2; k++) {
            s[k] = report_summarise(c->jobs[k], stage, numbers[i].key);
            number_cell(&s[k], numbers[i].human, cell[k]);
        }
        if (!s[0].n && !s[1].n) continue;
        fprintf(to, "%-24s  %-18s  %24s  %24s", name, numbers[i].title, cell[0], cell[1]);
        if (s[0].n && s[1].n && !numbers[i].human) fprintf(to, "  %+.4g", s[1].mean - s[0].mean);
        fprintf(to, "\n");
        name = "";
    }
}

/* ---- settings ---- */

/* What the result of the stage's first job depends on; NULL if that cannot be read. */
static json_t *inputs_of(const comparison *c, int k, const char *stage) {
    char path[REPORT_PATH];
    json_t *root = NULL;
    if (!file_of(c, k, stage, "result.json", path) || lyne_json_load(path, 1 << 20, &root, NULL) != LYNE_OK)
        return NULL;
    json_t *inputs = json_incref(json_object_get(root, "inputs"));
    json_decref(root);
    return inputs;
}

/* Follows from another difference. */
static bool is_derived(const char *name) {
    return strncmp(name, "stage ", 6) == 0 || strncmp(name, "files of ", 9) == 0;
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

static size_t print_differences(const char *stage, const json_t *from, const json_t *in[2], bool only_new, FILE *to) {
    const char *name;
    json_t *value;
    size_t n = 0;
    json_object_foreach((json_t *)from, name, value) {
        const char *text[2];
        for (int k = 0; k < 2; k++) text[k] = json_string_value(json_object_get(in[k], name));
        if (is_derived(name) || of_another(name, in) || (only_new && text[0]) ||
            (text[0] && text[1] && strcmp(text[0], text[1]) == 0))
            continue;
        fprintf(to, "  %s.%s: %s | %s\n", stage, name, text[0] ? text[0] : "-", text[1] ? text[1] : "-");
        n++;
    }
    return n;
}

static size_t print_settings(const comparison *c, const char *stage, FILE *to) {
    json_t *in[2] = {inputs_of(c, 0, stage), inputs_of(c, 1, stage)};
    const json_t *both[2] = {in[0], in[1]};
    size_t n = 0;
    if (in[0] && in[1]) {
        n = print_differences(stage, in[0], both, false, to);
        n += print_differences(stage, in[1], both, true, to);
    }
    json_decref(in[0]);
    json_decref(in[1]);
    return n;
}

lyne_status lyne_compare_print(const char *a, const char *b, FILE *to, lyne_error *err) {
    comparison *c;
    lyne_status status = open_both(a, b, &c, err);
    if (status != LYNE_OK) return status;
    fprintf(to, "%-24s  %-18s  %24s  %24s\n", "stage", "", a, b);
    for (size_t i = 0; i < c->n; i++) print_numbers(c, c->stage[i], to);
    fprintf(to, "\nsettings that differ, %s | %s:\n", a, b);
    size_t n = 0;
    const char *environment[2];
    for (int k = 0; k < 2; k++) environment[k] = json_string_value(json_object_get(c->root[k], "environment"));
    if (environment[0] && environment[1] && strcmp(environment[0], environment[1]) != 0)
        fprintf(to, "  environment: %s | %s\n", environment[0], environment[1]), n++;
    for (size_t i = 0; i < c->n; i++) n += print_settings(c, c->stage[i], to);
    if (!n) fprintf(to, "  none\n");
    close_both(c);
    return LYNE_OK;
}

/* ---- curves ---- */

enum { PANEL_WIDTH = 480, PANEL_HEIGHT = 200, MARGIN = 40, TOP = 72, PANEL = PANEL_HEIGHT + 60 };
static const char *const stroke[] = {"stroke=\"#1f6fb4\"", "stroke=\"#d1681b\" stroke-dasharray=\"6 3\""};

/* The training accuracy of a stage's seed, epoch after epoch. */
typedef struct curve {
    struct point {
        double epoch, accuracy;
    } *item;
    size_t n, capacity;
} curve;

static void read_curve(const char *path, curve *out) {
    char *text;
    size_t size;
    if (lyne_file_read(path, (size_t)64 << 20, &text, &size, NULL) != LYNE_OK) return;
    for (const char *line = text, *end; (end = memchr(line, '\n', (size_t)(text + size - line))); line = end + 1) {
        json_t *j = json_loadb(line, (size_t)(end - line), 0, NULL);
        const json_t *epoch = json_object_get(j, "epoch"), *accuracy = json_object_get(j, "train_accuracy");
        if (json_is_number(epoch) && json_is_number(accuracy) &&
            lyne_grow(&out->item, &out->capacity, out->n + 1, sizeof *out->item))
            out->item[out->n++] = (struct point){json_number_value(epoch), json_number_value(accuracy)};
        json_decref(j);
    }
    lyne_free(text);
}

static void add_panel(const comparison *c, const char *stage, int y, lyne_text *out) {
    const int bottom = y + PANEL_HEIGHT, right = MARGIN + PANEL_WIDTH;
    char path[REPORT_PATH];
    curve of[2] = {0};
    double last = 1, low = 0.9;
    for (int k = 0; k < 2; k++) {
        if (file_of(c, k, stage, "metrics.jsonl", path)) read_curve(path, &of[k]);
        for (size_t i = 0; i < of[k].n; i++) {
            last = fmax(last, of[k].item[i].epoch);
            low = fmax(0, fmin(low, floor(10 * of[k].item[i].accuracy) / 10));
        }
    }
    lyne_text_add(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#aaa\"/>\n", MARGIN,
                  y, PANEL_WIDTH, PANEL_HEIGHT);
    lyne_text_add(out, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">", MARGIN, y - 6);
    lyne_picture_escape(out, stage);
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

static bool has_curve(const comparison *c, const char *stage) {
    char path[REPORT_PATH];
    for (int k = 0; k < 2; k++)
        if (file_of(c, k, stage, "metrics.jsonl", path) && lyne_file_exists(path)) return true;
    return false;
}

lyne_status lyne_compare_svg(const char *a, const char *b, lyne_text *out, lyne_error *err) {
    comparison *c;
    lyne_status status = open_both(a, b, &c, err);
    if (status != LYNE_OK) return status;
    int n = 0;
    for (size_t i = 0; i < c->n; i++) n += has_curve(c, c->stage[i]);
    lyne_text_add(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
                  "font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                  PANEL_WIDTH + 2 * MARGIN, TOP - 16 + n * PANEL);
    lyne_text_add(out, "<text x=\"%d\" y=\"14\">accuracy on the samples trained on, first seed</text>\n", MARGIN);
    add_legend(a, 0, out);
    add_legend(b, 1, out);
    for (size_t i = 0, at = 0; i < c->n; i++)
        if (has_curve(c, c->stage[i])) add_panel(c, c->stage[i], TOP + (int)at++ * PANEL, out);
    lyne_text_add(out, "</svg>\n");
    close_both(c);
    return out->failed ? lyne_fail_memory(err, "a picture") : LYNE_OK;
}
