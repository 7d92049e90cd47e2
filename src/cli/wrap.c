/* cli/wrap.c -- lines of less than 80 columns, broken at spaces. */
#include "cli/wrap.h"
#include <string.h>

enum { COLUMNS = 80 };

void lyne_cli_wrap(FILE *to, int column, int indent, const char *text) {
    for (const char *word = text; *word;) {
        const int space = (int)strspn(word, " "), length = (int)strcspn(word + space, " ");
        if (column + space + length < COLUMNS || word == text)
            column += fprintf(to, "%.*s", space + length, word);
        else
            column = fprintf(to, "\n%*s%.*s", indent, "", length, word + space) - 1;
        word += space + length;
    }
    fputc('\n', to);
}

void lyne_cli_entry(FILE *to, const char *term, int indent, const char *meaning) {
    int column = fprintf(to, "  %s", term);
    if (column + 2 > indent) column = fprintf(to, "\n") - 1;
    fprintf(to, "%*s", indent - column, "");
    lyne_cli_wrap(to, indent, indent, meaning);
}
