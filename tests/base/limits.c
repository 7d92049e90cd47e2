/* tests/base/limits.c -- control groups of both versions, as files below a folder; free space where there is some. */
#include "base/limits.h"
#include "../formats/scratch.h"

TestSuite(limits, .init = scratch_enter, .fini = scratch_leave);

static void lay(const char *file, const char *text) {
    char folder[256];
    lyne_error err = {0};
    snprintf(folder, sizeof folder, "%s%s", scratch_root, file);
    const char *path = folder;
    char parent[256];
    snprintf(parent, sizeof parent, "%s", folder);
    *strrchr(parent, '/') = '\0';
    cr_assert_eq(lyne_directory_make(parent, &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_file_commit(path, text, strlen(text), &err), LYNE_OK, "%s", err.text);
}

/* Files and what is then in force. */
static const struct {
    const char *file[4][2];
    uint64_t most, available;
    const char *from;
} rows[] = {
    {{{"/proc/self/cgroup", "0::/\n"}}, LYNE_NO_LIMIT, LYNE_NO_LIMIT, ""},
    {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "max\n"}}, LYNE_NO_LIMIT, LYNE_NO_LIMIT, ""},
    {{{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "5000\n"}}, 5000, LYNE_NO_LIMIT, "/memory.max"},
    /* the group's own, or that of one around it */
    {{{"/proc/self/cgroup", "0::/a/b\n"},
      {"/sys/fs/cgroup/a/b/memory.max", "9000\n"},
      {"/sys/fs/cgroup/a/memory.max", "7000\n"},
      {"/proc/meminfo", "MemTotal: 9 kB\nMemAvailable:   12 kB\n"}},
     7000,
     12288,
     "/a/memory.max"},
    {{{"/proc/self/cgroup", "0::/a/b\n"},
      {"/sys/fs/cgroup/a/b/memory.max", "6000\n"},
      {"/sys/fs/cgroup/a/memory.max", "7000\n"}},
     6000,
     LYNE_NO_LIMIT,
     "/a/b/memory.max"},
    /* version 1, in a container that does not see its group */
    {{{"/proc/self/cgroup", "5:cpu,memory:/docker/7\n4:pids:/\n"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n"}},
     4096,
     LYNE_NO_LIMIT,
     "/memory/memory.limit_in_bytes"},
    {{{"/proc/self/cgroup", "5:memory:/\n"}, {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"}},
     LYNE_NO_LIMIT,
     LYNE_NO_LIMIT,
     ""},
    /* another controller's line, and lines that are none */
    {{{"/proc/self/cgroup", "5:mem:/\n::\nx\n"}, {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "1\n"}},
     LYNE_NO_LIMIT,
     LYNE_NO_LIMIT,
     ""},
    {{{"/proc/meminfo", "MemAvailable: many\n"}}, LYNE_NO_LIMIT, LYNE_NO_LIMIT, ""},
    /* the whole machine, where no group has less */
    {{{"/proc/self/cgroup", "0::/\n"}, {"/proc/meminfo", "MemTotal: 20 kB\nMemAvailable: 12 kB\nSwapTotal:  10 kB\n"}},
     30720,
     12288,
     "/proc/meminfo"},
    {{{"/proc/self/cgroup", "0::/\n"},
      {"/sys/fs/cgroup/memory.max", "30721\n"},
      {"/proc/meminfo", "MemTotal: 30 kB\n"}},
     30720,
     LYNE_NO_LIMIT,
     "/proc/meminfo"},
};

Test(limits, memory) {
    for (size_t i = 0; i < COUNT(rows); i++) {
        scratch_leave();
        scratch_enter();
        for (size_t k = 0; k < 4 && rows[i].file[k][0]; k++) lay(rows[i].file[k][0], rows[i].file[k][1]);
        const lyne_memory_limits l = lyne_memory_limits_in(scratch_root);
        cr_expect_eq(l.most, rows[i].most, "row %zu: %llu", i, (unsigned long long)l.most);
        cr_expect_eq(l.available, rows[i].available, "row %zu: %llu", i, (unsigned long long)l.available);
        const size_t n = strlen(l.file), m = strlen(rows[i].from);
        cr_expect(n >= m && strcmp(l.file + n - m, rows[i].from) == 0, "row %zu: %s", i, l.file);
    }
}

Test(limits, of_this_machine) {
    const lyne_memory_limits l = lyne_memory_limits_in("");
    cr_expect(l.available < LYNE_NO_LIMIT && l.most < LYNE_NO_LIMIT);
}

Test(limits, disk) {
    uint64_t bytes = LYNE_NO_LIMIT;
    lyne_error err = {0};
    cr_expect_eq(lyne_disk_free(scratch_root, &bytes, &err), LYNE_OK, "%s", err.text);
    cr_expect_lt(bytes, LYNE_NO_LIMIT);
    cr_expect_neq(lyne_disk_free("/nowhere/at/all", &bytes, &err), LYNE_OK);
    cr_expect(strstr(err.text, "/nowhere/at/all"));
}
