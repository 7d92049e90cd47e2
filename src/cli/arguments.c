/* cli/arguments.c -- the options that commands on a whole run share. */
#include "cli/arguments.h"
#include "base/memory.h"
#include "base/text.h"
#include <getopt.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lyne_status add(lyne_argument_list *l, const char *value, const char *what, lyne_error *err) {
    if (l->n == LYNE_MOST_ARGUMENTS)
        return lyne_fail(err, LYNE_EUSAGE, "more than %d times %s", LYNE_MOST_ARGUMENTS, what);
    l->item[l->n++] = value;
    return LYNE_OK;
}

static lyne_status set_threads(const char *value, lyne_error *err) {
    int64_t n;
    if (!lyne_parse_int(value, &n) || n < 1 || n > 1024)
        return lyne_fail(err, LYNE_EUSAGE, "--threads expects a number from 1 to 1024, not '%s'", value);
    omp_set_num_threads((int)n);
    return LYNE_OK;
}

lyne_status lyne_arguments_take(lyne_arguments *a, int got, const char *value, lyne_error *err) {
    switch (got) {
    case LYNE_ARGUMENT_DATA:
        return add(&a->data, value, "--data", err);
    case LYNE_ARGUMENT_OUT:
        if (!*value) return lyne_fail(err, LYNE_EUSAGE, "--out expects a folder");
        a->out = value;
        return LYNE_OK;
    case LYNE_ARGUMENT_SET:
        return add(&a->set, value, "--set", err);
    case LYNE_ARGUMENT_THREADS:
        return set_threads(value, err);
    default:
        return LYNE_EUSAGE;
    }
}

/* The parts of LYNE_DATA behind the folders of --data. */
static lyne_status add_environment(lyne_arguments *a, lyne_error *err) {
    const char *from = getenv("LYNE_DATA");
    lyne_status status = LYNE_OK;
    a->environment = from ? lyne_strdup(from) : NULL;
    if (from && !a->environment) return lyne_fail_memory(err, "LYNE_DATA");
    char *rest = a->environment;
    for (char *part; status == LYNE_OK && rest && (part = strsep(&rest, ":"));)
        if (*part) status = add(&a->data, part, "a folder in --data and LYNE_DATA", err);
    return status;
}

lyne_status lyne_arguments_end(lyne_arguments *a, const lyne_command *c, int argc, char **argv, lyne_error *err) {
    if (optind == argc) return lyne_fail(err, LYNE_EUSAGE, "which recipe? usage: lyne %s RECIPE", c->name);
    if (optind + 1 != argc)
        return lyne_fail(err, LYNE_EUSAGE, "one recipe at a time; '%s' is one too many", argv[argc - 1]);
    a->recipe = argv[optind];
    return add_environment(a, err);
}

void lyne_arguments_free(lyne_arguments *a) {
    lyne_free(a->environment);
}

const char *lyne_arguments_out(const lyne_arguments *a, const char *recipe_name, lyne_folder scratch) {
    if (a->out) return a->out;
    snprintf(scratch, sizeof(lyne_folder), "runs/%s", recipe_name);
    return scratch;
}
