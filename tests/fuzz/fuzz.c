/* tests/fuzz/fuzz.c -- picks a target, gives it its folder, and hands libFuzzer's bytes on to it. */
#include "fuzz.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const fuzz_target *const tables[] = {fuzz_formats, fuzz_recipes, fuzz_labels, fuzz_training};
static const fuzz_target *target;
char fuzz_folder[512];

static void stop(const char *what) {
    perror(what);
    exit(2);
}

const char *fuzz_path(const char *name) {
    static char path[4][800];
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", fuzz_folder, name);
    return p;
}

void fuzz_put(const char *name, const void *data, size_t size) {
    const int fd = open(fuzz_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) != 0) stop(name);
}

void fuzz_seed(const char *name, const void *data, size_t size) {
    fuzz_put(name, data, size);
}

fuzz_bytes fuzz_take(fuzz_bytes *from) {
    fuzz_bytes part = {.data = from->data};
    if (from->size >= 2) {
        const size_t want = (size_t)from->data[0] | (size_t)from->data[1] << 8, most = from->size - 2;
        part = (fuzz_bytes){from->data + 2, want < most ? want : most};
        from->data += 2 + part.size;
        from->size -= 2 + part.size;
    }
    return part;
}

void fuzz_touch(const void *data, size_t size) {
    static volatile unsigned char sink;
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) sink = (unsigned char)(sink ^ bytes[i]);
}

static const fuzz_target *find(const char *name) {
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const fuzz_target *t = tables[i]; t->name; t++)
            if (strcmp(t->name, name) == 0) return t;
    return NULL;
}

/* ---- checksums, for which the linker has put these in (CMakeLists.txt) ---- */

lyne_digest __real_lyne_hash_finish(const lyne_hash *h);
lyne_digest __real_lyne_digest_of(const void *bytes, size_t n);
uint32_t __real_lyne_crc32c(uint32_t crc, const void *bytes, size_t n);

lyne_digest __wrap_lyne_hash_finish(const lyne_hash *h) {
    return target->forged ? (lyne_digest){0} : __real_lyne_hash_finish(h);
}

lyne_digest __wrap_lyne_digest_of(const void *bytes, size_t n) {
    if (!target->forged) return __real_lyne_digest_of(bytes, n);
    fuzz_touch(bytes, n);
    return (lyne_digest){0};
}

uint32_t __wrap_lyne_crc32c(uint32_t crc, const void *bytes, size_t n) {
    if (!target->forged) return __real_lyne_crc32c(crc, bytes, n);
    fuzz_touch(bytes, n);
    return 0;
}

/* ---- what libFuzzer calls ---- */

static void list(void) {
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const fuzz_target *t = tables[i]; t->name; t++) printf("%s\t%s\n", t->name, t->covers);
}

static void remove_folder(void) {
    lyne_directory_remove(fuzz_folder, NULL);
}

/* In memory where there is such a place: a target writes its files anew for each input. */
static void make_folder(void) {
    snprintf(fuzz_folder, sizeof fuzz_folder, "%s/lyne-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(fuzz_folder)) stop(fuzz_folder);
    atexit(remove_folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    char **a = *argv;
    const bool seeds = *argc == 4 && strcmp(a[1], "--seeds") == 0;
    if (*argc == 2 && strcmp(a[1], "--list") == 0) {
        list();
        exit(0);
    }
    target = *argc < 2 ? NULL : find(seeds ? a[2] : a[1]);
    if (!target) {
        fprintf(stderr, "usage: lyne_fuzz TARGET [LIBFUZZER OPTION...] [CORPUS...] | --seeds TARGET DIR | --list\n");
        exit(2);
    }
    lyne_log_quiet();
    if (seeds) {
        snprintf(fuzz_folder, sizeof fuzz_folder, "%s", a[3]);
        if (target->seed) target->seed();
        exit(0);
    }
    make_folder();
    for (int i = 1; i + 1 < *argc; i++) a[i] = a[i + 1];
    --*argc;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    target->run(data, size);
    return 0;
}
