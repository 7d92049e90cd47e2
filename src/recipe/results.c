/* recipe/results.c -- results.json: what a run came to, for programs. */
#include "base/file.h"
#include "formats/json.h"
#include "recipe/environment.h"
#include "recipe/pipeline.h"
#include "recipe/result_file.h"
#include <math.h>
#include <string.h>

lyne_summary lyne_summarise(const lyne_outcomes *o, size_t stage, size_t offset, bool whole) {
    lyne_summary s = {0};
    double square = 0;
    for (size_t i = 0; i < o->n; i++) {
        const void *at = (const char *)&o->item[i].result + offset;
        const double v = whole ? (double)*(const int64_t *)at : *(const double *)at;
        if (o->item[i].stage != stage || v < 0) continue;
        const double off = v - s.mean; /* Welford */
        s.mean += off / ++s.n;
        square += off * (v - s.mean);
    }
    s.sd = s.n > 1 ? sqrt(square / (s.n - 1)) : 0;
    return s;
}

/* {path: value} of the axes that a stage depends on, of all of them for a stage behind the last; values as YAML. */
static json_t *values_json(const lyne_recipe *r, size_t stage) {
    json_t *j = json_object();
    for (size_t a = 0; a < r->n_axes; a++)
        if (stage == r->n_stages || lyne_axis_touches(r, &r->axis[a], stage))
            json_object_set_new(j, r->axis[a].path, json_string(r->value[a]));
    return j;
}

static json_t *stage_json(const lyne_recipe *r, const lyne_outcome *o) {
    const lyne_stage_instance *stage = &r->stage[o->stage];
    json_t *j = json_pack("{s:s, s:s, s:I, s:b}", "stage", stage->name, "kind", stage->kind.row->name, "seed",
                          (json_int_t)o->seed, "was_up_to_date", o->was_up_to_date);
    if (!j) return NULL;
    for (size_t i = 0; i < LYNE_PROVENANCE; i++)
        if (o->provenance.text[i]) json_object_set_new(j, lyne_provenance_key[i], json_string(o->provenance.text[i]));
    lyne_result_json(j, &o->result);
    json_object_set_new(j, "directory", json_string(o->directory));
    if (r->n_axes) json_object_set_new(j, "sweep", values_json(r, o->stage));
    lyne_json_set_digest(j, "fingerprint", o->fingerprint);
    lyne_json_set_digest(j, "made", o->made);
    if (o->model_bytes) {
        json_object_set_new(j, "model", json_sprintf("%s/model.safetensors", o->directory));
        json_object_set_new(j, "model_bytes", json_integer((json_int_t)o->model_bytes));
    }
    return j;
}

static size_t stage_called(const lyne_recipe *r, const char *name) {
    size_t i = 0;
    while (i < r->n_stages && strcmp(r->stage[i].name, name) != 0) i++;
    return i;
}

/* How many times our errors the control makes; without any of ours, all that it makes. */
static lyne_verdict compare(const lyne_recipe *r, const lyne_outcomes *o, const lyne_expectation *e) {
    const size_t errors = offsetof(lyne_result, test_errors);
    const lyne_summary ours = lyne_summarise(o, stage_called(r, e->stage), errors, true);
    const lyne_summary other = lyne_summarise(o, stage_called(r, e->better_than), errors, true);
    lyne_verdict v = {.metric = "ratio", .asked = e->times};
    if (ours.n == 0 || other.n == 0) return v;
    v.ours = (lyne_summary){.n = ours.n < other.n ? ours.n : other.n, .mean = other.mean / fmax(ours.mean, 1)};
    v.met = v.ours.mean >= e->times && other.mean > ours.mean;
    return v;
}

lyne_verdict lyne_judge(const lyne_recipe *r, const lyne_outcomes *o, const lyne_expectation *e) {
    const struct {
        const char *name;
        double published;
        size_t offset;
    } metric[] = {{"test_errors", e->test_errors, offsetof(lyne_result, test_errors)},
                  {"test_accuracy", e->test_accuracy, offsetof(lyne_result, test_accuracy)},
                  {"agreement", e->agreement, offsetof(lyne_result, agreement)}};
    if (e->better_than) return compare(r, o, e);
    int i = 0;
    while (i < 2 && metric[i].published < 0) i++;
    const lyne_summary s = lyne_summarise(o, stage_called(r, e->stage), metric[i].offset, i == 0);
    const double off = s.mean - metric[i].published;
    return (lyne_verdict){.metric = metric[i].name,
                          .ours = s,
                          .asked = metric[i].published,
                          .met = s.n > 0 && fabs(off) <= e->within + 1e-12};
}

static json_t *expect_json(const lyne_recipe *r, const lyne_outcomes *o, const lyne_expectation *e) {
    const lyne_verdict v = lyne_judge(r, o, e);
    json_t *j = json_pack("{s:s, s:s, s:i, s:b}", "stage", e->stage, "metric", v.metric, "n", v.ours.n, "met", v.met);
    lyne_json_set_real(j, e->better_than ? "at_least" : "published", v.asked);
    if (e->better_than)
        json_object_set_new(j, "better_than", json_string(e->better_than));
    else
        lyne_json_set_real(j, "within", e->within);
    if (v.ours.n > 0) lyne_json_set_real(j, "mean", v.ours.mean);
    if (v.ours.n > 0 && !e->better_than) lyne_json_set_real(j, "sd", v.ours.sd);
    if (j && r->n_axes) json_object_set_new(j, "sweep", values_json(r, r->n_stages));
    if (e->note) json_object_set_new(j, "note", json_string(e->note));
    return j;
}

static json_t *paper_json(const lyne_paper *p) {
    const struct {
        const char *key, *value;
    } part[] = {{"title", p->title}, {"arxiv", p->arxiv}, {"section", p->section}};
    json_t *j = json_object();
    for (size_t i = 0; i < 3; i++)
        if (part[i].value) json_object_set_new(j, part[i].key, json_string(part[i].value));
    return j;
}

/* What all jobs were made with: each that differs once, of dates the last.  NULL when memory is out. */
static json_t *made_with(const lyne_outcomes *o, size_t n, size_t key) {
    json_t *seen = json_object();
    lyne_text all = {0};
    const char *value, *last = "unknown";
    json_t *unused;
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < o[p].n; i++)
            if ((value = o[p].item[i].provenance.text[key])) {
                if (json_object_size(seen) == 0 || strcmp(value, last) > 0) last = value;
                json_object_set_new(seen, value, json_true());
            }
    json_object_foreach(seen, value, unused) {
        lyne_text_add(&all, "%s%s", all.length ? "; " : "", value);
    }
    json_t *text = all.failed ? NULL : json_string(key == LYNE_MADE_DATE || !all.data ? last : all.data);
    json_decref(seen);
    lyne_text_free(&all);
    return text;
}

/* Stages of which nothing stands, as after --stage. */
static json_t *not_run(const lyne_recipe *r, const lyne_outcomes *o, size_t n) {
    json_t *list = json_array();
    for (size_t s = 0; s < r->n_stages; s++) {
        size_t jobs = 0;
        for (size_t p = 0; p < n; p++)
            for (size_t i = 0; i < o[p].n; i++) jobs += o[p].item[i].stage == s;
        if (jobs == 0) json_array_append_new(list, json_string(r->stage[s].name));
    }
    return list;
}

static json_t *results_json(const lyne_recipe *r, const lyne_outcomes *o) {
    double seconds = 0;
    uint64_t memory = 0;
    const size_t n = lyne_recipe_count(r);
    for (size_t p = 0; p < n; p++) {
        seconds += o[p].seconds;
        if (o[p].peak_memory > memory) memory = o[p].peak_memory;
    }
    json_t *root = json_pack("{s:i, s:s, s:s, s:f, s:I, s:[], s:[], s:o}", "lyne", 1, "recipe", r->name, "data",
                             r->data, "wall_seconds", seconds, "peak_memory", (json_int_t)memory, "stages", "expect",
                             "not_run", not_run(r, o, n));
    if (!root) return NULL;
    for (size_t i = 0; i < LYNE_PROVENANCE; i++) {
        if (json_object_set_new(root, lyne_provenance_key[i], made_with(o, n, i)) == 0) continue;
        json_decref(root);
        return NULL;
    }
    if (r->paper.title || r->paper.arxiv || r->paper.section) json_object_set_new(root, "paper", paper_json(&r->paper));
    json_t *plugins = lyne_plugins_json();
    if (json_array_size(plugins)) json_object_set(root, "plugins", plugins);
    json_decref(plugins);
    for (size_t p = 0; p < n; p++) {
        const lyne_recipe *point = lyne_recipe_at(r, p);
        for (size_t i = 0; i < o[p].n; i++)
            if (!lyne_recipe_shared(r, p, o[p].item[i].stage))
                json_array_append_new(json_object_get(root, "stages"), stage_json(point, &o[p].item[i]));
        for (size_t i = 0; i < point->n_expect; i++)
            json_array_append_new(json_object_get(root, "expect"), expect_json(point, &o[p], &point->expect[i]));
    }
    return root;
}

lyne_status lyne_results_save(const lyne_recipe *r, const lyne_outcomes *o, const char *path, lyne_error *err) {
    json_t *root = results_json(r, o);
    lyne_status status = lyne_json_save(path, root, err);
    json_decref(root);
    return status;
}

lyne_status lyne_results_print(const lyne_recipe *r, const lyne_outcomes *o, lyne_text *out, lyne_error *err) {
    json_t *root = results_json(r, o);
    char *text = lyne_json_dump(root, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (text) lyne_text_add(out, "%s\n", text);
    json_decref(root);
    lyne_free(text);
    return text && !out->failed ? LYNE_OK : lyne_fail_memory(err, "results");
}
