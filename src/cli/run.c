/* cli/run.c -- `lyne run`: a recipe from its first stage to the table. */
#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/folders.h"
#include "cli/recipe.h"
#include "recipe/pipeline.h"
#include "report/progress.h"
#include "report/table.h"
#include <getopt.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA, OUT, SET, STAGE, SHARD, THREADS, JSON, QUIET, ANY_ENVIRONMENT };
static const lyne_option options[] = {
    [DATA] = {"data", "DIR", "a folder with data sets; may be repeated; LYNE_DATA names more, separated by ':'"},
    [OUT] = {"out", "DIR", "where results go; default runs/NAME, NAME being the recipe's"},
    [SET] = {"set", "PATH=VALUE", "change one value, as in --set stages.student.distill.epochs=5; may be repeated"},
    [STAGE] = {"stage", "NAME", "run this stage and those it reads, no others"},
    [SHARD] = {"shard", "I/N",
               "with --stage: write the I-th of N parts of its soft labels, as others write theirs, here or on other "
               "machines; `lyne labels merge` joins them"},
    [THREADS] = {"threads", "N", "how many; the default is OpenMP's, one for each core"},
    [JSON] = {"json", NULL, "print results.json instead of the table"},
    [QUIET] = {"quiet", NULL, "no progress on stderr"},
    [ANY_ENVIRONMENT] = {"any-environment", NULL, "go on from a checkpoint of another CPU, library or thread count"},
    {NULL, NULL, NULL}};

typedef struct arguments {
    const char *recipe, *out, *stage;
    uint32_t part, n_parts;
    lyne_folders data;
    lyne_words set;
    bool json, quiet, any_environment;
} arguments;

static lyne_status set_threads(const char *value, lyne_error *err) {
    int64_t n;
    if (!lyne_parse_int(value, &n) || n < 1 || n > 1024)
        return lyne_fail(err, LYNE_EUSAGE, "--threads expects a number from 1 to 1024, not '%s'", value);
    omp_set_num_threads((int)n);
    return LYNE_OK;
}

static lyne_status set_shard(arguments *a, const char *value, lyne_error *err) {
    int64_t of[2] = {0, 0};
    char text[24] = "";
    snprintf(text, sizeof text, "%s", value);
    char *slash = strchr(text, '/');
    if (slash) *slash++ = '\0';
    if (!slash || strlen(value) >= sizeof text || !lyne_parse_int(text, &of[0]) || !lyne_parse_int(slash, &of[1]) ||
        of[0] < 1 || of[0] > of[1] || of[1] > 99999)
        return lyne_fail(err, LYNE_EUSAGE, "--shard expects I/N with I from 1 to N, as in 3/16, not '%s'", value);
    a->part = (uint32_t)of[0];
    a->n_parts = (uint32_t)of[1];
    return LYNE_OK;
}

static lyne_status parse(int argc, char **argv, arguments *a, lyne_error *err) {
    const char *value;
    lyne_status status = LYNE_OK;
    int got;
    while (status == LYNE_OK && (got = lyne_next_option(&command_run, argc, argv, &value, err)) != -1) {
        switch (got) {
        case DATA:
            status = lyne_words_add(&a->data.list, value, "--data", err);
            break;
        case OUT:
            if (!*value) return lyne_fail(err, LYNE_EUSAGE, "--out expects a folder");
            a->out = value;
            break;
        case SET:
            status = lyne_words_add(&a->set, value, "--set", err);
            break;
        case STAGE:
            a->stage = value;
            break;
        case SHARD:
            status = set_shard(a, value, err);
            break;
        case THREADS:
            status = set_threads(value, err);
            break;
        case JSON:
            a->json = true;
            break;
        case QUIET:
            a->quiet = true;
            break;
        case ANY_ENVIRONMENT:
            a->any_environment = true;
            break;
        default:
            return LYNE_EUSAGE;
        }
    }
    if (status != LYNE_OK) return status;
    if (a->n_parts && !a->stage)
        return lyne_fail(err, LYNE_EUSAGE,
                         "--shard is for one stage: add --stage NAME, NAME being that of soft labels");
    if (optind + 1 != argc)
        return lyne_fail(err, LYNE_EUSAGE,
                         optind == argc ? "which recipe? usage: lyne run RECIPE"
                                        : "one recipe at a time; '%s' is one too many",
                         argv[argc - 1]);
    a->recipe = argv[optind];
    return LYNE_OK;
}

static lyne_status print_results(const lyne_recipe *r, const lyne_outcomes *o, bool json, lyne_error *err) {
    if (!json) {
        lyne_table_print(r, o, stdout);
        return LYNE_OK;
    }
    lyne_text text = {0};
    const lyne_status status = lyne_results_print(r, o, &text, err);
    if (status == LYNE_OK) fputs(text.data, stdout);
    lyne_text_free(&text);
    return status;
}

static lyne_status run_recipe(const arguments *a, const lyne_recipe *r, lyne_error *err) {
    char folder[128];
    lyne_display display;
    lyne_outcomes outcomes;
    snprintf(folder, sizeof folder, "runs/%s", r->name);
    lyne_display_init(&display, a->quiet);
    const lyne_run_options o = {.out = a->out ? a->out : folder,
                                .data_directory = a->data.list.item,
                                .n_data_directories = a->data.list.n,
                                .any_environment = a->any_environment,
                                .stage = a->stage,
                                .part = a->part,
                                .n_parts = a->n_parts,
                                .listener = {.tell = lyne_display_tell, .self = &display},
                                .starting = lyne_display_starting,
                                .self = &display};
    lyne_status status = lyne_pipeline_run(r, &o, &outcomes, err);
    lyne_display_close(&display);
    if (status == LYNE_OK && a->n_parts) {
        if (!a->quiet)
            lyne_info("part %u of %u is in %s/%s; when all are: lyne labels merge DIR..., then the recipe goes on",
                      (unsigned)a->part, (unsigned)a->n_parts, o.out, a->stage);
        lyne_outcomes_free(&outcomes);
        return status;
    }
    if (status == LYNE_OK) status = print_results(r, &outcomes, a->json, err);
    if (status == LYNE_OK && !a->quiet) lyne_info("results, models and soft labels are in %s", o.out);
    lyne_outcomes_free(&outcomes);
    return status;
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    arguments a = {0};
    lyne_recipe recipe;
    lyne_status status = parse(argc, argv, &a, err);
    if (status == LYNE_OK) status = lyne_folders_environment(&a.data, err);
    if (status == LYNE_OK) {
        if (a.quiet) lyne_log_set(LYNE_LOG_QUIET);
        status = lyne_cli_read(&recipe, a.recipe, a.set.item, a.set.n, registry);
        if (status == LYNE_OK) status = run_recipe(&a, &recipe, err);
        lyne_recipe_free(&recipe);
    }
    lyne_folders_free(&a.data);
    return status;
}

const lyne_command command_run = {.name = "run",
                                  .arguments = "RECIPE",
                                  .help = "Run a recipe: every stage that is not up to date, then the table.",
                                  .options = options,
                                  .run = run};
