/* cli/plugin.c -- `lyne plugin`: load plug-ins and try each of their rows, for those who write them. */
#include "recipe/plugin.h"
#include "check/row.h"
#include "cli/cli.h"
#include "component/origin.h"
#include <getopt.h>
#include <stdio.h>

static lyne_status check(const lyne_rows *rows, const lyne_origin *plugin) {
    lyne_status status = LYNE_OK;
    char digest[LYNE_DIGEST_TEXT];
    lyne_digest_print(plugin->digest, digest);
    printf("%s%s%s, digest %s\n", plugin->path, plugin->version ? " " : "", plugin->version ? plugin->version : "",
           digest);
    for (size_t i = 0; i < plugin->n_rows; i++) {
        const lyne_component *row = plugin->rows[i];
        char told[LYNE_CHECK_TOLD];
        lyne_error err = {0};
        const lyne_status here = lyne_check_row(rows->registry, row, told, &err);
        printf("  %s %s: %s%s\n", lyne_kind_name(row->kind), row->name, here == LYNE_OK ? "fine, " : "WRONG, ",
               here == LYNE_OK ? told : err.text);
        if (status == LYNE_OK) status = here;
    }
    return status;
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    (void)registry;
    if (lyne_next_option(&command_plugin, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    if (optind == argc) return lyne_fail(err, LYNE_EUSAGE, "which plug-in? usage: lyne plugin FILE...");
    lyne_rows rows;
    lyne_status status = lyne_rows_init(&rows, err);
    for (; status == LYNE_OK && optind < argc; optind++) {
        size_t n;
        status = lyne_rows_load(&rows, argv[optind], err);
        if (status == LYNE_OK) status = check(&rows, &lyne_origins(&n)[n - 1]);
    }
    lyne_rows_free(&rows);
    return status;
}

const lyne_command command_plugin = {.name = "plugin",
                                     .arguments = "FILE...",
                                     .help = "Try the rows of a plug-in: tables, shapes, gradients.",
                                     .run = run};
