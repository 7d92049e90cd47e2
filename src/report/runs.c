/* report/runs.c -- a line for each run in a folder. */
#include "report/runs.h"
#include "base/file.h"
#include "base/log.h"
#include "report/results.h"
#include <string.h>
#include <time.h>

enum { SHOWN = 6 /* stages whose errors are shown */ };

/* Whether another process holds the run. */
static bool is_running(const char *out) {
    char path[REPORT_PATH];
    return snprintf(path, sizeof path, "%s/.lock", out) < (int)sizeof path && lyne_is_locked(path);
}

/* "errors: teacher 33, student 67.7, alone 130.3" */
static void add_errors(lyne_text *t, const json_t *jobs) {
    int n = 0;
    for (report_stage stage = {.jobs = jobs}; report_next(&stage);) {
        char name[REPORT_NAME];
        const report_summary s = report_summarise(&stage, "test_errors");
        if (!s.n) continue;
        if (n < SHOWN) lyne_text_add(t, "%s%s %.5g", n ? ", " : "errors: ", report_name(&stage, name), s.mean);
        n++;
    }
    if (n > SHOWN) lyne_text_add(t, ", and %d more", n - SHOWN);
}

static bool has(const char *out, const char *file) {
    char path[REPORT_PATH + 32];
    return snprintf(path, sizeof path, "%s/%s", out, file) < (int)sizeof path && lyne_file_exists(path);
}

/* Soft labels by themselves have a recipe too, but only a run says what it is made with as it starts. */
bool lyne_runs_has(const char *out) {
    return has(out, "results.json") || has(out, "environment.json");
}

/* Not so after --stage. */
static bool has_all(const json_t *root) {
    return json_array_size(json_object_get(root, "not_run")) == 0;
}

static bool print_run(const char *folder, const char *name, FILE *to) {
    char out[REPORT_PATH], path[REPORT_PATH + 32], age[32];
    json_t *root = NULL, *jobs;
    lyne_text line = {0};
    if (snprintf(out, sizeof out, "%s/%s", folder, name) >= (int)sizeof out) return true;
    if (!lyne_runs_has(out)) return true;
    const bool done = report_load(out, &root, &jobs, NULL) == LYNE_OK;
    snprintf(path, sizeof path, "%s/%s.json", out, done ? "results" : "environment");
    lyne_human_time((double)((int64_t)time(NULL) - lyne_file_written(path)), age);
    lyne_text_add(&line, "%-28s  %-10s  %12s ago  ", name,
                  is_running(out) ? "running"
                  : !done         ? "broken off"
                  : has_all(root) ? "done"
                                  : "in part",
                  age);
    if (done) add_errors(&line, jobs);
    json_decref(root);
    return lyne_text_line(&line, to);
}

lyne_status lyne_runs_print(const char *folder, FILE *to, lyne_error *err) {
    char **name;
    size_t n;
    lyne_status status = lyne_directory_list(folder, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n && status == LYNE_OK; i++)
        if (!print_run(folder, name[i], to)) status = lyne_fail_memory(err, "a list of runs");
    lyne_names_free(name, n);
    return status;
}

void lyne_runs_warn(const char *out, const char *recipe) {
    json_t *root, *jobs;
    if (report_load(out, &root, &jobs, NULL) != LYNE_OK) return;
    const char *was = json_string_value(json_object_get(root, "recipe"));
    if (was && strcmp(was, recipe) != 0)
        lyne_warn("%s has the results of recipe '%s', which those of '%s' replace", out, was, recipe);
    json_decref(root);
}
