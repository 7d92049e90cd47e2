/* cli/list.c -- `lyne list`: every component on a line, for scripts: KIND, NAME, what it does, between tabs. */
#include "cli/cli.h"
#include <getopt.h>
#include <stdio.h>

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    if (lyne_next_option(&command_list, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    if (optind < argc) return lyne_fail(err, LYNE_EUSAGE, "list takes no arguments, not '%s'", argv[optind]);
    for (int kind = 0; kind < LYNE_N_KINDS; kind++) {
        size_t n;
        const lyne_component *const *rows = lyne_registry_list(registry, (lyne_kind)kind, &n);
        for (size_t i = 0; i < n; i++)
            printf("%s\t%s\t%s\n", lyne_kind_name((lyne_kind)kind), rows[i]->name, rows[i]->help);
    }
    return LYNE_OK;
}

const lyne_command command_list = {
    .name = "list", .arguments = "", .help = "Print kind, name and help of each component, a line each.", .run = run};
