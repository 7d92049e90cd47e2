/* tests/scratch.h -- a folder for one test, in memory where there is such a place: there a sync costs nothing, while a disk
 * that others use as well took 24 ms for each file committed, most of the tests' time. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/** Make "/dev/shm/lyne-NAME-XXXXXX", or that in /tmp, and say in `folder` (n bytes) where it is. */
static inline void scratch_folder(char *folder, size_t n, const char *name) {
    static const char *const places[] = {"/dev/shm", "/tmp"};
    for (int i = 0; i < 2; i++) {
        cr_assert_lt((size_t)snprintf(folder, n, "%s/lyne-%s-XXXXXX", places[i], name), n);
        if (mkdtemp(folder)) return;
    }
    cr_assert_fail("no folder can be made in /dev/shm or /tmp");
}

#endif
