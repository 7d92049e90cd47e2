/* tests/power/folders.c -- a file that was committed into new folders is there after a loss of power: they are too. */
#include "../scratch.h"
#include "base/file.h"
#include "disk.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void look(const char *folder, size_t promises) {
    char path[128];
    uint64_t size = 0;
    snprintf(path, sizeof path, "%s/runs/small/teacher/file", folder);
    const bool there = lyne_file_size(path, &size, NULL) == LYNE_OK;
    cr_assert(there || promises == 0, "it is gone");
    cr_assert(!there || size == 3);
}

/* Make folders and a file in them, the n-th call of a first attempt having failed (0: none): as if it was killed there. */
static bool made_after(uint64_t n) {
    char from[64], to[80], path[128];
    scratch_folder(from, sizeof from, "power");
    snprintf(to, sizeof to, "%s.after", from);
    disk_record(from);
    snprintf(path, sizeof path, "%s/runs/small/teacher", from);
    lyne_file_fail_at(n, EIO);
    const bool failed = n && lyne_directory_make(path, NULL) != LYNE_OK;
    lyne_file_fail_at(0, 0);
    cr_assert_eq(lyne_directory_make(path, NULL), LYNE_OK);
    snprintf(path, sizeof path, "%s/runs/small/teacher/file", from);
    cr_assert_eq(lyne_file_commit(path, "new", 3, NULL), LYNE_OK);
    disk_promise();
    disk_stop();
    cr_expect_gt(disk_states(to, 1000, look), 4);
    cr_assert_eq(lyne_directory_remove(from, NULL), LYNE_OK);
    cr_assert_eq(lyne_directory_remove(to, NULL), LYNE_OK);
    return failed;
}

Test(power, folders) {
    int failed = 0;
    for (uint64_t n = 0; n < 40; n++) failed += made_after(n);
    cr_expect_geq(failed, 9, "%d", failed); /* of three folders each: making it, opening and syncing its parent */
}
