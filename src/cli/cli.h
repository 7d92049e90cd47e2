/* cli/cli.h -- the commands: one file each, ending in its row, from which --help and the man page come. */
#ifndef LYNE_CLI_CLI_H
#define LYNE_CLI_CLI_H

#include "component/registry.h"
#include "lyne/status.h"
#include <stdbool.h>

typedef struct lyne_option {
    const char *name;     /* without the dashes; NULL ends a table */
    const char *argument; /* NULL: takes none                      */
    const char *help;
} lyne_option;

typedef struct lyne_command {
    const char *name, *arguments, *help;
    const lyne_option *options;
    bool stops; /* asked to by SIGTERM, SIGINT or SIGHUP with all it has done on disk; others end at once */
    /** argv[0] is the command's name.  What went wrong is in *err, or printed already when err->text is empty. */
    lyne_status (*run)(int argc, char **argv, const lyne_registry *registry, lyne_error *err);
} lyne_command;

/* Options that every command takes; main sees to them. */
extern const lyne_option lyne_common_options[];

extern const lyne_command command_run, command_plan, command_bench, command_new, command_runs, command_compare,
    command_check, command_show, command_labels, command_explain, command_list, command_schema, command_plugin,
    command_completion, command_man, command_version;
/* All of them, in the order of --help. */
extern const lyne_command *const lyne_commands[];
extern const size_t lyne_n_commands;

/** The statuses as text for users, one line each: "0 fine", ...; NULL behind the last. */
extern const char *const lyne_exit_statuses[];

/** Go through the options of a command: returns the index of the next one in its table with *value its argument, -1 at
 *  the end (optind is then the first operand), -2 after a mistake, which is in *err.  --help is dealt with by main. */
int lyne_next_option(const lyne_command *c, int argc, char **argv, const char **value, lyne_error *err);

/** From now on a mapped file that cannot be read ends the program with status 4 and its name. */
void lyne_cli_catch_unreadable(void);

#endif
