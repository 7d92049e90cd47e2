/* tests/base/log.c -- which level says what. */
#include "base/log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>

static void say_all(void) {
    lyne_info("info %d", 1);
    lyne_debug("debug %d", 2);
    lyne_warn("warning %d", 3);
    fflush(stderr);
}

Test(log, quiet, .init = cr_redirect_stderr) {
    lyne_log_set(LYNE_LOG_QUIET);
    say_all();
    cr_assert_stderr_eq_str("lyne: warning: warning 3\n");
}

Test(log, info, .init = cr_redirect_stderr) {
    say_all();
    cr_assert_stderr_eq_str("info 1\nlyne: warning: warning 3\n");
}

Test(log, debug, .init = cr_redirect_stderr) {
    lyne_log_set(LYNE_LOG_DEBUG);
    say_all();
    cr_assert_stderr_eq_str("info 1\ndebug 2\nlyne: warning: warning 3\n");
}

Test(log, the_clock_does_not_go_back) {
    double before = lyne_now();
    for (int i = 0; i < 1000; i++) {
        double now = lyne_now();
        cr_assert_geq(now, before);
        before = now;
    }
}
