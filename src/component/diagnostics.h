/* component/diagnostics.h -- all that is wrong with a recipe, collected, then shown at once:
 *
 *     recipes/mnist/quick.yaml:31:33: kd: temperature = -2 is outside [0.01, 1000]
 *        31 |       loss: [{kd: {temperature: -2}}]
 *           |                                 ^^
 */
#ifndef LYNE_COMPONENT_DIAGNOSTICS_H
#define LYNE_COMPONENT_DIAGNOSTICS_H

#include "base/memory.h"
#include "lyne/component.h"
#include "lyne/status.h"
#include <stdbool.h>
#include <stdio.h>

typedef struct lyne_diagnostic {
    lyne_mark mark;
    lyne_status status;
    const char *text;
} lyne_diagnostic;

typedef struct lyne_diagnostics {
    lyne_arena arena;
    lyne_diagnostic *item;
    size_t n, capacity;
    size_t dropped; /* met after the 100th */
    bool out_of_memory;
} lyne_diagnostics;

/** Add one, unless the same text stands at the same place already.  At most 100 are kept; the rest are counted in a last
 *  line. */
void lyne_diagnose(lyne_diagnostics *d, lyne_mark mark, lyne_status status, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** LYNE_OK if there are none, else the status of the first in the order of the file. */
lyne_status lyne_diagnostics_status(const lyne_diagnostics *d);
/** Print them in the order of the file (sources in the order they were met), each with its line and caret; colour as
 *  asked.  Control characters of the source line are shown as spaces, long lines are cut around the caret. */
void lyne_diagnostics_print(const lyne_diagnostics *d, FILE *to, bool colour);
/** The first one into err as "file:line:column: text", and "(and N more)" if there are more.  Returns its status. */
lyne_status lyne_diagnostics_error(const lyne_diagnostics *d, lyne_error *err);
void lyne_diagnostics_free(lyne_diagnostics *d);

#endif
