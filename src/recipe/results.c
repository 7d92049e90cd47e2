/* recipe/results.c -- results.json: what a run came to, for programs. */
#include "base/file.h"
#include "component/origin.h"
#include "formats/json.h"
#include "recipe/pipeline.h"
#include "recipe/result_file.h"
#include <math.h>
#include <stdlib.h>
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
    lyne_result_json(j, &o->result);
    json_object_set_new(j, "directory", json_string(o->directory));
    if (r->n_axes) json_object_set_new(j, "sweep", values_json(r, o->stage));
    lyne_json_set_digest(j, "fingerprint", o->fingerprint);
    if (o->model_bytes) {
        json_object_set_new(j, "model", json_sprintf("%s/model.safetensors", o->directory));
        json_object_set_new(j, "model_bytes", json_integer((json_int_t)o->model_bytes));
    }
    return j;
}

lyne_summary lyne_summarise_expected(const lyne_recipe *r, const lyne_outcomes *o, const lyne_expectation *e) {
    size_t i = 0;
    while (i < r->n_stages && strcmp(r->stage[i].name, e->stage) != 0) i++;
    return e->test_errors >= 0 ? lyne_summarise(o, i, offsetof(lyne_result, test_errors), true)
                               : lyne_summarise(o, i, offsetof(lyne_result, test_accuracy), false);
}

static json_t *expect_json(const lyne_recipe *r, const lyne_outcomes *o, const lyne_expectation *e) {
    const bool errors = e->test_errors >= 0;
    const lyne_summary s = lyne_summarise_expected(r, o, e);
    const double published = errors ? e->test_errors : e->test_accuracy;
    json_t *j = json_pack("{s:s, s:s, s:f, s:f, s:i, s:b}", "stage", e->stage, "metric",
                          errors ? "test_errors" : "test_accuracy", "published", published, "within", e->within, "n",
                          s.n, "met", s.n > 0 && fabs(s.mean - published) <= e->within);
    if (s.n > 0) {
        lyne_json_set_real(j, "mean", s.mean);
        lyne_json_set_real(j, "sd", s.sd);
    }
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

/* NULL: there are none. */
static json_t *plugins_json(void) {
    size_t n;
    const lyne_origin *plugin = lyne_origins(&n);
    json_t *list = n ? json_array() : NULL;
    for (size_t i = 0; i < n; i++) {
        char digest[LYNE_DIGEST_TEXT];
        lyne_digest_print(plugin[i].digest, digest);
        json_t *j = json_pack("{s:s, s:s}", "file", plugin[i].path, "digest", digest);
        if (plugin[i].version) json_object_set_new(j, "version", json_string(plugin[i].version));
        json_array_append_new(list, j);
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
    json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:f, s:I, s:[], s:[]}", "lyne", 1, "recipe", r->name, "data",
                             r->data, "version", LYNE_VERSION, "environment", o->environment, "wall_seconds", seconds,
                             "peak_memory", (json_int_t)memory, "stages", "expect");
    if (!root) return NULL;
    if (r->paper.title || r->paper.arxiv || r->paper.section) json_object_set_new(root, "paper", paper_json(&r->paper));
    json_t *plugins = plugins_json();
    if (plugins) json_object_set_new(root, "plugins", plugins);
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
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17)) : NULL;
    if (text) lyne_text_add(out, "%s\n", text);
    json_decref(root);
    free(text);
    return text && !out->failed ? LYNE_OK : lyne_fail_memory(err, "results");
}
