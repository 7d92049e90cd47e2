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
    int fd = -1;
    if (snprintf(path, sizeof path, "%s/.lock", out) >= (int)sizeof path || !lyne_file_exists(path)) return false;
    const bool taken = lyne_lock(path, &fd, NULL) != LYNE_OK;
    lyne_unlock(fd);
    return taken;
}

/* "errors: teacher 33, student 67.7, alone 130.3" */
static void add_errors(lyne_text *t, const json_t *jobs) {
    int n = 0;
    char last[REPORT_NAME] = "";
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        char stage[REPORT_NAME];
        report_stage_of(json_array_get(jobs, i), stage);
        const report_summary s = report_summarise(jobs, stage, "test_errors");
        if (!s.n || strcmp(stage, last) == 0) continue;
        strcpy(last, stage);
        if (n < SHOWN) lyne_text_add(t, "%s%s %.5g", n ? ", " : "errors: ", stage, s.mean);
        n++;
    }
    if (n > SHOWN) lyne_text_add(t, ", and %d more", n - SHOWN);
}

static void print_run(const char *folder, const char *name, FILE *to) {
    char out[REPORT_PATH], path[REPORT_PATH + 16], age[32];
    json_t *root = NULL, *jobs;
    lyne_text errors = {0};
    if (snprintf(out, sizeof out, "%s/%s", folder, name) >= (int)sizeof out) return;
    snprintf(path, sizeof path, "%s/recipe.yaml", out);
    if (!lyne_file_exists(path)) return; /* it is no run */
    const bool done = report_load(out, &root, &jobs, NULL) == LYNE_OK;
    if (done) {
        add_errors(&errors, jobs);
        snprintf(path, sizeof path, "%s/results.json", out);
    }
    lyne_human_time((double)((int64_t)time(NULL) - lyne_file_written(path)), age);
    fprintf(to, "%-28s  %-10s  %12s ago  %s\n", name,
            is_running(out) ? "running"
            : done          ? "done"
                            : "broken off",
            age, errors.data ? errors.data : "");
    lyne_text_free(&errors);
    json_decref(root);
}

lyne_status lyne_runs_print(const char *folder, FILE *to, lyne_error *err) {
    char **name;
    size_t n;
    lyne_status status = lyne_directory_list(folder, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n; i++) print_run(folder, name[i], to);
    lyne_names_free(name, n);
    return LYNE_OK;
}

void lyne_runs_warn(const char *out, const char *recipe) {
    json_t *root, *jobs;
    if (report_load(out, &root, &jobs, NULL) != LYNE_OK) return;
    const char *was = json_string_value(json_object_get(root, "recipe"));
    if (was && strcmp(was, recipe) != 0)
        lyne_warn("%s has the results of recipe '%s', which those of '%s' replace", out, was, recipe);
    json_decref(root);
}
