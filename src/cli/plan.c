/* cli/plan.c -- `lyne plan`: what `lyne run` would do, and what that takes, without doing it. */
#include "report/plan.h"
#include "base/memory.h"
#include "cli/arguments.h"
#include "cli/recipe.h"
#include <stdio.h>

/* How long each stage that would run is timed. */
#define MEASURE_SECONDS 1.0

enum { QUICK = LYNE_N_ARGUMENTS, REUSE, JSON, KERNELS };
static const lyne_option options[] = {
    LYNE_ARGUMENTS_RUN,
    [QUICK] = {"quick", NULL, "no times: nothing is measured"},
    [REUSE] = LYNE_REUSE,
    [JSON] = {"json", NULL, "the same for programs"},
    [KERNELS] = {"kernels", NULL,
                 "first, for each stage: the kernels of a step, the time of each beside "
                 "the least that this machine could do it in"},
    {NULL, NULL, NULL}};

static lyne_status print(const lyne_arguments *a, lyne_recipe *r, const lyne_outcomes *jobs, const char *out,
                         lyne_error *err) {
    const bool timed = !lyne_arguments_has(a, QUICK);
    lyne_text text = {0};
    if (!lyne_arguments_has(a, JSON)) {
        const lyne_status status = lyne_plan_print(r, jobs, out, timed, stdout, err);
        return status == LYNE_OK ? lyne_cli_print_adapters(r, err) : status;
    }
    const lyne_status status = lyne_plan_json(r, jobs, out, timed, &text, err);
    if (status == LYNE_OK) fputs(text.data, stdout);
    lyne_text_free(&text);
    return status;
}

static lyne_status plan(const lyne_arguments *a, lyne_recipe *r, lyne_error *err) {
    lyne_folder folder;
    const size_t n = lyne_recipe_count(r);
    lyne_outcomes *jobs = lyne_alloc(n, sizeof *jobs);
    if (!jobs) return lyne_fail_memory(err, "a plan");
    lyne_run_options o = lyne_arguments_options(a, lyne_arguments_out(a, r->name, folder), NULL);
    if (lyne_arguments_has(a, KERNELS)) o.kernels = stdout;
    lyne_status status = LYNE_OK;
    for (size_t i = 0; i < n && status == LYNE_OK; i++)
        status = lyne_pipeline_look(lyne_recipe_at(r, i), &o, lyne_arguments_has(a, QUICK) ? 0 : MEASURE_SECONDS,
                                    &jobs[i], err);
    if (status == LYNE_OK) status = print(a, r, jobs, o.out, err);
    for (size_t i = 0; i < n; i++) lyne_outcomes_free(&jobs[i]);
    lyne_free(jobs);
    return status;
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    lyne_arguments a = {0};
    const char *value;
    lyne_recipe recipe;
    lyne_status status = LYNE_OK;
    int got;
    while (status == LYNE_OK && (got = lyne_next_option(&command_plan, argc, argv, &value, err)) != -1)
        status = got == REUSE ? lyne_arguments_reuse(&a, value, err)
                              : lyne_arguments_take(&a, &command_plan, got, value, err);
    if (status == LYNE_OK && lyne_arguments_has(&a, KERNELS) && a.flags & (1u << QUICK | 1u << JSON))
        status = lyne_fail(err, LYNE_EUSAGE,
                           "--kernels measures, and prints tables: it goes with neither --quick nor --json");
    if (status == LYNE_OK) status = lyne_arguments_end(&a, &command_plan, argc, argv, err);
    if (status == LYNE_OK) {
        status = lyne_cli_read(&recipe, a.recipe, a.set.item, a.set.n, registry);
        if (status == LYNE_OK) status = plan(&a, &recipe, err);
        lyne_recipe_free(&recipe);
    }
    lyne_arguments_free(&a);
    return status;
}

const lyne_command command_plan = {.name = "plan",
                                   .arguments = "RECIPE",
                                   .help =
                                       "Say which stages would run and why, and what that takes: time, memory, disk.",
                                   .options = options,
                                   .run = run};
