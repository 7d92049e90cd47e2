/* report/results.c -- results.json of a run, read back. */
#include "report/results.h"
#include "base/file.h"
#include "formats/json.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LIMIT ((size_t)64 << 20)

lyne_status report_load(const char *out, json_t **root, json_t **jobs, lyne_error *err) {
    char path[REPORT_PATH];
    *root = NULL;
    if (snprintf(path, sizeof path, "%s/results.json", out) >= (int)sizeof path)
        return lyne_fail(err, LYNE_EOTHER, "%.100s...: the path is too long", out);
    if (!lyne_file_exists(path))
        return lyne_fail(err, LYNE_EDATA, "%s: there is no results.json in it, so it is no run, or not done", out);
    lyne_status status = lyne_json_load(path, LIMIT, root, err);
    if (status == LYNE_OK) status = lyne_json_array(*root, "stages", jobs, err);
    if (status != LYNE_OK) json_decref(*root), *root = NULL;
    return status;
}

static const char *name_of(const json_t *job, char out[REPORT_NAME]) {
    const char *directory = json_string_value(json_object_get(job, "directory"));
    const char *stage = json_string_value(json_object_get(job, "stage"));
    snprintf(out, REPORT_NAME, "%s", directory ? directory : stage ? stage : "");
    char *seed = strstr(out, "/seed-");
    if (seed) *seed = '\0';
    return out;
}

bool report_next(report_stage *s) {
    char name[REPORT_NAME], next[REPORT_NAME];
    const size_t all = json_array_size(s->jobs);
    s->first += s->n;
    s->n = 0;
    if (s->first >= all) return false;
    name_of(json_array_get(s->jobs, s->first), name);
    do s->n++;
    while (s->first + s->n < all && strcmp(name, name_of(json_array_get(s->jobs, s->first + s->n), next)) == 0);
    return true;
}

const char *report_name(const report_stage *s, char out[REPORT_NAME]) {
    return name_of(json_array_get(s->jobs, s->first), out);
}

double report_number(const json_t *job, const char *key) {
    const json_t *v = json_object_get(json_object_get(job, "metrics"), key);
    if (!v) v = json_object_get(job, key);
    return json_is_number(v) ? json_number_value(v) : -1;
}

report_summary report_summarise(const report_stage *s, const char *key) {
    report_summary sum = {0};
    double square = 0;
    for (size_t i = 0; i < s->n; i++) {
        const double v = report_number(json_array_get(s->jobs, s->first + i), key);
        if (v < 0) continue;
        const double off = v - sum.mean; /* Welford */
        sum.mean += off / ++sum.n;
        square += off * (v - sum.mean);
    }
    sum.sd = sum.n > 1 ? sqrt(square / (sum.n - 1)) : 0;
    return sum;
}
