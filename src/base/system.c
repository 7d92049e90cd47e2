/* base/system.c -- the system calls of base/file.h, behind the seam.  The call to fail is an absolute index, so exactly
 * one fails, and what is done to back out of it works. */
#include "base/system.h"

#include "base/file.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Atomic uint64_t calls, failing;
static _Atomic int failing_error;

uint64_t lyne_file_calls(void) {
    return calls;
}

void lyne_file_fail_at(uint64_t n, int error) {
    failing_error = error;
    failing = n ? calls + n : 0;
}

static _Thread_local bool halving;

/* As many bytes as a call is to ask for. */
static size_t asked(size_t n) {
    const bool halve = halving && n > 1;
    if (halve) halving = false;
    return halve ? n / 2 : n;
}

/* Is it this call's turn to fail?  errno is then set. */
static bool due(void) {
    if (atomic_fetch_add(&calls, 1) + 1 != failing) return false;
    if (failing_error == LYNE_FILE_DIE) raise(SIGKILL);
    if (failing_error == LYNE_FILE_SHORT) {
        halving = true;
        return false;
    }
    errno = failing_error;
    return true;
}

static void (*watcher)(const lyne_file_event *);

void lyne_file_watch(void (*saw)(const lyne_file_event *)) {
    watcher = saw;
}

/* To be told of a call with this result, which is handed on. */
static int64_t told(int64_t result, lyne_file_event event) {
    const int cause = errno;
    if (watcher && result >= 0) watcher(&event);
    errno = cause;
    return result;
}
#define TOLD(result, ...) told((result), (lyne_file_event){__VA_ARGS__})

int system_open(const char *path, int flags) {
    if (due()) return -1;
    const int fd = open(path, flags, 0666);
    return (int)TOLD(fd, LYNE_FILE_OPENED, .fd = fd, .path = path);
}
int system_openat(int parent, const char *name, int flags) {
    return due() ? -1 : openat(parent, name, flags);
}
ssize_t system_read(int fd, void *bytes, size_t n) {
    return due() ? -1 : read(fd, bytes, asked(n));
}
ssize_t system_write(int fd, const void *bytes, size_t n) {
    if (due()) return -1;
    const ssize_t written = write(fd, bytes, asked(n));
    return TOLD(written, LYNE_FILE_WROTE, .fd = fd, .bytes = bytes, .n = (uint64_t)written);
}
int system_fsync(int fd) {
    return due() ? -1 : (int)TOLD(fsync(fd), LYNE_FILE_SYNCED, .fd = fd);
}
int system_ftruncate(int fd, off_t size) {
    return due() ? -1 : (int)TOLD(ftruncate(fd, size), LYNE_FILE_CUT, .fd = fd, .n = (uint64_t)size);
}
ssize_t system_pread(int fd, void *bytes, size_t n, off_t offset) {
    return due() ? -1 : pread(fd, bytes, asked(n), offset);
}
ssize_t system_pwrite(int fd, const void *bytes, size_t n, off_t offset) {
    return due() ? -1 : pwrite(fd, bytes, asked(n), offset);
}
/* Of the open file, not of the process: two in one process exclude each other too. */
int system_lock(int fd, bool shared, uint64_t first, uint64_t n) {
    struct flock range = {
        .l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)first, .l_len = (off_t)n};
    return due() ? -1 : fcntl(fd, F_OFD_SETLK, &range);
}

int system_is_locked(int fd, bool *locked) {
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (due() || fcntl(fd, F_OFD_GETLK, &range)) return -1;
    *locked = range.l_type != F_UNLCK;
    return 0;
}
int system_fstat(int fd, struct stat *st) {
    return due() ? -1 : fstat(fd, st);
}
int system_stat(const char *path, struct stat *st) {
    return due() ? -1 : stat(path, st);
}
int system_statvfs(const char *path, struct statvfs *st) {
    return due() ? -1 : statvfs(path, st);
}
int system_rename(const char *from, const char *to) {
    return due() ? -1 : (int)TOLD(rename(from, to), LYNE_FILE_RENAMED, .path = from, .to = to);
}
int system_unlink(const char *path) {
    return due() ? -1 : (int)TOLD(unlink(path), LYNE_FILE_REMOVED, .path = path);
}
int system_unlinkat(int parent, const char *name, int flags) {
    return due() ? -1 : unlinkat(parent, name, flags);
}
int system_mkdir(const char *path) {
    return due() ? -1 : (int)TOLD(mkdir(path, 0777), LYNE_FILE_MADE, .path = path);
}
DIR *system_fdopendir(int fd) {
    return due() ? NULL : fdopendir(fd);
}

void *system_mmap(size_t size, int fd) {
    return due() ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
}

int system_close(int fd) {
    bool fails = due();
    int cause = errno, result = (int)TOLD(close(fd), LYNE_FILE_CLOSED, .fd = fd);
    if (fails) errno = cause;
    return fails ? -1 : result;
}

struct dirent *system_readdir(DIR *dir) {
    if (due()) return NULL;
    errno = 0;
    return readdir(dir);
}

static lyne_status sync_directory(const char *path, lyne_error *err) {
    int fd = system_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return lyne_fail_errno(err, path, "open the directory");
    lyne_status status = LYNE_OK;
    if (system_fsync(fd)) status = lyne_fail_errno(err, path, "sync the directory");
    system_close(fd);
    return status;
}

lyne_status system_sync_parent(const char *path, lyne_error *err) {
    char *parent = lyne_strdup(path);
    if (!parent) return lyne_fail_memory(err, path);
    size_t length = strlen(parent);
    while (length > 1 && parent[length - 1] == '/') length--;
    while (length > 0 && parent[length - 1] != '/') length--;
    parent[length] = '\0';
    lyne_status status = sync_directory(length ? parent : ".", err);
    lyne_free(parent);
    return status;
}
