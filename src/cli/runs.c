/* cli/runs.c -- `lyne runs` and `lyne compare`: what has been run. */
#include "report/runs.h"
#include "cli/cli.h"
#include <getopt.h>

static lyne_status run_runs(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    (void)registry;
    if (lyne_next_option(&command_runs, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    if (argc - optind > 1)
        return lyne_fail(err, LYNE_EUSAGE, "'%s' is one too many; usage: lyne runs [FOLDER]", argv[optind + 1]);
    return lyne_runs_print(argc == optind ? "runs" : argv[optind], stdout, err);
}

const lyne_command command_runs = {
    .name = "runs",
    .arguments = "[FOLDER]",
    .help = "List the runs in a folder (default runs): done, in part, running or broken off, how old, what came out.",
    .run = run_runs};

static const lyne_option options[] = {
    {"svg", NULL, "accuracy over the epochs as a picture instead, as in --svg >curves.svg"}, {NULL, NULL, NULL}};

static lyne_status run_compare(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    bool svg = false;
    int got;
    (void)registry;
    while ((got = lyne_next_option(&command_compare, argc, argv, &value, err)) >= 0) svg = true;
    if (got == -2) return LYNE_EUSAGE;
    if (argc - optind != 2)
        return lyne_fail(err, LYNE_EUSAGE, "which two? usage: lyne compare RUN RUN, as in runs/a runs/b");
    if (!svg) return lyne_compare_print(argv[optind], argv[optind + 1], stdout, err);
    lyne_text text = {0};
    const lyne_status status = lyne_compare_svg(argv[optind], argv[optind + 1], &text, err);
    if (status == LYNE_OK) fputs(text.data, stdout);
    lyne_text_free(&text);
    return status;
}

const lyne_command command_compare = {.name = "compare",
                                      .arguments = "RUN RUN",
                                      .help = "Show two runs side by side: what came out, and which settings differ.",
                                      .options = options,
                                      .run = run_compare};
