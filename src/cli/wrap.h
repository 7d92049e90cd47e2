/* cli/wrap.h -- text for a terminal of 80 columns. */
#ifndef LYNE_CLI_WRAP_H
#define LYNE_CLI_WRAP_H

#include <stdio.h>

/** Print the words of text from a column of the line on, and end the line.  A word that would reach column 80 begins another
 *  line, at `indent`. */
void lyne_cli_wrap(FILE *to, int column, int indent, const char *text);
/** A term, and beside it, from `indent` on, what it means. */
void lyne_cli_entry(FILE *to, const char *term, int indent, const char *meaning);

#endif
