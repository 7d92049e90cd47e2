/* cli/man.c -- `lyne man`: the manual page, from the tables of commands and options.  src/cli/lyne.1 is its output. */
#include "cli/cli.h"
#include <getopt.h>
#include <stdio.h>

/* Text for roff: hyphens that can be copied, nothing that roff takes for itself. */
static void print_text(const char *text) {
    if (*text == '.' || *text == '\'') printf("\\&");
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            printf("\\e");
        else
            printf("%s%c", *p == '-' ? "\\" : "", *p);
    }
}

/* A term and what it means. */
static void print_item(const char *font, const char *term, const char *meaning) {
    printf(".TP\n%s ", font);
    print_text(term);
    printf("\n");
    print_text(meaning);
    printf("\n");
}

static void print_option(const lyne_option *o) {
    printf(".TP\n.%s \\-\\-", o->argument ? "BI" : "B");
    print_text(o->name);
    if (o->argument) {
        printf(" \" ");
        print_text(o->argument);
        printf("\"");
    }
    printf("\n");
    print_text(o->help);
    printf("\n");
}

static void print_command(const lyne_command *c) {
    printf(".SS \"lyne %s", c->name);
    if (c->options) printf(" [OPTION]...");
    if (*c->arguments) printf(" ");
    print_text(c->arguments);
    printf("\"\n");
    print_text(c->help);
    printf("\n");
    for (const lyne_option *o = c->options; o && o->name; o++) print_option(o);
}

static const char *const files[][2] = {
    {"OUT/results.json", "All numbers of a run."},
    {"OUT/recipe.yaml", "The recipe as it was understood, every default written out."},
    {"OUT/STAGE/", "What a stage leaves that is done once, as a teacher or soft labels."},
    {"OUT/STAGE/seed-N/", "The same of one that is done for each seed, be it for one, as a student."},
    {"model.safetensors", "In these: a trained model, under PyTorch's parameter names and shapes."},
    {"metrics.jsonl", "One line for each epoch of its training."},
    {"manifest.json, labels-*.safetensors", "Soft labels."},
    {"result.json", "What came out, and all that it depends on."},
    {"begun.json", "Until that is there: what CPU, library and threads the stage was begun with."},
};

static const char description[] =
    "A recipe is a YAML file that names a data set, a teacher, a student and how the one teaches the other.\n"
    ".B lyne run\n"
    "trains the teacher, writes its soft labels to disk, trains the student on them, and prints a table.\n"
    "Stages whose result is still what the recipe asks for are not run again; a stage that was interrupted goes on "
    "from\n"
    "its last checkpoint.\n"
    ".B lyne COMMAND \\-\\-help\n"
    "shows the options of a command.\n";

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    (void)registry;
    if (lyne_next_option(&command_man, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    if (optind < argc) return lyne_fail(err, LYNE_EUSAGE, "man takes no arguments, not '%s'", argv[optind]);
    printf(".TH LYNE 1 \"\" \"lyne %s\" \"User Commands\"\n.SH NAME\n"
           "lyne \\- train small networks to answer as big ones do\n"
           ".SH SYNOPSIS\n.B lyne\n.IR COMMAND \" [\" OPTION ]...\n"
           ".SH DESCRIPTION\n%s.SH COMMANDS\n",
           LYNE_VERSION, description);
    for (size_t i = 0; i < lyne_n_commands; i++) print_command(lyne_commands[i]);
    printf(".SH OPTIONS OF EVERY COMMAND\n");
    for (const lyne_option *o = lyne_common_options; o->name; o++) print_option(o);
    printf(".SH FILES\n");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) print_item(".I", files[i][0], files[i][1]);
    printf(".SH ENVIRONMENT\n");
    print_item(".B", "LYNE_DATA", "Folders with data sets, separated by colons, looked in behind those of --data.");
    print_item(".B", "LYNE_PLUGINS", "Plug-ins to load, separated by colons, before those of --plugin.");
    print_item(".B", "NO_COLOR", "No colour when set.");
    printf(".SH EXIT STATUS\n");
    for (const char *const *status = lyne_exit_statuses; *status; status++) {
        print_text(*status);
        printf("%s\n", status[1] ? ";" : ".");
    }
    return LYNE_OK;
}

const lyne_command command_man = {.name = "man", .arguments = "", .help = "Print the manual page.", .run = run};
