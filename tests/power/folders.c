/* tests/power/folders.c -- a file that was committed into new folders is there after a loss of power: they are too. */
#include "../scratch.h"
#include "base/file.h"
#include "disk.h"
#include <criterion/criterion.h>
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

Test(power, folders) {
    char from[64], to[80], path[128];
    scratch_folder(from, sizeof from, "power");
    snprintf(to, sizeof to, "%s.after", from);
    disk_record(from);
    snprintf(path, sizeof path, "%s/runs/small/teacher", from);
    cr_assert_eq(lyne_directory_make(path, NULL), LYNE_OK);
    snprintf(path, sizeof path, "%s/runs/small/teacher/file", from);
    cr_assert_eq(lyne_file_commit(path, "new", 3, NULL), LYNE_OK);
    disk_promise();
    disk_stop();
    cr_expect_gt(disk_states(to, 1000, look), 10);
    cr_assert_eq(lyne_directory_remove(from, NULL), LYNE_OK);
    cr_assert_eq(lyne_directory_remove(to, NULL), LYNE_OK);
}
