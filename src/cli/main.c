/* cli/main.c -- `lyne COMMAND ...`: find the command, run it, turn its status into the exit status.  The only exit. */
#include "base/text.h"
#include "cli/cli.h"
#include "cli/wrap.h"
#include "recipe/plugin.h"
#include "train/progress.h"
#include <fcntl.h>
#include <getopt.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const lyne_command *const lyne_commands[] = {&command_run,    &command_plan,       &command_bench, &command_new,
                                             &command_runs,   &command_compare,    &command_check, &command_show,
                                             &command_labels, &command_explain,    &command_list,  &command_schema,
                                             &command_plugin, &command_completion, &command_man,   &command_version};
const size_t lyne_n_commands = sizeof lyne_commands / sizeof *lyne_commands;

const lyne_option lyne_common_options[] = {
    {"plugin", "FILE", "load a shared object with rows of its own; may be repeated; LYNE_PLUGINS names more"},
    {NULL, NULL, NULL}};

const char *const lyne_exit_statuses[] = {"0 fine",
                                          "1 other",
                                          "2 usage",
                                          "3 bad recipe",
                                          "4 bad data or failed integrity",
                                          "5 not finite",
                                          "6 no space or memory",
                                          "7 other environment than the checkpoint's, or no bf16 here",
                                          "75 stopped with a checkpoint",
                                          NULL};

enum { INDENT = 27, FIRST_OPTION = 256 /* what getopt calls the first long one, above all letters */ };

static void print_usage(FILE *to) {
    fprintf(to, "Lyne distils a big model's knowledge into a small one, on CPUs.\n\nusage:\n");
    for (size_t i = 0; i < lyne_n_commands; i++) {
        const lyne_command *c = lyne_commands[i];
        char left[64];
        snprintf(left, sizeof left, "lyne %s %s", c->name, c->arguments);
        lyne_cli_entry(to, left, INDENT, c->help);
    }
    fprintf(to, "\n`lyne COMMAND --help` says more.\n"
                "First steps: lyne new recipe mine && lyne run mine.yaml\nExit status:\n");
    for (const char *const *status = lyne_exit_statuses; *status; status++) fprintf(to, "  %s\n", *status);
}

static void print_options(const lyne_option *options) {
    for (const lyne_option *o = options; o && o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        lyne_cli_entry(stdout, left, INDENT, o->help);
    }
}

static void print_help(const lyne_command *c) {
    printf("usage: lyne %s [OPTION]... %s\n\n", c->name, c->arguments);
    lyne_cli_wrap(stdout, 0, 0, c->help);
    printf("\noptions:\n");
    print_options(c->options);
    print_options(lyne_common_options);
}

/* What getopt could not read.  optopt: a letter or a part of one, the value of a long option, or 0 for an unknown one. */
static void refuse_option(const lyne_command *c, int got, int argc, char **argv, lyne_error *err) {
    const char letter[] = {'-', (char)optopt, '\0'};
    const char *word = optopt < 0 && optind < argc ? argv[optind] : argv[optind - 1], *format;
    const size_t n = strcspn(word, "=");
    size_t begin = 0;
    for (const lyne_option *o = c->options; optopt == 0 && o && o->name; o++)
        begin += n > 2 && strncmp(o->name, word + 2, n - 2) == 0;
    if (got == ':')
        format = "%s expects a value; `lyne %s --help` shows the options";
    else if (optopt >= FIRST_OPTION)
        format = "%s: this option takes no value; `lyne %s --help` shows them";
    else if (begin > 1)
        format = "%s begins several options; `lyne %s --help` shows them";
    else
        format = "there is no option %s; `lyne %s --help` shows them";
    lyne_fail(err, LYNE_EUSAGE, format, optopt >= ' ' && optopt < FIRST_OPTION ? letter : word, c->name);
}

int lyne_next_option(const lyne_command *c, int argc, char **argv, const char **value, lyne_error *err) {
    struct option list[32] = {0};
    int n = 0;
    for (const lyne_option *o = c->options; o && o->name && n < 31; o++, n++)
        list[n] = (struct option){
            .name = o->name, .has_arg = o->argument ? required_argument : no_argument, .val = FIRST_OPTION + n};
    opterr = 0;
    const int got = getopt_long(argc, argv, ":", list, NULL);
    *value = optarg;
    if (got >= FIRST_OPTION) return got - FIRST_OPTION;
    if (got == -1) return -1;
    refuse_option(c, got, argc, argv, err);
    return -2;
}

/* The first signal asks for a checkpoint, the second ends the process at once. */
static void on_signal(int number) {
    if (lyne_stop_requested()) _exit(128 + number);
    lyne_request_stop();
}

/* Handlers have a stack of their own: oneDNN's products (gemm:jit, until 3.12; its issue 4845) have the stack pointer in the
 * heap, and a signal would write over numbers there.  Of a process's threads the first one gets its signals. */
static void make_signal_stack(void) {
    static _Alignas(64) char stack[64 * 1024];
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
}

static void catch_signals(bool stops) {
    struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK}, ignore = {.sa_handler = SIG_IGN}, before;
    make_signal_stack();
    sigaction(SIGPIPE, &ignore, NULL); /* a closed pipe shows as a failing write */
    if (!stops) return;
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* nohup has it ignored */
        sigaction(SIGHUP, &stop, NULL);
}

/* A standard stream that was closed by whoever started us gives its number to the next file that is opened, and what is
 * printed would stand in a checkpoint.  What takes its place here fails each write. */
static void fill_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
}

static bool wants_help(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

/* ---- plug-ins ---- */

/* Load what --plugin names and take it out of the arguments; --plugin FILE and --plugin=FILE. */
static lyne_status load_arguments(lyne_rows *rows, int *argc, char **argv, lyne_error *err) {
    static const char name[] = "--plugin";
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const char *file = NULL;
        if (strcmp(argv[i], "--") == 0) {
            while (i < *argc) argv[kept++] = argv[i++];
        } else if (strcmp(argv[i], name) == 0) {
            if (!(file = argv[++i])) return lyne_fail(err, LYNE_EUSAGE, "--plugin expects a file");
        } else if (strncmp(argv[i], name, sizeof name - 1) == 0 && argv[i][sizeof name - 1] == '=') {
            file = argv[i] + sizeof name;
        } else {
            argv[kept++] = argv[i];
        }
        if (file && lyne_rows_load(rows, file, err) != LYNE_OK) return err->status;
    }
    *argc = kept;
    argv[kept] = NULL;
    return LYNE_OK;
}

/* The parts of LYNE_PLUGINS. */
static lyne_status load_environment(lyne_rows *rows, lyne_error *err) {
    const char *from = getenv("LYNE_PLUGINS");
    char *copy = lyne_strdup(from ? from : ""), *rest = copy;
    lyne_status status = copy ? LYNE_OK : lyne_fail_memory(err, "LYNE_PLUGINS");
    for (char *part; status == LYNE_OK && (part = strsep(&rest, ":"));)
        if (*part) status = lyne_rows_load(rows, part, err);
    if (status != LYNE_OK) lyne_error_context(err, "LYNE_PLUGINS");
    lyne_free(copy);
    return status;
}

/* Whatever was printed last: `status`, unless that failed. */
static lyne_status flush(lyne_status status, lyne_error *err) {
    const bool failed = fflush(stdout) != 0 || ferror(stdout);
    return failed && status == LYNE_OK ? lyne_fail_errno(err, "standard output", "write") : status;
}

static lyne_status run_command(const lyne_command *c, int argc, char **argv, lyne_error *err) {
    lyne_rows rows;
    lyne_status status = lyne_rows_init(&rows, err);
    if (status == LYNE_OK) status = load_environment(&rows, err);
    if (status == LYNE_OK) status = load_arguments(&rows, &argc, argv, err);
    if (status == LYNE_OK) status = c->run(argc, argv, rows.registry, err);
    lyne_rows_free(&rows);
    return flush(status, err);
}

static const lyne_command *find(const char *name) {
    for (size_t i = 0; i < lyne_n_commands; i++)
        if (strcmp(lyne_commands[i]->name, name) == 0) return lyne_commands[i];
    return NULL;
}

static int refuse_command(const char *name) {
    const char *names[32];
    char hint[LYNE_HINT_TEXT];
    for (size_t i = 0; i < lyne_n_commands; i++) names[i] = lyne_commands[i]->name;
    fprintf(stderr, "lyne: there is no command '%s'%s\n", name,
            lyne_hint(name, names, lyne_n_commands, "; `lyne --help` lists them", hint));
    return LYNE_EUSAGE;
}

/* libgomp reads how long an idle thread spins when it is loaded, and by default that is some milliseconds: where other
 * programs want the cores too, a step waits for threads that wait.  Measured on a 2x512 MLP, 2 threads on 2 cores:
 * 72k and 73k images/s with the default and with this when alone, 2.0k and 5.1k among others.  So the program starts
 * itself over with a shorter spin, before it has read anything, unless the user has said how threads are to wait. */
static void shorten_spinning(char **argv) {
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY") || setenv("GOMP_SPINCOUNT", "10000", 0) != 0) return;
    execv("/proc/self/exe", argv); /* failing, it goes on as it is */
}

/* Who works out shares for as many threads as OpenMP promises loses what falls to threads that it then does not give: oneDNN
 * 2.6 and 3.x did so, without a word.  So it gives what it promises: no fewer when the machine is busy (OMP_DYNAMIC), and
 * it promises no more than it may (OMP_THREAD_LIMIT, OMP_MAX_ACTIVE_LEVELS). */
static void settle_threads(void) {
    omp_set_dynamic(0);
    if (omp_get_max_active_levels() < 1) omp_set_max_active_levels(1);
    if (omp_get_max_threads() > omp_get_thread_limit()) omp_set_num_threads(omp_get_thread_limit());
}

/* The end: what went wrong, and the exit status. */
static int said(lyne_status status, const lyne_error *err) {
    if (err->text[0]) fprintf(stderr, "lyne: %s\n", err->text);
    return (int)status;
}

int main(int argc, char **argv) {
    fill_standard_streams();
    shorten_spinning(argv);
    settle_threads();
    lyne_error err = {0};
    const char *name = argc > 1 ? argv[1] : "";
    if (argc < 2) {
        print_usage(stderr);
        return LYNE_EUSAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        const lyne_command *of = argc > 2 ? find(argv[2]) : NULL;
        if (argc > 2 && !of) return refuse_command(argv[2]);
        of ? print_help(of) : print_usage(stdout);
        return said(flush(LYNE_OK, &err), &err);
    }
    if (strcmp(name, "--version") == 0) name = "version";
    const lyne_command *c = find(name);
    if (!c) return refuse_command(name);
    if (wants_help(argc - 1, argv + 1)) {
        print_help(c);
        return said(flush(LYNE_OK, &err), &err);
    }
    catch_signals(c->stops);
    lyne_cli_catch_unreadable();
    return said(run_command(c, argc - 1, argv + 1, &err), &err);
}
