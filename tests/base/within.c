/* tests/base/within.c -- names that come from files, and where they lead. */
#include "base/file.h"
#include "base/memory.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static const char *at(const char *name) {
    static char joined[8][8192];
    static int turn;
    char *out = joined[turn++ % 8];
    const bool absolute = *name == '/';
    snprintf(out, sizeof joined[0], "%s%s%s", absolute ? "" : root, absolute ? "" : "/", name);
    return out;
}

/* Two folders, home and away, with a file each and links between them. */
static void enter(void) {
    static const char *const folder[] = {"home/deep", "away"}, *const file[] = {"home/file", "home/deep/file",
                                                                                "away/file"};
    static const struct {
        const char *to, *from;
    } link[] = {{"file", "home/near"},        {"../away/file", "home/far"},  {"../away", "home/folder"},
                {"deep", "home/inner"},       {"nowhere", "home/dangling"},  {"loop", "home/loop"},
                {"/dev/zero", "home/device"}, {"../home/file", "away/back"}, {"../away/new", "home/new"}};
    strcpy(root, "/tmp/lyne-within-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    for (size_t i = 0; i < 2; i++) cr_assert_eq(lyne_directory_make(at(folder[i]), NULL), LYNE_OK);
    for (size_t i = 0; i < 3; i++) cr_assert_eq(lyne_file_commit(at(file[i]), "x", 1, NULL), LYNE_OK);
    for (size_t i = 0; i < sizeof link / sizeof *link; i++) cr_assert_eq(symlink(link[i].to, at(link[i].from)), 0);
    cr_assert_eq(mkfifo(at("home/fifo"), 0600), 0);
}

static void leave(void) {
    cr_assert_eq(lyne_directory_remove(root, NULL), LYNE_OK);
}

TestSuite(within, .init = enter, .fini = leave);

static char long_name[6000], deep_name[6000];

static const struct {
    const char *path; /* below root unless absolute */
    bool within;      /* home */
    bool readable;    /* by what follows no link */
} rows[] = {
    {"home/file", true, true},
    {"home/./deep/../file", true, true},
    {"home/inner/file", true, true},
    {"home/near", true, false},
    {"away/back", true, false},
    {"home/missing", true, false},
    {"home/missing/deeper", true, false},
    {"home/dangling", true, false},
    {"home/new", true, false},
    {"home/fifo", true, false},
    {"home/../home/deep/file", true, true},
    {"home", false, false},
    {"home/..", false, false},
    {"homely", false, false},
    {"away/file", false, true},
    {"away/missing", false, false},
    {"home/../away/file", false, true},
    {"home/missing/../../away/file", false, false},
    {"home/missing/..", false, false},
    {"home/far", false, false},
    {"home/folder/file", false, true},
    {"home/folder/missing", false, false},
    {"home/loop", false, false},
    {"home/device", false, false},
    {"home/file/x", false, false},
    {"/dev/null", false, false},
    {"/missing", false, false},
    {long_name, false, false},
    {deep_name, true, false}, /* as it is not there */
};

Test(within, where_names_lead) {
    strcpy(long_name, "home/"), memset(long_name + 5, 'x', 300);
    strcpy(deep_name, "home");
    while (strlen(deep_name) < 5000) strcat(deep_name, "/x");
    char home[80];
    snprintf(home, sizeof home, "%s/home", root);
    const char *const folders[] = {"/no/such/folder", home};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lyne_error err = {0};
        lyne_map map;
        const char *path = at(rows[i].path);
        const lyne_status status = lyne_file_within(path, folders, 2, &err);
        cr_expect_eq(status, rows[i].within ? LYNE_OK : LYNE_EDATA, "%.80s: %.200s", path, err.text);
        cr_expect(rows[i].within || strstr(err.text, root) || *rows[i].path == '/', "%.200s", err.text);
        cr_expect_eq(lyne_file_within(path, folders, 1, NULL), LYNE_EDATA);
        err = (lyne_error){0};
        cr_expect_eq(lyne_map_open(&map, path, &err) == LYNE_OK, rows[i].readable, "%.80s: %.200s", path, err.text);
        lyne_map_close(&map);
    }
}

Test(within, relative_paths_and_the_root) {
    const char *here = ".", *top = "/";
    cr_assert_eq(chdir(at("home")), 0);
    cr_expect_eq(lyne_file_within("file", &here, 1, NULL), LYNE_OK);
    cr_expect_eq(lyne_file_within("missing", &here, 1, NULL), LYNE_OK);
    cr_expect_eq(lyne_file_within("", &here, 1, NULL), LYNE_EDATA, "the folder itself is not below it");
    cr_expect_eq(lyne_file_within("../away/file", &here, 1, NULL), LYNE_EDATA);
    cr_expect_eq(lyne_file_within("../missing", &here, 1, NULL), LYNE_EDATA);
    cr_expect_eq(lyne_file_within("../away/file", &top, 1, NULL), LYNE_OK);
    cr_assert_eq(chdir("/"), 0);
}

Test(within, target) {
    static const struct {
        const char *path, *target;
    } links[] = {{"home/near", "home/file"},         {"home/far", "away/file"},
                 {"home/file", "home/file"},         {"home/inner/file", "home/inner/file"},
                 {"home/dangling", "home/dangling"}, {"missing", "missing"}};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        char *target = lyne_file_target(at(links[i].path));
        cr_expect_str_eq(target, at(links[i].target));
        lyne_free(target);
    }
    lyne_memory_fail_at(1);
    cr_expect_null(lyne_file_target(root));
    lyne_memory_fail_at(0);
}

/* What is written goes to no other file than the one named, and waits for nobody. */
Test(within, nothing_is_written_through_a_link) {
    lyne_append a;
    int fd;
    lyne_error err = {0};
    static const char *const names[] = {"home/far", "home/new", "home/fifo"};
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(lyne_append_open(&a, at(names[i]), 0, &err), LYNE_EDATA, "%s", names[i]);
        cr_expect(strstr(err.text, names[i]), "%s", err.text);
        if (i < 2) cr_expect_eq(lyne_lock(at(names[i]), &fd, NULL), LYNE_EDATA);
        err = (lyne_error){0};
        cr_expect_eq(lyne_file_commit(at(names[i]), "new", 3, &err), LYNE_OK, "takes its place: %s", err.text);
    }
    char *text;
    size_t size;
    cr_expect_not(lyne_file_exists(at("away/new")));
    cr_assert_eq(lyne_file_read(at("away/file"), 10, &text, &size, NULL), LYNE_OK);
    cr_expect_str_eq(text, "x");
    lyne_free(text);
}
