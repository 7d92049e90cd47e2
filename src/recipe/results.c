/* recipe/results.c -- results.json: what a run came to, for programs. */
#include "base/file.h"
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

static json_t *stage_json(const lyne_recipe *r, const lyne_outcome *o) {
    const lyne_stage_instance *stage = &r->stage[o->stage];
    json_t *j = json_pack("{s:s, s:s, s:I, s:b}", "stage", stage->name, "kind", stage->kind.row->name, "seed",
                          (json_int_t)o->seed, "was_up_to_date", o->was_up_to_date);
    if (!j) return NULL;
    lyne_result_json(j, &o->result);
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

static json_t *results_json(const lyne_recipe *r, const lyne_outcomes *o) {
    json_t *root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:f, s:I, s:[], s:[]}", "lyne", 1, "recipe", r->name, "data",
                             r->data, "version", LYNE_VERSION, "environment", o->environment, "wall_seconds",
                             o->seconds, "peak_memory", (json_int_t)o->peak_memory, "stages", "expect");
    if (!root) return NULL;
    if (r->paper.title || r->paper.arxiv || r->paper.section) json_object_set_new(root, "paper", paper_json(&r->paper));
    for (size_t i = 0; i < o->n; i++)
        json_array_append_new(json_object_get(root, "stages"), stage_json(r, &o->item[i]));
    for (size_t i = 0; i < r->n_expect; i++)
        json_array_append_new(json_object_get(root, "expect"), expect_json(r, o, &r->expect[i]));
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
