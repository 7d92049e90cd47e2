/* base/file.c -- reading, mapping, committing, appending and locking files.  directory.c has the directories, system.h
 * the seam. */
#include "base/file.h"

#include "base/memory.h"
#include "base/system.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK }; /* O_NONBLOCK: a fifo is refused, not waited for */

/* Open a regular file and say how long it is. */
static lyne_status open_regular(const char *path, int *fd, size_t *size, lyne_error *err) {
    struct stat st;
    *fd = system_open(path, READ_FLAGS);
    if (*fd < 0) return lyne_fail_errno(err, path, "open");
    lyne_status status = LYNE_OK;
    if (system_fstat(*fd, &st))
        status = lyne_fail_errno(err, path, "examine");
    else if (!S_ISREG(st.st_mode))
        status = lyne_fail(err, LYNE_EDATA, "%s: is not a regular file", path);
    if (status != LYNE_OK) {
        system_close(*fd);
        return status;
    }
    *size = (size_t)st.st_size;
    return LYNE_OK;
}

static lyne_status read_all(int fd, const char *path, char *data, size_t size, lyne_error *err) {
    for (size_t done = 0; done < size;) {
        ssize_t n = system_read(fd, data + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return lyne_fail_errno(err, path, "read");
        if (n == 0) return lyne_fail(err, LYNE_EDATA, "%s: became shorter while it was read", path);
        done += (size_t)n;
    }
    return LYNE_OK;
}

static lyne_status write_all(int fd, const char *path, const void *bytes, size_t n, lyne_error *err) {
    for (const char *p = bytes; n > 0;) {
        ssize_t written = system_write(fd, p, n);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return lyne_fail_errno(err, path, "write");
        p += written;
        n -= (size_t)written;
    }
    return LYNE_OK;
}

lyne_status lyne_file_read(const char *path, size_t limit, char **data, size_t *size, lyne_error *err) {
    int fd;
    size_t length = 0;
    lyne_status status = open_regular(path, &fd, &length, err);
    if (status != LYNE_OK) return status;
    char *text = NULL;
    if (length > limit)
        status = lyne_fail(err, LYNE_EDATA, "%s: has %zu bytes, more than the %zu allowed", path, length, limit);
    else if (!(text = lyne_alloc(length + 1, 1)))
        status = lyne_fail_memory(err, path);
    else
        status = read_all(fd, path, text, length, err);
    system_close(fd);
    if (status != LYNE_OK) {
        lyne_free(text);
        return status;
    }
    *data = text;
    *size = length;
    return LYNE_OK;
}

lyne_status lyne_file_remove(const char *path, lyne_error *err) {
    if (system_unlink(path) == 0 || errno == ENOENT) return LYNE_OK;
    return lyne_fail_errno(err, path, "remove the file");
}

lyne_status lyne_file_size(const char *path, uint64_t *size, lyne_error *err) {
    struct stat st;
    if (system_stat(path, &st)) return lyne_fail_errno(err, path, "examine");
    if (!S_ISREG(st.st_mode)) return lyne_fail(err, LYNE_EDATA, "%s: is not a regular file", path);
    *size = (uint64_t)st.st_size;
    return LYNE_OK;
}

int64_t lyne_file_written(const char *path) {
    struct stat st;
    return system_stat(path, &st) == 0 ? (int64_t)st.st_mtime : 0;
}

bool lyne_file_exists(const char *path) {
    struct stat st;
    return system_stat(path, &st) == 0;
}

/* ---- map ---- */

static const unsigned char nothing[1];

lyne_status lyne_map_open(lyne_map *map, const char *path, lyne_error *err) {
    int fd;
    size_t size = 0;
    *map = (lyne_map){0};
    lyne_status status = open_regular(path, &fd, &size, err);
    if (status != LYNE_OK) return status;
    void *data = size ? system_mmap(size, fd) : (void *)nothing;
    if (data == MAP_FAILED)
        status = lyne_fail_errno(err, path, "map");
    else
        *map = (lyne_map){.data = data, .size = size};
    system_close(fd);
    return status;
}

void lyne_map_close(lyne_map *map) {
    if (!map) return;
    if (map->size) munmap((void *)map->data, map->size);
    *map = (lyne_map){0};
}

/* ---- commit ---- */

lyne_status lyne_commit_begin(lyne_commit *c, const char *path, lyne_error *err) {
    size_t room = strlen(path) + 32;
    *c = (lyne_commit){.fd = -1, .path = lyne_strdup(path), .temporary = lyne_alloc(room, 1)};
    lyne_status status = LYNE_OK;
    if (!c->path || !c->temporary) {
        status = lyne_fail_memory(err, path);
    } else {
        snprintf(c->temporary, room, "%s.tmp.%ld", path, (long)getpid());
        c->fd = system_open(c->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
        if (c->fd < 0) status = lyne_fail_errno(err, c->temporary, "create");
    }
    if (status != LYNE_OK) lyne_commit_abort(c);
    return status;
}

static lyne_status given_up(lyne_error *err) {
    return lyne_fail(err, LYNE_EOTHER, "a file whose writing failed cannot be committed");
}

lyne_status lyne_commit_write(lyne_commit *c, const void *bytes, size_t n, lyne_error *err) {
    if (!c->temporary) return given_up(err);
    lyne_status status = write_all(c->fd, c->path, bytes, n, err);
    c->size += n;
    if (status != LYNE_OK) lyne_commit_abort(c);
    return status;
}

lyne_status lyne_commit_finish(lyne_commit *c, lyne_error *err) {
    if (!c->temporary) return given_up(err);
    lyne_status status = LYNE_OK;
    if (system_fsync(c->fd)) status = lyne_fail_errno(err, c->path, "sync");
    if (system_close(c->fd) && status == LYNE_OK) status = lyne_fail_errno(err, c->path, "close");
    c->fd = -1;
    if (status == LYNE_OK && system_rename(c->temporary, c->path)) status = lyne_fail_errno(err, c->path, "rename to");
    if (status == LYNE_OK)
        status = system_sync_parent(c->path, err);
    else
        system_unlink(c->temporary);
    lyne_commit_abort(c);
    return status;
}

void lyne_commit_abort(lyne_commit *c) {
    if (!c) return;
    if (c->temporary && c->fd >= 0) {
        system_close(c->fd);
        system_unlink(c->temporary);
    }
    lyne_free(c->temporary);
    lyne_free(c->path);
    *c = (lyne_commit){.fd = -1};
}

lyne_status lyne_file_commit(const char *path, const void *bytes, size_t n, lyne_error *err) {
    lyne_commit c;
    lyne_status status = lyne_commit_begin(&c, path, err);
    if (status == LYNE_OK) status = lyne_commit_write(&c, bytes, n, err);
    if (status == LYNE_OK) status = lyne_commit_finish(&c, err);
    return status;
}

/* ---- append ---- */

lyne_status lyne_append_open(lyne_append *a, const char *path, uint64_t keep, lyne_error *err) {
    struct stat st;
    *a = (lyne_append){.fd = -1, .path = lyne_strdup(path)};
    if (!a->path) return lyne_fail_memory(err, path);
    a->fd = system_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC);
    lyne_status status = LYNE_OK;
    if (a->fd < 0 || system_fstat(a->fd, &st)) {
        status = lyne_fail_errno(err, path, "open for appending");
    } else {
        a->size = (uint64_t)st.st_size < keep ? (uint64_t)st.st_size : keep;
        if (system_ftruncate(a->fd, (off_t)a->size)) status = lyne_fail_errno(err, path, "cut");
    }
    if (status != LYNE_OK) lyne_append_close(a);
    return status;
}

lyne_status lyne_append_write(lyne_append *a, const void *bytes, size_t n, lyne_error *err) {
    lyne_status status = write_all(a->fd, a->path, bytes, n, err);
    if (status == LYNE_OK) a->size += n;
    return status;
}

lyne_status lyne_append_sync(lyne_append *a, lyne_error *err) {
    return system_fsync(a->fd) ? lyne_fail_errno(err, a->path, "sync") : LYNE_OK;
}

void lyne_append_close(lyne_append *a) {
    if (!a || !a->path) return;
    if (a->fd >= 0) system_close(a->fd);
    lyne_free(a->path);
    *a = (lyne_append){.fd = -1};
}

/* ---- lock ---- */

lyne_status lyne_lock(const char *path, int *fd, lyne_error *err) {
    *fd = -1;
    int lock = system_open(path, O_RDWR | O_CREAT | O_CLOEXEC);
    if (lock < 0) return lyne_fail_errno(err, path, "open the lock");
    if (system_flock(lock) == 0) {
        *fd = lock;
        return LYNE_OK;
    }
    lyne_status status = errno == EWOULDBLOCK ? lyne_fail(err, LYNE_EOTHER, "%s is in use by another process", path)
                                              : lyne_fail_errno(err, path, "lock");
    system_close(lock);
    return status;
}

void lyne_unlock(int fd) {
    if (fd >= 0) system_close(fd);
}
