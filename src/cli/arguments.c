/* cli/arguments.c -- the options that commands on a whole run share. */
#include "cli/arguments.h"
#include "base/file.h"
#include "base/text.h"
#include "report/runs.h"
#include <getopt.h>
#include <omp.h>
#include <stdio.h>

static lyne_status set_threads(const char *value, lyne_error *err) {
    int64_t n;
    if (!lyne_parse_int(value, &n) || n < 1 || n > 1024)
        return lyne_fail(err, LYNE_EUSAGE, "--threads expects a number from 1 to 1024, not '%s'", value);
    if (n > omp_get_thread_limit())
        return lyne_fail(err, LYNE_EUSAGE, "--threads %lld: OMP_THREAD_LIMIT allows %d", (long long)n,
                         omp_get_thread_limit());
    omp_set_num_threads((int)n);
    return LYNE_OK;
}

bool lyne_arguments_has(const lyne_arguments *a, int option) {
    return a->flags & 1u << option;
}

lyne_status lyne_arguments_take(lyne_arguments *a, const lyne_command *c, int got, const char *value, lyne_error *err) {
    switch (got) {
    case LYNE_ARGUMENT_DATA:
        return lyne_words_add(&a->data.list, value, "--data", err);
    case LYNE_ARGUMENT_OUT:
        if (!*value) return lyne_fail(err, LYNE_EUSAGE, "--out expects a folder");
        a->out = value;
        return LYNE_OK;
    case LYNE_ARGUMENT_SET:
        return lyne_words_add(&a->set, value, "--set", err);
    case LYNE_ARGUMENT_THREADS:
        return set_threads(value, err);
    default:
        if (got < 0 || c->options[got].argument) return LYNE_EUSAGE;
        a->flags |= 1u << got;
        return LYNE_OK;
    }
}

lyne_status lyne_arguments_reuse(lyne_arguments *a, const char *folder, lyne_error *err) {
    if (!lyne_file_exists(folder)) return lyne_fail(err, LYNE_EUSAGE, "--reuse: there is no folder %s", folder);
    if (!lyne_runs_has(folder)) /* nothing in it would be found, and all be done again */
        return lyne_fail(
            err, LYNE_EUSAGE,
            "--reuse: %s is not the folder of a run, which has a results.json, or an environment.json if it "
            "was broken off",
            folder);
    return lyne_words_add(&a->reuse, folder, "--reuse", err);
}

lyne_status lyne_arguments_end(lyne_arguments *a, const lyne_command *c, int argc, char **argv, lyne_error *err) {
    if (optind == argc) return lyne_fail(err, LYNE_EUSAGE, "which recipe? usage: lyne %s RECIPE", c->name);
    if (optind + 1 != argc)
        return lyne_fail(err, LYNE_EUSAGE, "one recipe at a time; '%s' is one too many", argv[argc - 1]);
    a->recipe = argv[optind];
    return lyne_folders_environment(&a->data, err);
}

void lyne_arguments_free(lyne_arguments *a) {
    lyne_folders_free(&a->data);
}

const char *lyne_arguments_out(const lyne_arguments *a, const char *recipe_name, lyne_folder scratch) {
    if (a->out) return a->out;
    snprintf(scratch, sizeof(lyne_folder), "runs/%s", recipe_name);
    return scratch;
}

lyne_run_options lyne_arguments_options(const lyne_arguments *a, const char *out, lyne_display *display) {
    lyne_run_options o = {
        .out = out,
        .data_directory = a->data.list.item,
        .n_data_directories = a->data.list.n,
        .reuse = a->reuse.item,
        .n_reuse = a->reuse.n,
    };
    if (!display) return o;
    o.listener = (lyne_listener){.tell = lyne_display_tell, .self = display};
    o.starting = lyne_display_starting;
    o.self = display;
    return o;
}
