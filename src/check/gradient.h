/* check/gradient.h -- is a gradient the derivative of its function?
 *
 * The objective of the bench is differentiated numerically, by central differences at two widths (Richardson), in
 * double sums, and compared with what backward wrote: for each number where there are few (64), else along random
 * directions of
 * +-1.  The error is relative and signed, so a wrong sign is an error of 2, not of 0; where numbers are small it is
 * relative to a share of the largest.  A derivative that is zero everywhere proves nothing and fails. */
#ifndef LYNE_CHECK_GRADIENT_H
#define LYNE_CHECK_GRADIENT_H

#include "check/bench.h"

#define GRADIENT_TOLERANCE 2e-3

typedef struct gradient_result {
    double worst;   /* relative error                             */
    char text[256]; /* where; or why there is no result           */
    bool ok;        /* all were compared, and worst <= tolerance  */
} gradient_result;
gradient_result gradient_check(const bench_subject *s);

#endif
