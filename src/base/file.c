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
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* O_NONBLOCK: a fifo is refused, not waited for. */
enum { SAFELY = O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, READ_FLAGS = O_RDONLY | SAFELY };

static lyne_status refuse_open(const char *path, const char *what, lyne_error *err) {
    if (errno == ELOOP) return lyne_fail(err, LYNE_EDATA, "%s: is a symbolic link, which is not followed here", path);
    return lyne_fail_errno(err, path, what);
}

/* Open a regular file and say how long it is. */
static lyne_status open_regular(const char *path, int *fd, size_t *size, lyne_error *err) {
    struct stat st;
    *fd = system_open(path, READ_FLAGS);
    if (*fd < 0) return refuse_open(path, "open", err);
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

size_t lyne_file_stem(const char *name) {
    const char *tail = strstr(name, ".tmp.");
    const bool torn = tail && tail[5] && strspn(tail + 5, "0123456789") == strlen(tail + 5);
    return torn ? (size_t)(tail - name) : strlen(name);
}

bool lyne_file_exists(const char *path) {
    struct stat st;
    return system_stat(path, &st) == 0;
}

bool lyne_directory_exists(const char *path) {
    struct stat st;
    return system_stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- piece by piece ---- */

enum { PIECE = 1 << 20 };

/* Each piece of a file to `take`. */
static lyne_status read_pieces(const char *path, lyne_status (*take)(void *self, const void *, size_t, lyne_error *),
                               void *self, uint64_t *size, lyne_error *err) {
    int fd;
    size_t length = 0;
    lyne_status status = open_regular(path, &fd, &length, err);
    if (status != LYNE_OK) return status;
    char *piece = lyne_alloc(length < PIECE ? length : PIECE, 1);
    if (!piece) status = lyne_fail_memory(err, path);
    for (size_t done = 0; status == LYNE_OK && done < length;) {
        const size_t n = length - done < PIECE ? length - done : PIECE;
        status = read_all(fd, path, piece, n, err);
        if (status == LYNE_OK) status = take(self, piece, n, err);
        done += n;
    }
    system_close(fd);
    lyne_free(piece);
    if (size) *size = length;
    return status;
}

static lyne_status hash_piece(void *self, const void *bytes, size_t n, lyne_error *err) {
    (void)err;
    lyne_hash_bytes(self, bytes, n);
    return LYNE_OK;
}

lyne_status lyne_file_digest(const char *path, lyne_digest *digest, uint64_t *size, lyne_error *err) {
    lyne_hash h;
    lyne_hash_init(&h);
    const lyne_status status = read_pieces(path, hash_piece, &h, size, err);
    *digest = lyne_hash_finish(&h);
    return status;
}

static lyne_status write_piece(void *self, const void *bytes, size_t n, lyne_error *err) {
    return lyne_commit_write(self, bytes, n, err);
}

lyne_status lyne_file_copy(const char *from, const char *to, lyne_error *err) {
    lyne_commit c;
    lyne_status status = lyne_commit_begin(&c, to, err);
    if (status == LYNE_OK) status = read_pieces(from, write_piece, &c, NULL, err);
    if (status == LYNE_OK) status = lyne_commit_finish(&c, err);
    lyne_commit_abort(&c);
    return status;
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

enum { TAIL = 32 };

/* PATH.tmp.<number>, a random one: another machine's process may have our number, and our folder. */
static void call_temporary(char *name, const char *path) {
    uint64_t number;
    struct timespec now;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
        clock_gettime(CLOCK_REALTIME, &now);
        number = (uint64_t)now.tv_nsec << 32 | (uint64_t)getpid();
    }
    snprintf(name, strlen(path) + TAIL, "%s.tmp.%llu", path, (unsigned long long)number);
}

lyne_status lyne_commit_begin(lyne_commit *c, const char *path, lyne_error *err) {
    *c = (lyne_commit){.fd = -1, .path = lyne_strdup(path), .temporary = lyne_alloc(strlen(path) + TAIL, 1)};
    lyne_status status = LYNE_OK;
    lyne_hash_init(&c->hash);
    if (!c->path || !c->temporary) {
        status = lyne_fail_memory(err, path);
    } else {
        call_temporary(c->temporary, path);
        c->fd = system_open(c->temporary, O_WRONLY | O_CREAT | O_EXCL | SAFELY);
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
    lyne_hash_bytes(&c->hash, bytes, n);
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
    a->fd = system_open(path, O_WRONLY | O_CREAT | O_APPEND | SAFELY);
    lyne_status status = LYNE_OK;
    if (a->fd < 0 || system_fstat(a->fd, &st)) {
        status = refuse_open(path, "open for appending", err);
    } else if (!S_ISREG(st.st_mode)) {
        status = lyne_fail(err, LYNE_EDATA, "%s: is not a regular file", path);
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

/* ---- spool ---- */

lyne_status lyne_spool_open(lyne_spool *s, const char *path, lyne_error *err) {
    *s = (lyne_spool){.fd = -1, .path = lyne_alloc(strlen(path) + TAIL, 1)};
    if (!s->path) return lyne_fail_memory(err, path);
    call_temporary(s->path, path);
    s->fd = system_open(s->path, O_RDWR | O_CREAT | O_EXCL | SAFELY);
    if (s->fd >= 0 && system_unlink(s->path) == 0) return LYNE_OK;
    const lyne_status status = lyne_fail_errno(err, s->path, "make room in");
    lyne_spool_close(s);
    return status;
}

lyne_status lyne_spool_write(lyne_spool *s, uint64_t offset, const void *bytes, size_t n, lyne_error *err) {
    for (const char *p = bytes; n > 0;) {
        const ssize_t written = system_pwrite(s->fd, p, n, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return lyne_fail_errno(err, s->path, "write");
        p += written;
        offset += (uint64_t)written;
        n -= (size_t)written;
    }
    return LYNE_OK;
}

lyne_status lyne_spool_read(lyne_spool *s, uint64_t offset, void *bytes, size_t n, lyne_error *err) {
    for (char *p = bytes; n > 0;) {
        const ssize_t got = system_pread(s->fd, p, n, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return lyne_fail_errno(err, s->path, "read");
        if (got == 0) return lyne_fail(err, LYNE_EOTHER, "%s: is read where nothing was written", s->path);
        p += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return LYNE_OK;
}

void lyne_spool_close(lyne_spool *s) {
    if (!s || !s->path) return;
    if (s->fd >= 0) system_close(s->fd);
    lyne_free(s->path);
    *s = (lyne_spool){.fd = -1};
}

/* ---- lock ---- */

/* After a failed attempt on the lock behind fd, which is closed. */
static lyne_status refuse_lock(const char *path, int fd, lyne_error *err) {
    const lyne_status status = errno == EWOULDBLOCK || errno == EACCES
                                   ? lyne_fail(err, LYNE_EOTHER, "%s is in use by another process", path)
                                   : lyne_fail_errno(err, path, "lock");
    system_close(fd);
    return status;
}

static lyne_status lock_file(const char *path, bool shared, uint64_t first, uint64_t n, int *fd, lyne_error *err) {
    *fd = -1;
    const int lock = system_open(path, O_RDWR | O_CREAT | SAFELY);
    if (lock < 0) return refuse_open(path, "open the lock", err);
    if (system_lock(lock, shared, first, n)) return refuse_lock(path, lock, err);
    *fd = lock;
    return LYNE_OK;
}

lyne_status lyne_lock(const char *path, int *fd, lyne_error *err) {
    return lock_file(path, false, 0, 0, fd, err);
}

lyne_status lyne_lock_shared(const char *path, int *fd, lyne_error *err) {
    return lock_file(path, true, 0, 0, fd, err);
}

lyne_status lyne_lock_range(const char *path, uint64_t first, uint64_t n, int *fd, lyne_error *err) {
    return lock_file(path, false, first, n, fd, err);
}

bool lyne_is_locked(const char *path) {
    bool locked = false;
    const int fd = system_open(path, READ_FLAGS);
    if (fd < 0 || system_is_locked(fd, &locked)) locked = false;
    if (fd >= 0) system_close(fd);
    return locked;
}

void lyne_unlock(int fd) {
    if (fd >= 0) system_close(fd);
}
