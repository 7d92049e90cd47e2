/* report/bench_log.c -- logs of benchmark runs: make, save, load, compare. */
#include "report/bench_log.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/json.h"
#include "recipe/pipeline.h"
#include <string.h>

enum { LIMIT = 1 << 24, PATH = 4096 };

static json_t *texts(const lyne_texts *list) {
    json_t *out = json_array();
    for (size_t i = 0; i < list->n; i++) json_array_append_new(out, json_string(list->item[i]));
    return out;
}

/* Minutes spent in all jobs, whichever process did them; and what else differs from run to run, or is said of all, is left
 * out. */
static double tidy(json_t *stages) {
    double seconds = 0;
    size_t i;
    json_t *job;
    json_array_foreach(stages, i, job) {
        seconds += json_number_value(json_object_get(job, "seconds"));
        json_object_del(job, "was_up_to_date");
        json_object_del(job, "samples_per_second");
        json_object_del(job, "model");
        for (size_t k = 0; k < LYNE_PROVENANCE; k++) json_object_del(job, lyne_provenance_key[k]);
    }
    return seconds / 60;
}

/* Of another schedule than the paper's nothing is put beside its figures. */
static void drop_published(json_t *expect) {
    for (size_t i = json_array_size(expect); i-- > 0;)
        if (json_object_get(json_array_get(expect, i), "published")) json_array_remove(expect, i);
}

lyne_status lyne_bench_log_new(const lyne_suite *s, size_t run, const char *results, json_t **out, lyne_error *err) {
    const lyne_suite_run *x = &s->run[run];
    lyne_status status = lyne_json_load(results, LIMIT, out, err);
    if (status != LYNE_OK) return status;
    json_t *root = *out, *stages = json_object_get(root, "stages"), *expect = json_object_get(root, "expect");
    json_object_del(root, "wall_seconds");
    json_object_del(root, "peak_memory");
    json_object_del(root, "not_run");
    const char *date = json_string_value(json_object_get(root, "date"));
    json_t *day = date ? json_stringn(date, strcspn(date, "T")) : NULL;
    json_t *about = json_pack("{s:i, s:s, s:s, s:i, s:s, s:o*, s:b, s:o, s:o}", "lyne_bench", 1, "suite", s->name,
                              "suite_title", s->title, "order", (int)run, "path", x->written, "date", day, "reduced",
                              x->reduced, "settings", texts(&x->settings), "notes", texts(&x->notes));
    if (!about || json_object_update(root, about) != 0 || lyne_json_set_real(root, "minutes", tidy(stages)) != 0)
        status = lyne_fail_memory(err, "a log");
    json_decref(about);
    if (x->reduced) drop_published(expect);
    if (status != LYNE_OK) json_decref(*out), *out = NULL;
    return status;
}

/* ---- on disk ---- */

static lyne_status path_of(char out[PATH], const char *directory, const char *name, lyne_error *err) {
    if (snprintf(out, PATH, "%s/%s.jsonl", directory, name) >= PATH)
        return lyne_fail(err, LYNE_EOTHER, "%.100s...: the path is too long", directory);
    return LYNE_OK;
}

static void add_line(lyne_text *t, const json_t *value) {
    char *line = lyne_json_dump(value, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (line) lyne_text_add(t, "%s\n", line);
    t->failed |= !line;
    lyne_free(line);
}

lyne_status lyne_bench_log_save(const char *directory, const json_t *log, lyne_error *err) {
    char path[PATH];
    lyne_text text = {0};
    json_t *head = json_copy((json_t *)log);
    size_t i;
    json_t *item;
    json_object_del(head, "stages");
    json_object_del(head, "expect");
    add_line(&text, head);
    json_decref(head);
    json_array_foreach(json_object_get(log, "stages"), i, item) add_line(&text, item);
    json_array_foreach(json_object_get(log, "expect"), i, item) add_line(&text, item);
    lyne_status status = text.failed ? lyne_fail_memory(err, "a log") : lyne_directory_make(directory, err);
    if (status == LYNE_OK) status = path_of(path, directory, json_string_value(json_object_get(log, "recipe")), err);
    if (status == LYNE_OK) status = lyne_file_commit(path, text.data, text.length, err);
    lyne_text_free(&text);
    return status;
}

/* One line into its place in the log. */
static lyne_status take_line(const char *path, int number, const char *line, size_t n, json_t **log, lyne_error *err) {
    json_error_t why;
    json_t *value;
    if (lyne_json_parse(line, n, &value, &why) == LYNE_ENOSPACE) return lyne_fail_memory(err, path);
    const char *list = json_object_get(value, "metric") ? "expect" : "stages";
    if (!json_is_object(value) || (number == 1) != (json_object_get(value, "lyne_bench") != NULL)) {
        json_decref(value);
        return lyne_fail(err, LYNE_EDATA, "%s:%d: %s; `lyne bench` makes the file anew", path, number,
                         value ? "is not a line of a benchmark's log" : why.text);
    }
    if (number > 1)
        return json_array_append_new(json_object_get(*log, list), value) == 0 ? LYNE_OK
                                                                              : lyne_fail_memory(err, "a log");
    *log = value;
    if (json_object_set_new(value, "stages", json_array()) || json_object_set_new(value, "expect", json_array()))
        return lyne_fail_memory(err, "a log");
    return LYNE_OK;
}

/* A text that is the name of a recipe, a stage, a suite: it is printed as it is, and names files. */
static lyne_status check_name(const json_t *object, const char *key, lyne_error *err) {
    const char *name = NULL;
    const lyne_status status = lyne_json_text(object, key, &name, err);
    if (status != LYNE_OK || lyne_name_ok(name)) return status;
    return lyne_fail(err, LYNE_EDATA, "\"%s\": '%s' is no name", key, name);
}

static lyne_status check_numbers(const json_t *object, lyne_error *err) {
    lyne_status status = LYNE_OK;
    const char *key;
    json_t *value;
    double number;
    json_object_foreach((json_t *)object, key, value) {
        if (status == LYNE_OK && json_is_number(value)) status = lyne_json_real(object, key, &number, err);
    }
    return status;
}

static lyne_status check_job(const json_t *job, lyne_error *err) {
    json_t *metrics;
    lyne_status status = check_name(job, "stage", err);
    if (status == LYNE_OK) status = lyne_json_object(job, "metrics", &metrics, err);
    if (status == LYNE_OK) status = check_numbers(metrics, err);
    return status == LYNE_OK ? check_numbers(job, err) : status;
}

static lyne_status check_expectation(const json_t *e, lyne_error *err) {
    const char *text;
    lyne_status status = check_name(e, "stage", err);
    if (status == LYNE_OK) status = lyne_json_text(e, "metric", &text, err);
    if (status == LYNE_OK && json_object_get(e, "better_than")) status = check_name(e, "better_than", err);
    return status == LYNE_OK ? check_numbers(e, err) : status;
}

/* All that the page and the plot read.  The plot is named after the recipe, so that must be the file's own name. */
static lyne_status check(const char *name, const json_t *log, lyne_error *err) {
    static const char *const names[] = {"recipe", "suite"};
    static const char *const texts[] = {"suite_title", "path", "date", "processor", "data", "environment", "version"};
    const char *text;
    int64_t number;
    double minutes;
    size_t i;
    json_t *item;
    lyne_status status = lyne_json_text(log, "recipe", &text, err);
    if (status == LYNE_OK && strcmp(text, name) != 0)
        status = lyne_fail(err, LYNE_EDATA, "\"recipe\" must be \"%s\", as the file is called", name);
    for (size_t k = 0; k < sizeof names / sizeof *names && status == LYNE_OK; k++)
        status = check_name(log, names[k], err);
    for (size_t k = 0; k < sizeof texts / sizeof *texts && status == LYNE_OK; k++)
        status = lyne_json_text(log, texts[k], &text, err);
    if (status == LYNE_OK) status = lyne_json_int(log, "lyne_bench", 1, 1, &number, err);
    if (status == LYNE_OK) status = lyne_json_int(log, "order", 0, 1 << 20, &number, err);
    if (status == LYNE_OK) status = lyne_json_real(log, "minutes", &minutes, err);
    json_array_foreach(json_object_get(log, "stages"), i, item) {
        if (status == LYNE_OK) status = check_job(item, err);
    }
    json_array_foreach(json_object_get(log, "expect"), i, item) {
        if (status == LYNE_OK) status = check_expectation(item, err);
    }
    return status;
}

lyne_status lyne_bench_log_load(const char *directory, const char *name, json_t **out, lyne_error *err) {
    char path[PATH], *text = NULL;
    size_t size = 0;
    int number = 0;
    *out = NULL;
    lyne_status status = path_of(path, directory, name, err);
    if (status == LYNE_OK) status = lyne_file_read(path, LIMIT, &text, &size, err);
    if (status == LYNE_OK && !lyne_json_fits(text, size))
        status = lyne_fail(err, LYNE_EDATA, "%s: holds more values than its %zu bytes should", path, size);
    for (size_t at = 0, n; status == LYNE_OK && at < size; at += n + 1) {
        const char *end = memchr(text + at, '\n', size - at);
        n = end ? (size_t)(end - text) - at : size - at;
        status = take_line(path, ++number, text + at, n, out, err);
    }
    if (status == LYNE_OK && !*out) status = lyne_fail(err, LYNE_EDATA, "%s: is empty", path);
    if (status == LYNE_OK && check(name, *out, err) != LYNE_OK) status = lyne_error_context(err, "%s", path);
    lyne_free(text);
    if (status != LYNE_OK) json_decref(*out), *out = NULL;
    return status;
}

bool lyne_bench_log_exists(const char *directory, const char *name) {
    char path[PATH];
    return path_of(path, directory, name, NULL) == LYNE_OK && lyne_file_exists(path);
}

static bool before(const json_t *a, const json_t *b) {
    const int order =
        strcmp(json_string_value(json_object_get(a, "suite")), json_string_value(json_object_get(b, "suite")));
    return order ? order < 0
                 : json_integer_value(json_object_get(a, "order")) < json_integer_value(json_object_get(b, "order"));
}

lyne_status lyne_bench_log_all(const char *directory, json_t **out, lyne_error *err) {
    char **name;
    size_t n, least, most;
    lyne_status status = lyne_directory_list(directory, &name, &n, err);
    *out = NULL;
    if (status != LYNE_OK) return status;
    json_t *all = json_array();
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        json_t *log;
        char *dot = strrchr(name[i], '.');
        if (!dot || strcmp(dot, ".jsonl") != 0) continue;
        *dot = '\0';
        if ((status = lyne_bench_log_load(directory, name[i], &log, err)) != LYNE_OK) break;
        for (least = 0, most = json_array_size(all); least < most;) {
            const size_t k = (least + most) / 2;
            if (before(json_array_get(all, k), log))
                least = k + 1;
            else
                most = k;
        }
        if (json_array_insert_new(all, least, log) != 0) status = lyne_fail_memory(err, "logs");
    }
    lyne_names_free(name, n);
    if (status == LYNE_OK) return *out = all, LYNE_OK;
    json_decref(all);
    return status;
}

/* ---- the same bits? ---- */

static const json_t *job_of(const json_t *log, const json_t *like) {
    size_t i;
    json_t *job;
    json_array_foreach(json_object_get(log, "stages"), i,
                       job) if (json_equal(json_object_get(job, "stage"), json_object_get(like, "stage")) &&
                                json_equal(json_object_get(job, "seed"), json_object_get(like, "seed"))) return job;
    return NULL;
}

static bool same(const json_t *a, const json_t *b, const char *key) {
    return json_equal(json_object_get(a, key), json_object_get(b, key));
}

/* Whose metrics are how far off they are, to the last digit that a compiler gives. */
static bool are_labels(const json_t *job) {
    const char *kind = json_string_value(json_object_get(job, "kind"));
    return kind && strcmp(kind, "label") == 0;
}

static bool compare_environment(const json_t *a, const json_t *b, lyne_text *says) {
    static const char *const part[] = {"processor", "environment", "version"};
    bool equal = true;
    for (int i = 0; i < 3; i++) {
        if (same(a, b, part[i])) continue;
        equal = false;
        lyne_text line = {0};
        lyne_text_add(&line, "another %s: %s there, %s here", part[i], json_string_value(json_object_get(a, part[i])),
                      json_string_value(json_object_get(b, part[i])));
        if (line.data) lyne_text_add(says, "%s\n", lyne_one_line(line.data));
        lyne_text_free(&line);
    }
    return equal;
}

lyne_status lyne_bench_log_compare(const json_t *a, const json_t *b, lyne_text *says) {
    const bool here = compare_environment(a, b, says);
    int n = 0, other = 0;
    bool recipe = true;
    size_t i;
    json_t *job;
    json_array_foreach(json_object_get(b, "stages"), i, job) {
        const json_t *was = job_of(a, job);
        const char *stage = json_string_value(json_object_get(job, "stage"));
        const long long seed = (long long)json_integer_value(json_object_get(job, "seed"));
        n++;
        if (was && same(was, job, "made") && (same(was, job, "metrics") || are_labels(job))) continue;
        /* The fingerprint of a stage is of what it reads too: the first that differs tells. */
        if (other++ == 0 && (!was || !same(was, job, "fingerprint"))) recipe = false;
        lyne_text_add(says, "%s, seed %lld: %s\n", stage, seed,
                      !was                            ? "is not in the results that are kept"
                      : same(was, job, "fingerprint") ? "other bits"
                                                      : "another recipe, data set, version or input");
    }
    if (other == 0) {
        lyne_text_add(says, "the same bits in all %d jobs\n", n);
        return LYNE_OK;
    }
    lyne_text_add(says, "%d of %d jobs are not the same%s\n", other, n,
                  !recipe ? ", because something else was run"
                  : here  ? ", in what says it is the same environment"
                          : ", as may be in another environment");
    return recipe && !here ? LYNE_EENVIRONMENT : LYNE_EDATA;
}
