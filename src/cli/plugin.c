/* cli/plugin.c -- `lyne plugin`: load plug-ins and try each of their rows, for those who write them. */
#include "recipe/plugin.h"
#include "check/row.h"
#include "cli/cli.h"
#include "cli/folders.h"
#include "component/origin.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What was found; sent through a pipe, whole. */
typedef struct verdict {
    lyne_status status;
    char text[sizeof((lyne_error *)0)->text];
} verdict;

static void try_row(const lyne_registry *registry, const lyne_component *row, const lyne_data_paths *paths,
                    verdict *out) {
    char told[LYNE_CHECK_TOLD] = "";
    lyne_error err = {0};
    out->status = lyne_check_row(registry, row, paths, told, &err);
    snprintf(out->text, sizeof out->text, "%s", out->status == LYNE_OK ? told : err.text);
}

/* In a process of its own, as the code may crash. */
static lyne_status try_apart(const lyne_registry *registry, const lyne_component *row, const lyne_data_paths *paths,
                             verdict *out, lyne_error *err) {
    int pipes[2], how;
    fflush(NULL); /* or the child would write what is buffered again */
    const pid_t child = pipe(pipes) == 0 ? fork() : -1;
    if (child < 0) return lyne_fail_errno(err, "a process", "start");
    if (child == 0) {
        try_row(registry, row, paths, out);
        _exit(write(pipes[1], out, sizeof *out) == sizeof *out ? 0 : 1);
    }
    close(pipes[1]);
    const bool said = read(pipes[0], out, sizeof *out) == sizeof *out; /* less than a pipe takes at once */
    close(pipes[0]);
    while (waitpid(child, &how, 0) < 0) continue;
    if (said) return LYNE_OK;
    *out = (verdict){.status = LYNE_EDATA};
    if (WIFSIGNALED(how))
        snprintf(out->text, sizeof out->text, "it crashed: %s%s", strsignal(WTERMSIG(how)),
                 row->config_size ? "" : " (its row has no config_size, so config is NULL)");
    else
        snprintf(out->text, sizeof out->text, "it ended the process, with exit status %d", WEXITSTATUS(how));
    return LYNE_OK;
}

static lyne_status check(const lyne_rows *rows, const lyne_origin *plugin, lyne_folders *data, lyne_error *err) {
    lyne_status worst = LYNE_OK;
    char digest[LYNE_DIGEST_TEXT];
    lyne_digest_print(plugin->digest, digest);
    printf("%s%s%s, digest %s\n", plugin->path, plugin->version ? " " : "", plugin->version ? plugin->version : "",
           digest);
    for (size_t i = 0; i < plugin->n_rows; i++) {
        const lyne_component *row = plugin->rows[i];
        const lyne_data_paths paths = {.dataset = row->name, .directory = data->list.item, .n = data->list.n};
        verdict v = {0};
        if (try_apart(rows->registry, row, &paths, &v, err) != LYNE_OK) return err->status;
        printf("  %s %s: %s%s\n", lyne_kind_name(row->kind), row->name, v.status == LYNE_OK ? "fine, " : "WRONG, ",
               v.text);
        if (worst == LYNE_OK) worst = v.status;
    }
    return worst;
}

static lyne_status take_options(int argc, char **argv, lyne_folders *data, lyne_error *err) {
    const char *value;
    int got;
    while ((got = lyne_next_option(&command_plugin, argc, argv, &value, err)) >= 0)
        if (lyne_words_add(&data->list, value, "--data", err) != LYNE_OK) return err->status;
    if (got == -2) return LYNE_EUSAGE;
    if (optind == argc) return lyne_fail(err, LYNE_EUSAGE, "which plug-in? usage: lyne plugin FILE...");
    return lyne_folders_environment(data, err);
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    lyne_folders data = {0};
    lyne_rows rows = {0};
    (void)registry;
    lyne_status status = take_options(argc, argv, &data, err);
    if (status == LYNE_OK) status = lyne_rows_init(&rows, err);
    for (; status == LYNE_OK && optind < argc; optind++) {
        size_t n;
        status = lyne_rows_load(&rows, argv[optind], err);
        if (status == LYNE_OK) status = check(&rows, &lyne_origins(&n)[n - 1], &data, err);
    }
    lyne_rows_free(&rows);
    lyne_folders_free(&data);
    return status;
}

static const lyne_option options[] = {
    {"data", "DIR", "a folder with the files of a data set; may be repeated; LYNE_DATA names more, separated by ':'"},
    {NULL, NULL, NULL}};

const lyne_command command_plugin = {.name = "plugin",
                                     .arguments = "FILE...",
                                     .help = "Try the rows of a plug-in: tables, shapes, gradients, samples.",
                                     .options = options,
                                     .run = run};
