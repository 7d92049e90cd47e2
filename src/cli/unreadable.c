/* cli/unreadable.c -- a mapped file that cannot be read: cut short while it is mapped, or on a disk or a network that
 * fails.  The kernel then sends SIGBUS, and nothing is left to do but to say which file it was and to end; what was
 * committed is whole.  Only calls that a signal handler may make. */
#include "cli/cli.h"
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* A hexadecimal number; *at: behind it. */
static uintptr_t take_number(const char **at) {
    uintptr_t number = 0;
    for (;; ++*at) {
        const char c = **at;
        if (c >= '0' && c <= '9')
            number = number << 4 | (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number << 4 | (uintptr_t)(c - 'a' + 10);
        else
            return number;
    }
}

/* The file of a line of /proc/self/maps, BEGIN-END RIGHTS OFFSET DEVICE NUMBER PATH, if it holds the address; or NULL. */
static const char *file_of(const char *line, uintptr_t address) {
    const uintptr_t begin = take_number(&line);
    if (*line++ != '-') return NULL;
    return address >= begin && address < take_number(&line) ? strchr(line, '/') : NULL;
}

/* The file that is mapped there; in `line`. */
static const char *find_file(uintptr_t address, char *line, size_t room) {
    char piece[1024];
    const char *file = NULL;
    size_t length = 0;
    const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    for (ssize_t n; fd >= 0 && !file && (n = read(fd, piece, sizeof piece)) > 0;)
        for (ssize_t i = 0; !file && i < n; i++) {
            const bool ends = piece[i] == '\n';
            if (ends || length + 1 < room) line[length++] = ends ? '\0' : piece[i];
            if (!ends) continue;
            length = 0;
            file = file_of(line, address);
        }
    if (fd >= 0) close(fd);
    return file;
}

static void say(const char *text) {
    (void)!write(STDERR_FILENO, text, strlen(text));
}

static void on_bus_error(int number, siginfo_t *info, void *context) {
    char line[4096 + 128];
    (void)context;
    const char *file = info->si_code == BUS_ADRERR ? find_file((uintptr_t)info->si_addr, line, sizeof line) : NULL;
    if (!file) {
        signal(number, SIG_DFL); /* something else, which it does again now */
        return;
    }
    say("lyne: ");
    say(file);
    say(": cannot be read any more: it was cut short while it was in use, or its disk or network failed\n");
    _exit(LYNE_EDATA);
}

void lyne_cli_catch_unreadable(void) {
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGBUS, &action, NULL);
}
