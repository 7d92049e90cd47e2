/* cli/completion.c -- `lyne completion`: what a shell needs to complete commands, options and names, from the tables.
 */
#include "cli/cli.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* What the operands of a command are, as its line of arguments says: words, "a|b" at its start, or names of rows; and files,
 * by the word for them. */
static const struct files {
    const char *word, *pattern, *zsh;
} files[] = {{"RECIPE", "*.yaml", "_files -g \"*.yaml(-.)\""},
             {"SUITE", "*.yaml", "_files -g \"*.yaml(-.)\""},
             {"FILE", "*.so", "_files -g \"*.so(-.)\""},
             {"FOLDER", "*/", "_files -/"},
             {"RUN", "*/", "_files -/"},
             {"DIR", "*/", "_files -/"}};

static const struct files *files_of(const lyne_command *c) {
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strstr(c->arguments, files[i].word)) return &files[i];
    return NULL;
}

static bool takes_words(const lyne_command *c) {
    return *c->arguments >= 'a' && *c->arguments <= 'z';
}

static bool takes_rows(const lyne_command *c) {
    return strstr(c->arguments, "[KIND]");
}

static bool takes_models(const lyne_command *c) {
    return strstr(c->arguments, "MODEL");
}

static bool is_directory(const lyne_option *o) {
    return o->argument && strcmp(o->argument, "DIR") == 0;
}

static bool is_file(const lyne_option *o) {
    return o->argument && strcmp(o->argument, "FILE") == 0;
}

static void print_commands(void) {
    for (size_t i = 0; i < lyne_n_commands; i++) printf("%s%s", i ? " " : "", lyne_commands[i]->name);
}

/* Kinds and names of all rows, names of models, or the words of "a|b", separated by spaces. */
static void print_words(const lyne_command *c, const lyne_registry *registry) {
    if (takes_words(c))
        for (const char *p = c->arguments; *p && *p != ' '; p++) putchar(*p == '|' ? ' ' : *p);
    for (int kind = 0; kind < LYNE_N_KINDS; kind++) {
        size_t n;
        const lyne_component *const *rows = lyne_registry_list(registry, (lyne_kind)kind, &n);
        if (!takes_rows(c) && !(kind == LYNE_MODEL && takes_models(c))) continue;
        if (takes_rows(c)) printf("%s%s", kind ? " " : "recipe ", lyne_kind_name((lyne_kind)kind));
        for (size_t i = 0; i < n; i++) printf(" %s", rows[i]->name);
    }
}

/* ---- bash ---- */

/* What follows an option that takes a value. */
static void bash_values(const lyne_option *options) {
    for (const lyne_option *o = options; o && o->name; o++)
        if (o->argument)
            printf("        --%s) %sreturn ;;\n", o->name,
                   is_directory(o) ? "_lyne_files -d; "
                   : is_file(o)    ? "_lyne_files -f; "
                                   : "");
}

static void bash_command(const lyne_command *c, const lyne_registry *registry) {
    printf("    %s)\n        case $previous in\n", c->name);
    bash_values(c->options);
    bash_values(lyne_common_options);
    printf("        esac\n        words='");
    print_words(c, registry);
    printf("' options='");
    for (const lyne_option *o = c->options; o && o->name; o++) printf("--%s ", o->name);
    for (const lyne_option *o = lyne_common_options; o->name; o++) printf("--%s ", o->name);
    printf("--help' files='%s' ;;\n", files_of(c) ? files_of(c)->pattern : "");
}

static void print_bash(const lyne_registry *registry) {
    printf("# lyne: completion for bash.  Put it where bash-completion looks, or source it.\n"
           "# Names of files, a line each, so that there may be spaces in them; bash quotes them, and marks folders.\n"
           "_lyne_files() {\n"
           "    local name\n"
           "    while IFS= read -r name; do COMPREPLY+=(\"$name\"); done < <(compgen \"$@\" -- \"$current\")\n"
           "    compopt -o filenames 2>/dev/null\n"
           "}\n"
           "_lyne() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words= options= files= "
           "IFS=$' "
           "\\t\\n'\n"
           "    COMPREPLY=()\n"
           "    if ((COMP_CWORD == 1)); then\n"
           "        COMPREPLY=($(compgen -W '");
    print_commands();
    printf(" help --help --version' -- \"$current\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < lyne_n_commands; i++) bash_command(lyne_commands[i], registry);
    printf("    help) words='");
    print_commands();
    printf("' ;;\n");
    printf("    esac\n"
           "    if [[ ! $files || $current == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$words $options\" -- \"$current\"))\n"
           "    else\n"
           "        ((COMP_CWORD > 2)) || COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "        [[ $files == '*/' ]] || _lyne_files -f -X \"!$files\"\n"
           "        _lyne_files -d\n"
           "    fi\n"
           "}\n"
           "complete -F _lyne lyne\n");
}

/* ---- zsh ---- */

/* Inside '...[here]...' of _arguments, or behind the colon of _describe. */
static void zsh_text(const char *text) {
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            printf("'\\''");
        else
            printf("%s%c", strchr("[]:\\", *p) ? "\\" : "", *p);
    }
}

static void zsh_options(const lyne_option *options) {
    for (const lyne_option *o = options; o && o->name; o++) {
        printf(" \\\n            '*--%s%s[", o->name, o->argument ? "=" : "");
        zsh_text(o->help);
        printf("]");
        if (o->argument) printf(":%s:%s", o->argument, is_directory(o) ? "_files -/" : is_file(o) ? "_files" : "");
        printf("'");
    }
}

static void zsh_command(const lyne_command *c, const lyne_registry *registry) {
    printf("    %s) _arguments '--help[show the options]'", c->name);
    zsh_options(c->options);
    zsh_options(lyne_common_options);
    if (takes_models(c)) { /* or a file in its place */
        printf(" \\\n            '1:%s:{ compadd -- ", "RECIPE or MODEL");
        print_words(c, registry);
        printf("; %s }'", files_of(c)->zsh);
    } else if (takes_rows(c) || takes_words(c)) {
        printf(" \\\n            '%s:name:(", takes_rows(c) ? "*" : "1");
        print_words(c, registry);
        printf(")'");
    }
    if (files_of(c)) printf(" \\\n            '*:%s:%s'", files_of(c)->word, files_of(c)->zsh);
    printf(" ;;\n");
}

static void print_zsh(const lyne_registry *registry) {
    printf("#compdef lyne\n"
           "# lyne: completion for zsh.  Put it as _lyne into a folder of $fpath.\n"
           "_lyne() {\n"
           "    local -a commands=(\n");
    for (size_t i = 0; i < lyne_n_commands; i++) {
        printf("        '%s:", lyne_commands[i]->name);
        zsh_text(lyne_commands[i]->help);
        printf("'\n");
    }
    printf("        'help:Show the commands, or the options of one.'\n    )\n"
           "    if ((CURRENT == 2)) || [[ $CURRENT == 3 && $words[2] == help ]]; then\n"
           "        _describe command commands\n"
           "        return\n"
           "    fi\n"
           "    shift words\n"
           "    ((CURRENT--))\n"
           "    case $words[1] in\n");
    for (size_t i = 0; i < lyne_n_commands; i++) zsh_command(lyne_commands[i], registry);
    printf("    esac\n"
           "}\n"
           "if [[ $funcstack[1] == _lyne ]]; then _lyne \"$@\"; else compdef _lyne lyne; fi\n");
}

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    if (lyne_next_option(&command_completion, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    if (argc - optind == 1 && strcmp(argv[optind], "bash") == 0) return print_bash(registry), LYNE_OK;
    if (argc - optind == 1 && strcmp(argv[optind], "zsh") == 0) return print_zsh(registry), LYNE_OK;
    return lyne_fail(err, LYNE_EUSAGE, "for which shell? usage: lyne completion bash|zsh");
}

const lyne_command command_completion = {.name = "completion",
                                         .arguments = "bash|zsh",
                                         .help = "Print a script with which a shell completes commands and options.",
                                         .run = run};
