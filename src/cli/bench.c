/* cli/bench.c -- `lyne bench`: run a suite of recipes, keep what came out, write RESULTS.md; or compare, or fill a page. */
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/recipe.h"
#include "report/bench_log.h"
#include "report/bench_page.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { PATH = 4096, DEEPEST = 8 /* folders of a recipe book, one in the other */ };

enum { ONLY = LYNE_N_ARGUMENTS, STRICT, AGAIN, ROWS, RESULTS, QUIET, ANY_ENVIRONMENT };
static const lyne_option options[] = {
    LYNE_ARGUMENTS("runs/bench/SUITE/RECIPE, with --again runs/again/SUITE/RECIPE; of DIR it is DIR/RECIPE"),
    [ONLY] = {"only", "NAME", "run this recipe of the suite and no other; may be repeated"},
    [STRICT] = {"strict", NULL, "exit status 1 unless every figure is in its interval and every control is beaten"},
    [AGAIN] = {"again", NULL,
               "run the suite's recipes anew, where they have not been run, and say whether the kept results have the "
               "same bits"},
    [ROWS] = {"rows", "FILE",
              "put the kept results of all recipes below FILE's folder between its <!-- results --> and "
              "<!-- end -->; runs nothing"},
    [RESULTS] = {"results", "DIR",
                 "where results are kept; default: the folder results beside the suite, for --rows "
                 "bench/results"},
    [QUIET] = {"quiet", NULL, "no progress on stderr"},
    [ANY_ENVIRONMENT] = {"any-environment", NULL, "go on from a checkpoint of another CPU, library or thread count"},
    {NULL, NULL, NULL}};

typedef struct arguments {
    lyne_arguments of_run; /* its recipe is the suite */
    lyne_words only;       /* empty: all recipes */
    const char *rows, *results;
    bool again;
} arguments;

static lyne_status parse(int argc, char **argv, arguments *a, lyne_error *err) {
    const char *value;
    lyne_status status = LYNE_OK;
    unsigned given = 0; /* as 1 << option */
    int got;
    while (status == LYNE_OK && (got = lyne_next_option(&command_bench, argc, argv, &value, err)) != -1) {
        if (got >= 0) given |= 1u << got;
        if (got == ONLY)
            status = lyne_words_add(&a->only, value, "--only", err);
        else if (got == ROWS)
            a->rows = value;
        else if (got == RESULTS)
            a->results = value;
        else
            status = lyne_arguments_take(&a->of_run, &command_bench, got, value, err);
    }
    if (status != LYNE_OK) return status;
    a->again = lyne_arguments_has(&a->of_run, AGAIN);
    if (a->rows && optind < argc)
        return lyne_fail(err, LYNE_EUSAGE, "--rows runs nothing, so '%s' is one too many", argv[optind]);
    for (int i = 0; a->rows && options[i].name; i++)
        if (given & 1u << i & ~(1u << ROWS | 1u << RESULTS | 1u << QUIET))
            return lyne_fail(err, LYNE_EUSAGE, "--rows runs nothing, so --%s says nothing to it", options[i].name);
    if (!a->rows && optind == argc) return lyne_fail(err, LYNE_EUSAGE, "which suite? usage: lyne bench SUITE");
    return a->rows ? LYNE_OK : lyne_arguments_end(&a->of_run, &command_bench, argc, argv, err);
}

/* FOLDER of a path, or "." */
static void folder_of(char out[PATH], const char *path) {
    const char *slash = strrchr(path, '/');
    snprintf(out, PATH, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
}

static lyne_status join(char out[PATH], lyne_error *err, const char *a, const char *b) {
    if (snprintf(out, PATH, "%s/%s", a, b) >= PATH)
        return lyne_fail(err, LYNE_EOTHER, "%.100s...: the path is too long", a);
    return LYNE_OK;
}

static lyne_status commit(const char *path, lyne_text *text, lyne_error *err) {
    const lyne_status status =
        text->failed ? lyne_fail_memory(err, "a page") : lyne_file_commit(path, text->data, text->length, err);
    lyne_text_free(text);
    return status;
}

/* ---- running ---- */

/* Run the i-th recipe into `path`, reusing what was done in n other folders; *log is what came of it, *missed how many
 * expectations were not met. */
static lyne_status run_one(const arguments *a, const lyne_suite *s, size_t i, const char *path, char *const *others,
                           size_t n, json_t **log, size_t *missed, lyne_error *err) {
    const lyne_recipe *r = &s->run[i].recipe;
    char results[PATH];
    lyne_display display;
    lyne_outcomes outcomes = {0};
    if (r->n_points) return lyne_fail(err, LYNE_ERECIPE, "%s: a recipe with a sweep is not for a suite", r->path);
    lyne_status status = join(results, err, path, "results.json");
    if (status != LYNE_OK) return status;
    lyne_info("%s (%zu of %zu)", r->name, i + 1, s->n_runs);
    lyne_display_init(&display, lyne_arguments_has(&a->of_run, QUIET));
    lyne_run_options o = lyne_arguments_options(&a->of_run, path, &display);
    o.any_environment = lyne_arguments_has(&a->of_run, ANY_ENVIRONMENT);
    o.reuse = (const char *const *)others;
    o.n_reuse = n;
    status = lyne_pipeline_run(r, &o, &outcomes, err);
    lyne_display_close(&display);
    if (status == LYNE_OK) status = lyne_bench_log_new(s, i, results, log, err);
    lyne_outcomes_free(&outcomes);
    size_t k;
    json_t *e;
    json_array_foreach(json_object_get(*log, "expect"), k, e) *missed += !json_is_true(json_object_get(e, "met"));
    return status;
}

static lyne_status plot(const char *directory, const json_t *log, lyne_error *err) {
    char path[PATH];
    lyne_text text = {0};
    if (snprintf(path, PATH, "%s/%s.svg", directory, json_string_value(json_object_get(log, "recipe"))) >= PATH)
        return lyne_fail(err, LYNE_EOTHER, "%.100s...: the path is too long", directory);
    lyne_bench_plot(log, &text);
    return commit(path, &text, err);
}

/* The plot of each log that is kept, and RESULTS.md of all of them beside the folder of results. */
static lyne_status write_page(const char *results, lyne_error *err) {
    char folder[PATH], path[PATH];
    const char *slash = strrchr(results, '/');
    json_t *logs, *log;
    lyne_text text = {0};
    size_t k;
    folder_of(folder, results);
    lyne_status status = join(path, err, folder, "RESULTS.md");
    if (status == LYNE_OK) status = lyne_bench_log_all(results, &logs, err);
    if (status != LYNE_OK) return status;
    json_array_foreach(logs, k, log) if (status == LYNE_OK) status = plot(results, log, err);
    lyne_bench_page(logs, slash ? slash + 1 : results, &text);
    json_decref(logs);
    if (status == LYNE_OK) return commit(path, &text, err);
    lyne_text_free(&text);
    return status;
}

/* Keep what came of a run: each as soon as it is done, so that a suite that is stopped has lost nothing. */
static lyne_status keep(const char *results, const json_t *log, lyne_error *err) {
    const lyne_status status = lyne_bench_log_save(results, log, err);
    return status == LYNE_OK ? write_page(results, err) : status;
}

/* What came of running again beside what was kept; the first kind of difference is the exit status. */
static lyne_status compare(const char *results, const char *name, const json_t *log, lyne_status *worst,
                           lyne_error *err) {
    json_t *kept;
    lyne_text says = {0};
    const lyne_status status = lyne_bench_log_load(results, name, &kept, err);
    if (status != LYNE_OK) return status;
    const lyne_status same = lyne_bench_log_compare(kept, log, &says);
    if (*worst == LYNE_OK) *worst = same;
    printf("%s:\n%s", name, says.data ? says.data : "");
    lyne_text_free(&says);
    json_decref(kept);
    return LYNE_OK;
}

/* What is in a run's folder while --again is at work on it, so that after a stop it goes on there.  A run that is done has
 * none: it would be up to date, and what is not computed reproduces nothing. */
static lyne_status mark_path(char out[PATH], const char *run, lyne_error *err) {
    return join(out, err, run, ".again");
}

/* A folder in which nothing is but a mark that was being made. */
static bool was_beginning(const char *run) {
    char **name;
    size_t n, others = 0;
    if (lyne_directory_list(run, &name, &n, NULL) != LYNE_OK) return false;
    for (size_t i = 0; i < n; i++) others += lyne_file_stem(name[i]) != 6 || strncmp(name[i], ".again", 6) != 0;
    lyne_names_free(name, n);
    return others == 0;
}

static lyne_status begin_again(const char *run, lyne_error *err) {
    static const char text[] = "lyne bench --again is not done here\n";
    char mark[PATH];
    lyne_status status = mark_path(mark, run, err);
    if (status != LYNE_OK || lyne_file_exists(mark)) return status;
    if (lyne_file_exists(run) && !was_beginning(run))
        return lyne_fail(err, LYNE_EUSAGE,
                         "--again: %s is there, from a run that is done, so nothing would be run again; remove it, or "
                         "name another folder with --out",
                         run);
    status = lyne_directory_make(run, err);
    return status == LYNE_OK ? lyne_file_commit(mark, text, strlen(text), err) : status;
}

static lyne_status end_again(const char *run, lyne_error *err) {
    char mark[PATH];
    const lyne_status status = mark_path(mark, run, err);
    return status == LYNE_OK ? lyne_file_remove(mark, err) : status;
}

/* Which recipes are asked for. */
static bool is_wanted(const arguments *a, const lyne_recipe *r) {
    for (size_t k = 0; k < a->only.n; k++)
        if (strcmp(a->only.item[k], r->name) == 0) return true;
    return a->only.n == 0;
}

/* Each --only names a recipe of the suite. */
static lyne_status check_only(const arguments *a, const lyne_suite *s, lyne_error *err) {
    for (size_t k = 0; k < a->only.n; k++) {
        lyne_text names = {0};
        bool found = false;
        for (size_t i = 0; i < s->n_runs; i++) {
            lyne_text_add(&names, "%s%s", i ? ", " : "", s->run[i].recipe.name);
            found |= strcmp(a->only.item[k], s->run[i].recipe.name) == 0;
        }
        const lyne_status status = found ? LYNE_OK
                                         : lyne_fail(err, LYNE_EUSAGE, "--only: suite %s has no recipe '%s'; it has %s",
                                                     s->name, a->only.item[k], names.data ? names.data : "");
        lyne_text_free(&names);
        if (status != LYNE_OK) return status;
    }
    return LYNE_OK;
}

static lyne_status run_suite(const arguments *a, const lyne_suite *s, lyne_error *err) {
    char folder[PATH], results[PATH], root[PATH], path[PATH], **made = lyne_alloc(s->n_runs, sizeof *made);
    size_t missed = 0, done = 0, n_made = 0; /* made: folders of runs; but for --again those of before --only too */
    lyne_status worst = LYNE_OK, status = made ? check_only(a, s, err) : lyne_fail_memory(err, "a suite");
    folder_of(folder, a->of_run.recipe);
    snprintf(root, sizeof root, a->again ? "runs/again/%s" : "runs/bench/%s", s->name);
    if (a->results)
        snprintf(results, PATH, "%s", a->results);
    else if (status == LYNE_OK)
        status = join(results, err, folder, "results");
    for (size_t i = 0; i < s->n_runs && status == LYNE_OK; i++) {
        const lyne_recipe *r = &s->run[i].recipe;
        json_t *log = NULL;
        status = join(path, err, a->of_run.out ? a->of_run.out : root, r->name);
        if (status == LYNE_OK && is_wanted(a, r)) {
            if (a->again) status = begin_again(path, err);
            if (status == LYNE_OK) status = run_one(a, s, i, path, made, n_made, &log, &missed, err);
            if (status == LYNE_OK)
                status = a->again ? compare(results, r->name, log, &worst, err) : keep(results, log, err);
            json_decref(log);
            done++;
        }
        const bool is_made = a->again ? is_wanted(a, r) : lyne_file_exists(path);
        if (status == LYNE_OK && is_made && !(made[n_made++] = lyne_strdup(path)))
            status = lyne_fail_memory(err, "a suite");
    }
    for (size_t i = 0; a->again && i < n_made && status == LYNE_OK; i++) status = end_again(made[i], err);
    for (size_t i = 0; i < n_made; i++) lyne_free(made[i]);
    lyne_free(made);
    if (status == LYNE_OK) status = worst;
    if (status != LYNE_OK) return status;
    if (!a->again)
        printf("%s: %zu recipe%s done, %zu expectations missed; %s\n", s->name, done, done == 1 ? "" : "s", missed,
               results);
    if (!lyne_arguments_has(&a->of_run, STRICT) || missed == 0) return LYNE_OK;
    return lyne_fail(err, LYNE_EOTHER, "%zu of the suite's expectations are not met%s%s", missed,
                     a->again ? "" : "; they are in RESULTS.md beside ", a->again ? "" : results);
}

/* ---- rows ---- */

/* Such a file is not in the book, and such a folder may be one that it stands in. */
static bool is_link(const char *path) {
    char *target = lyne_file_target(path);
    const bool link = target && strcmp(target, path) != 0;
    lyne_free(target);
    return link;
}

/* A data set's description or a suite, which begins with what it is, may stand beside recipes. */
static bool is_other(const char *path) {
    static const char *const key[] = {"lyne_dataset:", "lyne_bench:"};
    char *text;
    size_t size;
    bool other = false;
    if (lyne_file_read(path, 1 << 20, &text, &size, NULL) != LYNE_OK) return false;
    for (int i = 0; i < 2; i++) {
        const char *at = strstr(text, key[i]);
        other |= at && (at == text || at[-1] == '\n');
    }
    lyne_free(text);
    return other;
}

/* Rows of the recipes in FOLDER/UNDER and the folders below, `depth` of them, in the order of their paths. */
static lyne_status add_rows(const char *folder, const char *under, int depth, const char *results,
                            const lyne_registry *registry, lyne_text *out, lyne_error *err) {
    char **name, directory[PATH], path[PATH];
    size_t n;
    lyne_status status = join(directory, err, folder, under);
    if (status == LYNE_OK) status = lyne_directory_list(directory, &name, &n, err);
    if (status != LYNE_OK) return status;
    for (size_t i = 0; i < n && status == LYNE_OK; i++) {
        const char *dot = strrchr(name[i], '.');
        char below[PATH];
        if (snprintf(below, PATH, "%s%s%s", under, *under ? "/" : "", name[i]) >= PATH ||
            join(path, NULL, folder, below) != LYNE_OK || is_link(path))
            continue;
        const bool is_folder = lyne_directory_exists(path);
        if (is_folder && depth > 0) status = add_rows(folder, below, depth - 1, results, registry, out, err);
        if (is_folder || !dot || strcmp(dot, ".yaml") != 0 || is_other(path)) continue;
        lyne_recipe r;
        json_t *log = NULL;
        status = lyne_cli_read(&r, path, NULL, 0, registry);
        if (status == LYNE_OK && lyne_bench_log_exists(results, r.name))
            status = lyne_bench_log_load(results, r.name, &log, err);
        if (status == LYNE_OK) lyne_bench_row(below, r.data, log, out);
        json_decref(log);
        lyne_recipe_free(&r);
    }
    lyne_names_free(name, n);
    return status;
}

static lyne_status fill_page(const arguments *a, const lyne_registry *registry, lyne_error *err) {
    static const char begin[] = "<!-- results -->", end[] = "<!-- end -->";
    char folder[PATH], *page;
    size_t size;
    lyne_text text = {0};
    lyne_status status = lyne_file_read(a->rows, 1 << 20, &page, &size, err);
    if (status != LYNE_OK) return status;
    const char *results = a->results ? a->results : "bench/results", *from = strstr(page, begin),
               *to = from ? strstr(from, end) : NULL;
    folder_of(folder, a->rows);
    if (!to) {
        status =
            lyne_fail(err, LYNE_EDATA, "%s: there are no lines %s and %s to put rows between", a->rows, begin, end);
    } else if (!lyne_directory_exists(results)) { /* every recipe would be said not to have been run */
        status = lyne_fail(err, LYNE_EUSAGE, "there is no folder %s of kept results; --results DIR names it", results);
    } else {
        lyne_text_bytes(&text, page, (size_t)(from - page) + strlen(begin));
        lyne_text_add(&text, "\n");
        lyne_bench_row_heading(&text);
        status = add_rows(folder, "", DEEPEST, results, registry, &text, err);
        lyne_text_bytes(&text, to, size - (size_t)(to - page));
    }
    if (status == LYNE_OK)
        status = commit(a->rows, &text, err);
    else
        lyne_text_free(&text);
    lyne_free(page);
    return status;
}

static lyne_status read_suite(const arguments *a, const lyne_registry *registry, lyne_suite *s) {
    lyne_diagnostics diagnostics = {0};
    const lyne_status status =
        lyne_suite_read(s, a->of_run.recipe, a->of_run.set.item, a->of_run.set.n, registry, &diagnostics);
    lyne_cli_print(&diagnostics);
    return status;
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    arguments a = {0};
    lyne_status status = parse(argc, argv, &a, err);
    if (status == LYNE_OK && lyne_arguments_has(&a.of_run, QUIET)) lyne_log_quiet();
    if (status == LYNE_OK && a.rows) {
        status = fill_page(&a, registry, err);
    } else if (status == LYNE_OK) {
        lyne_suite s;
        status = read_suite(&a, registry, &s);
        if (status == LYNE_OK) status = run_suite(&a, &s, err);
        lyne_suite_free(&s);
    }
    lyne_arguments_free(&a.of_run);
    return status;
}

const lyne_command command_bench = {.name = "bench",
                                    .arguments = "SUITE",
                                    .help = "Run a suite of recipes and keep its results beside published ones.",
                                    .options = options,
                                    .stops = true,
                                    .run = run};
