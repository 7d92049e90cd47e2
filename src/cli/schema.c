/* cli/schema.c -- `lyne schema`: JSON Schema of recipes, for editors. */
#include "recipe/schema.h"
#include "cli/cli.h"
#include <getopt.h>
#include <stdio.h>

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    lyne_text text;
    if (lyne_next_option(&command_schema, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    if (optind < argc) return lyne_fail(err, LYNE_EUSAGE, "schema takes no arguments, not '%s'", argv[optind]);
    const lyne_status status = lyne_schema_print(registry, &text, err);
    if (status == LYNE_OK) fputs(text.data, stdout);
    lyne_text_free(&text);
    return status;
}

const lyne_command command_schema = {.name = "schema",
                                     .arguments = "",
                                     .help = "Print the JSON Schema of recipes, with which editors complete and check.",
                                     .run = run};
