/* cli/check.c -- `lyne check`: everything that is wrong with a recipe, without running it. */
#include "cli/cli.h"
#include "cli/folders.h"
#include "cli/recipe.h"
#include <getopt.h>
#include <stdio.h>

enum { SET, VERBOSE };
static const lyne_option options[] = {
    [SET] = {"set", "PATH=VALUE", "change one value, as in --set stages.student.distill.epochs=5"},
    [VERBOSE] = {"verbose", NULL, "say what is put in between student and teacher where their features differ"},
    {NULL, NULL, NULL}};

static void print_fine(const char *path, const lyne_recipe *r) {
    printf("%s: fine, %zu stage%s", path, r->n_stages, r->n_stages == 1 ? "" : "s");
    if (r->n_points) printf(" at %zu points", r->n_points);
    printf("\n");
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    lyne_words set = {0};
    const char *value;
    bool verbose = false;
    int got;
    while ((got = lyne_next_option(&command_check, argc, argv, &value, err)) >= 0) {
        verbose |= got == VERBOSE;
        if (got == SET && lyne_words_add(&set, value, "--set", err) != LYNE_OK) return LYNE_EUSAGE;
    }
    if (got == -2) return LYNE_EUSAGE;
    if (optind == argc) return lyne_fail(err, LYNE_EUSAGE, "which recipe? usage: lyne check RECIPE...");
    lyne_status status = LYNE_OK;
    for (int i = optind; i < argc; i++) {
        lyne_recipe recipe;
        lyne_status here = lyne_cli_read(&recipe, argv[i], set.item, set.n, registry);
        if (here == LYNE_OK) {
            lyne_cli_advise(&recipe);
            print_fine(argv[i], &recipe);
        }
        if (here == LYNE_OK && verbose) here = lyne_cli_print_adapters(&recipe, err);
        if (status == LYNE_OK) status = here;
        lyne_recipe_free(&recipe);
    }
    return status;
}

const lyne_command command_check = {.name = "check",
                                    .arguments = "RECIPE...",
                                    .help = "Say what is wrong with a recipe, or hardly meant, without running it.",
                                    .options = options,
                                    .run = run};
