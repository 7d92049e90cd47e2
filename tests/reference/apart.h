/* reference/apart.h -- a program whose buffers lie apart, with known bytes between them, so that what is written beside a
 * buffer is seen: by our kernels and by oneDNN's, whose machine code no sanitizer knows.  (The linker puts this in front of
 * lyne_place.) */
#ifndef LYNE_TESTS_REFERENCE_APART_H
#define LYNE_TESTS_REFERENCE_APART_H

#include "check/bench.h"

/** Whether programs compiled from now on are laid out so. */
void apart_from_now_on(bool yes);
/** Fill what lies between; before the program runs. */
void apart_fill(bench *b);
/** The step that touches the first buffer beside which something was written, as text of its own; NULL: nothing was. */
const char *apart_written_beside(const bench *b);

#endif
