/* tests/base/log.c -- what is said, and where. */
#include "base/log.h"
#include "base/file.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say_all(void) {
    lyne_info("info %d", 1);
    lyne_warn("warning %d", 3);
    fflush(stderr);
}

Test(log, quiet, .init = cr_redirect_stderr) {
    lyne_log_quiet();
    say_all();
    cr_assert_stderr_eq_str("lyne: warning: warning 3\n");
}

Test(log, info, .init = cr_redirect_stderr) {
    say_all();
    cr_assert_stderr_eq_str("info 1\nlyne: warning: warning 3\n");
}

Test(log, what_a_file_said_steers_no_terminal, .init = cr_redirect_stderr) {
    lyne_info("%s", "a\nb");
    lyne_warn("results of '%s'", "\x1b[2J");
    fflush(stderr);
    cr_assert_stderr_eq_str("a b\nlyne: warning: results of ' [2J'\n");
}

Test(log, the_clock_does_not_go_back) {
    double before = lyne_now();
    for (int i = 0; i < 1000; i++) {
        double now = lyne_now();
        cr_assert_geq(now, before);
        before = now;
    }
}

/* What stands in a file without the dates, which must be there, at the head of each line. */
static const char *undated(const char *path) {
    static char text[4096];
    size_t n = 0;
    lyne_map map;
    cr_assert_eq(lyne_map_open(&map, path, NULL), LYNE_OK);
    for (const char *p = (const char *)map.data, *end = p + map.size; p < end;) {
        const char *line = memchr(p, '\n', (size_t)(end - p));
        cr_assert(line && line - p > LYNE_DATE_TEXT && p[10] == 'T' && p[LYNE_DATE_TEXT - 2] == 'Z' &&
                  p[LYNE_DATE_TEXT - 1] == ' ');
        p += LYNE_DATE_TEXT;
        memcpy(text + n, p, (size_t)(line + 1 - p));
        n += (size_t)(line + 1 - p);
        p = line + 1;
    }
    lyne_map_close(&map);
    text[n] = '\0';
    return text;
}

Test(log, of_a_run, .init = cr_redirect_stderr) {
    char path[] = "/tmp/lyne-log-XXXXXX";
    lyne_error err = {0};
    close(mkstemp(path));
    cr_assert_eq(lyne_log_open(path, &err), LYNE_OK, "%s", err.text);
    say_all();
    lyne_log_line("for the file %d", 4);
    cr_assert_eq(lyne_log_close(&err), LYNE_OK, "%s", err.text);
    lyne_log_line("nowhere");
    cr_expect_str_eq(undated(path), "info 1\nlyne: warning: warning 3\nfor the file 4\n");
    cr_assert_eq(lyne_log_open(path, &err), LYNE_OK, "%s", err.text);
    lyne_log_line("again");
    cr_assert_eq(lyne_log_close(&err), LYNE_OK, "%s", err.text);
    cr_expect_str_eq(undated(path), "info 1\nlyne: warning: warning 3\nfor the file 4\nagain\n", "it grows");
    unlink(path);
    fflush(stderr);
    cr_assert_stderr_eq_str("info 1\nlyne: warning: warning 3\n");
}

Test(log, a_line_that_cannot_be_written) {
    lyne_error err = {0};
    cr_assert_neq(lyne_log_open("/nowhere/log.txt", &err), LYNE_OK);
    cr_assert_eq(lyne_log_close(NULL), LYNE_OK, "nothing is open");
    err = (lyne_error){0};
    if (lyne_log_open("/dev/full", &err) != LYNE_OK) cr_skip_test("/dev/full is not opened");
    lyne_log_line("lost");
    lyne_log_line("not tried");
    cr_expect_eq(lyne_log_close(&err), LYNE_ENOSPACE, "%s", err.text);
    cr_expect(strstr(err.text, "/dev/full"), "%s", err.text);
    cr_expect_eq(lyne_log_close(&err), LYNE_OK, "said once");
}
