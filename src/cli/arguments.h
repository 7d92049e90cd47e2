/* cli/arguments.h -- the options that commands on a whole run share: where the data are, where results go, what is set. */
#ifndef LYNE_CLI_ARGUMENTS_H
#define LYNE_CLI_ARGUMENTS_H

#include "cli/cli.h"
#include "cli/folders.h"
#include "recipe/pipeline.h"
#include "report/progress.h"

/* Zeroed before the first option. */
typedef struct lyne_arguments {
    const char *recipe, *out; /* out NULL: the command's default */
    lyne_folders data;
    lyne_words set, reuse; /* reuse: of those commands whose table has LYNE_REUSE */
    unsigned flags;        /* options without an argument that were given, as 1 << option */
} lyne_arguments;

/* Their places in the table of a command, which goes on at LYNE_N_ARGUMENTS. */
enum { LYNE_ARGUMENT_DATA, LYNE_ARGUMENT_OUT, LYNE_ARGUMENT_SET, LYNE_ARGUMENT_THREADS, LYNE_N_ARGUMENTS };
#define LYNE_ARGUMENTS(where)                                                                                          \
    [LYNE_ARGUMENT_DATA] = {"data", "DIR",                                                                             \
                            "a folder with data sets; may be repeated; LYNE_DATA names more, separated by ':'"},       \
    [LYNE_ARGUMENT_OUT] = {"out", "DIR", "where results go; default " where},                                          \
    [LYNE_ARGUMENT_SET] = {"set", "PATH=VALUE",                                                                        \
                           "change one value, as in --set stages.student.distill.epochs=5; may be repeated"},          \
    [LYNE_ARGUMENT_THREADS] = {"threads", "N", "how many; the default is OpenMP's, one for each core"}

#define LYNE_ARGUMENTS_RUN LYNE_ARGUMENTS("runs/NAME, NAME being the recipe's")

#define LYNE_REUSE                                                                                                     \
    {"reuse", "DIR",                                                                                                   \
     "the folder of another run: a stage that it has done just as here is copied, not done again; may be repeated"}

/** Take the option `got` of c's table: one of these, a flag, or the -2 of lyne_next_option. */
lyne_status lyne_arguments_take(lyne_arguments *a, const lyne_command *c, int got, const char *value, lyne_error *err);
/** Take the argument of LYNE_REUSE. */
lyne_status lyne_arguments_reuse(lyne_arguments *a, const char *folder, lyne_error *err);
/** Whether that option, a flag, was given. */
bool lyne_arguments_has(const lyne_arguments *a, int option);
/** After the last option: the one operand is the recipe, and the folders of LYNE_DATA come behind those of --data. */
lyne_status lyne_arguments_end(lyne_arguments *a, const lyne_command *c, int argc, char **argv, lyne_error *err);
void lyne_arguments_free(lyne_arguments *a);

/** Where results go. */
typedef char lyne_folder[128];
const char *lyne_arguments_out(const lyne_arguments *a, const char *recipe_name, lyne_folder scratch);

/** For a run that goes there and is shown by `display` (NULL: by nobody); the lists stay the arguments'. */
lyne_run_options lyne_arguments_options(const lyne_arguments *a, const char *out, lyne_display *display);

#endif
