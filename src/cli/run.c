/* cli/run.c -- `lyne run`: a recipe from its first stage to the table. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/recipe.h"
#include "report/runs.h"
#include "report/table.h"
#include <stdio.h>
#include <string.h>

enum { STAGE = LYNE_N_ARGUMENTS, REUSE, SHARD, JSON, QUIET, ANY_ENVIRONMENT, IGNORE_LIMITS };
static const lyne_option options[] = {
    LYNE_ARGUMENTS_RUN,
    [STAGE] = {"stage", "NAME", "run this stage and those it reads; of others the table has what stands"},
    [REUSE] = LYNE_REUSE,
    [SHARD] = {"shard", "I/N",
               "with --stage: write the I-th of N parts of its soft labels, as others write theirs, here or on other "
               "machines; `lyne labels merge` joins them"},
    [JSON] = {"json", NULL, "print results.json instead of the table"},
    [QUIET] = {"quiet", NULL, "no progress on stderr"},
    [ANY_ENVIRONMENT] = {"any-environment", NULL, "go on from a checkpoint of another CPU, library or thread count"},
    [IGNORE_LIMITS] = {"ignore-limits", NULL,
                       "start even if it is not going to fit into the memory of the control group or onto the disk"},
    {NULL, NULL, NULL}};

typedef struct arguments {
    lyne_arguments of_run;
    const char *stage;
    uint32_t part, n_parts;
} arguments;

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
        if (got == STAGE)
            a->stage = value;
        else if (got == REUSE)
            status = lyne_arguments_reuse(&a->of_run, value, err);
        else if (got == SHARD)
            status = set_shard(a, value, err);
        else
            status = lyne_arguments_take(&a->of_run, &command_run, got, value, err);
    }
    if (status != LYNE_OK) return status;
    if (a->n_parts && !a->stage)
        return lyne_fail(err, LYNE_EUSAGE,
                         "--shard is for one stage: add --stage NAME, NAME being that of soft labels");
    return lyne_arguments_end(&a->of_run, &command_run, argc, argv, err);
}

static lyne_status print_results(const lyne_recipe *r, const lyne_outcomes *o, bool json, lyne_error *err) {
    if (!json) return lyne_table_print(r, o, stdout, err);
    lyne_text text = {0};
    const lyne_status status = lyne_results_print(r, o, &text, err);
    if (status == LYNE_OK) fputs(text.data, stdout);
    lyne_text_free(&text);
    return status;
}

static lyne_status run_recipe(const arguments *a, const lyne_recipe *r, lyne_error *err) {
    lyne_folder folder;
    lyne_display display;
    lyne_outcomes *outcomes = lyne_alloc(lyne_recipe_count(r), sizeof *outcomes);
    if (!outcomes) return lyne_fail_memory(err, "a run");
    lyne_display_init(&display, lyne_arguments_has(&a->of_run, QUIET));
    lyne_run_options o = lyne_arguments_options(&a->of_run, lyne_arguments_out(&a->of_run, r->name, folder), &display);
    o.any_environment = lyne_arguments_has(&a->of_run, ANY_ENVIRONMENT);
    o.ignore_limits = lyne_arguments_has(&a->of_run, IGNORE_LIMITS);
    o.stage = a->stage;
    o.part = a->part;
    o.n_parts = a->n_parts;
    lyne_runs_warn(o.out, r->name);
    lyne_status status = lyne_pipeline_run(r, &o, outcomes, err);
    lyne_display_close(&display);
    if (status == LYNE_OK && a->n_parts) {
        lyne_info("part %u of %u is in %s/%s; when all are: lyne labels merge DIR..., then the recipe goes on",
                  (unsigned)a->part, (unsigned)a->n_parts, o.out, a->stage);
    } else if (status == LYNE_OK) {
        status = print_results(r, outcomes, lyne_arguments_has(&a->of_run, JSON), err);
        if (status == LYNE_OK) lyne_info("results, models and soft labels are in %s", o.out);
    }
    for (size_t i = 0; i < lyne_recipe_count(r); i++) lyne_outcomes_free(&outcomes[i]);
    lyne_free(outcomes);
    return status;
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    arguments a = {0};
    lyne_recipe recipe;
    lyne_status status = parse(argc, argv, &a, err);
    if (status == LYNE_OK) {
        if (lyne_arguments_has(&a.of_run, QUIET)) lyne_log_quiet();
        status = lyne_cli_read(&recipe, a.of_run.recipe, a.of_run.set.item, a.of_run.set.n, registry);
        if (status == LYNE_OK) status = run_recipe(&a, &recipe, err);
        lyne_recipe_free(&recipe);
    }
    lyne_arguments_free(&a.of_run);
    return status;
}

const lyne_command command_run = {.name = "run",
                                  .arguments = "RECIPE",
                                  .help = "Run a recipe: every stage that is not up to date, then the table.",
                                  .options = options,
                                  .stops = true,
                                  .run = run};
