/* tests/cli/killed.c -- loaded ahead of libc (LD_PRELOAD) by killed.sh; two things that cannot be had from outside:
 *
 *   KILL_AFTER=US [KILL_IN=DIR]   SIGKILL, US microseconds after the program has begun, or has come to make a directory
 *                                 whose path ends in DIR: the start of that stage
 *   KEEP=DIR                      a checkpoint that is committed, RUN/student/seed-1/checkpoint-N.safetensors, is copied to
 *                                 DIR/seed-1.student.N too, without its times, where nothing removes it
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The kernel sends it, whatever the threads do. */
static void kill_soon(void) {
    const char *after = getenv("KILL_AFTER");
    static bool armed;
    timer_t timer;
    if (!after || armed) return;
    armed = true;
    const long us = strtol(after, NULL, 10) + 1;
    struct sigevent die = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec when = {.it_value = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}};
    if (timer_create(CLOCK_MONOTONIC, &die, &timer) || timer_settime(timer, 0, &when, NULL)) abort();
}

__attribute__((constructor)) static void begin(void) {
    if (!getenv("KILL_IN")) kill_soon();
}

int mkdir(const char *path, mode_t mode) {
    const char *in = getenv("KILL_IN");
    const size_t n = strlen(path), tail = in ? strlen(in) : 0;
    int (*real)(const char *, mode_t) = (int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "mkdir");
    if (tail && n > tail && path[n - tail - 1] == '/' && strcmp(path + n - tail, in) == 0) kill_soon();
    return real(path, mode);
}

/* Over what two runs to the same bits have not in common: the digest, the length of the log that seconds are written into
 * (the second of `counters`, which come first), and seconds (the last two of `sums`). */
static void blank(unsigned char *file, size_t n) {
    uint64_t header;
    size_t from, to;
    memcpy(&header, file, sizeof header);
    char *text = (char *)file + 8, *digest = memmem(text, header, "lyne.digest\":\"", 14);
    const char *sums = memmem(text, header, "\"sums\"", 6);
    if (!digest || !sums || sscanf(strstr(sums, "_offsets"), "_offsets\":[%zu,%zu]", &from, &to) != 2) abort();
    unsigned char *data = file + 8 + header;
    if (data + to > file + n) abort();
    memset(digest + 14, '0', 32);
    memset(data + 8, 0, 8);
    memset(data + to - 16, 0, 16);
}

typedef int (*rename_function)(const char *, const char *);
static rename_function real_rename;

/* RUN/STAGE/[seed-N/]checkpoint-STEP.safetensors by the last two folders and the step. */
static void keep(const char *path) {
    char copy[4096], name[4096], temporary[4110], *part[3] = {"", "", ""};
    const char *to = getenv("KEEP"), *file = strrchr(path, '/');
    if (!to || !file || strncmp(file, "/checkpoint-", 12) != 0) return;
    snprintf(copy, sizeof copy, "%s", path);
    for (int i = 0; i < 3; i++) {
        char *slash = strrchr(copy, '/');
        if (!slash) break;
        *slash = '\0';
        part[i] = slash + 1;
    }
    snprintf(name, sizeof name, "%s/%s.%s.%ld", to, part[1], part[2], strtol(part[0] + 11, NULL, 10));
    snprintf(temporary, sizeof temporary, "%s.part", name);
    static unsigned char bytes[1 << 22];
    FILE *f = fopen(path, "r");
    const size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (!f || n < 16 || n == sizeof bytes) abort();
    fclose(f);
    blank(bytes, n);
    if (!(f = fopen(temporary, "w")) || fwrite(bytes, 1, n, f) != n || fclose(f) || real_rename(temporary, name))
        abort();
}

int rename(const char *from, const char *to) {
    real_rename = (rename_function)dlsym(RTLD_NEXT, "rename");
    const int failed = real_rename(from, to);
    if (!failed) keep(to);
    return failed;
}
