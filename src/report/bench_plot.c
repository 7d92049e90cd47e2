/* report/bench_plot.c -- a picture of a log: a line for each stage, a dot for each run, the mean, the published interval. */
#include "base/memory.h"
#include "report/bench_page.h"
#include "report/picture.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { POWERS = 20 }; /* the axis is of logarithms when the most is more than so many times the least */
enum { EDGE = 10, LETTER = 8, WIDTH = 720, LINE = 26, TOP = 34, RIGHT = 24 };

/* What is plotted: errors, or agreement where no stage has errors. */
typedef struct axis {
    const char *key, *title;
    double unit, low, high, left; /* left: where it begins, right of the names of the stages */
    bool powers;                  /* of logarithms: one student that failed must not hide what the others differ by */
} axis;

static double along(const axis *a, double v) {
    return a->powers ? log(v) : v;
}

static double published(const json_t *e, const char *key) {
    return json_number_value(json_object_get(e, key));
}

static bool is_of(const json_t *e, const axis *a) {
    return e && strcmp(json_string_value(json_object_get(e, "metric")), a->key) == 0;
}

static void reach(axis *a, double v, bool *any) {
    a->low = !*any || v < a->low ? v : a->low;
    a->high = !*any || v > a->high ? v : a->high;
    *any = true;
}

static bool find_axis(const lyne_bench_stage *stage, size_t n, axis *a) {
    static const axis kinds[] = {{.key = "test_errors", .title = "test errors", .unit = 1},
                                 {.key = "agreement", .title = "agreement, %", .unit = 100}};
    size_t longest = 0;
    bool any = false;
    for (size_t k = 0; k < n; k++)
        if (strlen(stage[k].name) > longest) longest = strlen(stage[k].name);
    for (int kind = 0; kind < 2 && !any; kind++) {
        *a = kinds[kind];
        for (size_t k = 0; k < n; k++) {
            const lyne_bench_figure f = lyne_bench_figure_of(&stage[k], a->key);
            const json_t *e = stage[k].published;
            if (!f.n) continue;
            reach(a, f.least, &any);
            reach(a, f.most, &any);
            if (!is_of(e, a)) continue;
            reach(a, published(e, "published") - published(e, "within"), &any);
            reach(a, published(e, "published") + published(e, "within"), &any);
        }
    }
    a->left = fmin(2 * EDGE + (double)(LETTER * longest), WIDTH / 2.0);
    a->powers = any && a->low * a->unit >= 1 && a->high > POWERS * a->low;
    const double room = any && a->high > a->low ? 0.06 * (along(a, a->high) - along(a, a->low))
                                                : fmax(1 / a->unit, 1e-6 * fabs(a->high));
    a->low = a->powers ? a->low * exp(-room) : a->low - room;
    a->high = a->powers ? a->high * exp(room) : a->high + room;
    return any;
}

static double at(const axis *a, double v) {
    return a->left +
           (along(a, v) - along(a, a->low)) / (along(a, a->high) - along(a, a->low)) * (WIDTH - a->left - RIGHT);
}

/* 1, 2 or 5 times a power of ten, so that some six of them fit. */
static double tick_of(double range) {
    const double power = pow(10, floor(log10(range / 6))), times = range / 6 / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static void tick_at(const axis *a, double v, double bottom, lyne_text *out) {
    lyne_text_add(out,
                  "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.0f\" stroke=\"#ddd\"/>"
                  "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\" fill=\"#555\">%.6g</text>\n",
                  at(a, v), at(a, v), TOP, bottom, at(a, v), bottom + 16, v * a->unit);
}

/* Counted: beside a large number a tick may be too small to lead on. */
static void even_ticks(const axis *a, double bottom, lyne_text *out) {
    const double tick = tick_of((a->high - a->low) * a->unit) / a->unit, first = ceil(a->low / tick) * tick;
    double v = first;
    for (int i = 0; i <= 6 && v <= a->high; v = first + ++i * tick) tick_at(a, fabs(v) < tick / 2 ? 0 : v, bottom, out);
}

static void ticks_of_powers(const axis *a, double bottom, lyne_text *out) {
    static const int times[] = {1, 2, 5};
    for (int power = 0; power <= log10(a->high * a->unit); power++)
        for (int i = 0; i < 3; i++) {
            const double v = times[i] * pow(10, power) / a->unit;
            if (v >= a->low && v <= a->high) tick_at(a, v, bottom, out);
        }
}

static void one_stage(const lyne_bench_stage *stage, const axis *a, double y, lyne_text *out) {
    const lyne_bench_figure f = lyne_bench_figure_of(stage, a->key);
    const json_t *e = stage->published;
    lyne_text_add(out, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\" fill=\"#222\">", a->left - EDGE, y + 4);
    lyne_picture_escape(out, stage->name);
    lyne_text_add(out, "</text>\n");
    if (is_of(e, a)) {
        const double p = published(e, "published"), w = published(e, "within");
        lyne_text_add(out,
                      "<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"18\" fill=\"#f3d9a4\"><title>published %.6g "
                      "within %.4g</title></rect>\n",
                      at(a, p - w), y - 9, fmax(at(a, p + w) - at(a, p - w), 2), p * a->unit, w * a->unit);
    }
    if (f.n)
        lyne_text_add(out,
                      "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\" stroke=\"#b03a2e\" stroke-width=\"2\"/>\n",
                      at(a, f.mean), at(a, f.mean), y - 9, y + 9);
    for (size_t i = 0; i < stage->n; i++) {
        const json_t *v = json_object_get(json_object_get(lyne_bench_job(stage, i), "metrics"), a->key);
        if (!json_is_number(v)) continue;
        lyne_text_add(out, "<circle cx=\"%.1f\" cy=\"%.0f\" r=\"4\" fill=\"#1f4e79\" fill-opacity=\"0.65\"/>\n",
                      at(a, json_number_value(v)), y);
    }
}

void lyne_bench_plot(const json_t *log, lyne_text *out) {
    size_t n;
    axis a;
    lyne_bench_stage *stage;
    out->failed |= !lyne_bench_stages(log, false, &stage, &n);
    const double bottom = TOP + LINE * (double)n, height = bottom + 28;
    const bool any = find_axis(stage, n, &a);
    lyne_text_add(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
        "<text x=\"%d\" y=\"20\" font-weight=\"bold\">",
        WIDTH, height, WIDTH, height, EDGE);
    lyne_picture_escape(out, json_string_value(json_object_get(log, "recipe")));
    lyne_text_add(out,
                  ": %s%s<tspan font-weight=\"normal\" fill=\"#555\" dx=\"20\">"
                  "dot: a seed; bar: mean; band: published</tspan></text>\n",
                  any ? a.title : "nothing to show", any && a.powers ? " (logarithmic)" : "");
    if (any) (a.powers ? ticks_of_powers : even_ticks)(&a, bottom, out);
    for (size_t k = 0; any && k < n; k++) one_stage(&stage[k], &a, TOP + LINE * ((double)k + 0.5), out);
    lyne_free(stage);
    lyne_text_add(out, "</svg>\n");
}
