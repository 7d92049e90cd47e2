/* base/file.h -- files: read with a limit, map, write so that what bears the final name is whole.
 *
 * Commit: write PATH.tmp.<number>, fsync, close, rename to PATH, fsync the parent directory.  A failing fsync is never
 * tried again: the temporary file is removed and the old one stays (only a failing sync of the directory is reported
 * with the new one in place).  Every system call goes through one seam so that a test can make the n-th fail or die
 * there. */
#ifndef LYNE_BASE_FILE_H
#define LYNE_BASE_FILE_H

#include "base/hash.h"
#include "lyne/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opening follows no symbolic link at the end of a path, waits for no fifo, and takes nothing but regular files.  So
 * what the user named goes through lyne_file_target first, and what a file named through lyne_file_within. */

/** A copy of the path; of a symbolic link, where it leads.  Caller frees.  NULL: memory is out. */
char *lyne_file_target(const char *path);
/** LYNE_EDATA unless the path leads, links and dots followed, to something below one of n folders, or would if it were
 *  there. */
lyne_status lyne_file_within(const char *path, const char *const *folder, size_t n, lyne_error *err);

/** The whole of a regular file, at most `limit` bytes (larger: LYNE_EDATA), NUL-terminated behind its end.
 *  Caller frees *data with lyne_free. */
lyne_status lyne_file_read(const char *path, size_t limit, char **data, size_t *size, lyne_error *err);

/* A read-only map of a regular file.  An empty file maps to size 0 with a valid pointer.  Whoever cuts a file short
 * while it is mapped ends its readers (SIGBUS, which cli/unreadable.c puts in words), and so does a disk that fails: Lyne's
 * own files are replaced, never cut. */
typedef struct lyne_map {
    const unsigned char *data;
    size_t size;
} lyne_map;
lyne_status lyne_map_open(lyne_map *map, const char *path, lyne_error *err);
void lyne_map_close(lyne_map *map); /* NULL and zeroed are fine */

/* A file being written; see the head of this page. */
typedef struct lyne_commit {
    int fd;
    char *path, *temporary;
    uint64_t size;  /* bytes written so far */
    lyne_hash hash; /* of them               */
} lyne_commit;
lyne_status lyne_commit_begin(lyne_commit *c, const char *path, lyne_error *err);
lyne_status lyne_commit_write(lyne_commit *c, const void *bytes, size_t n, lyne_error *err); /* failing, it aborts */
lyne_status lyne_commit_finish(lyne_commit *c, lyne_error *err); /* on failure the temporary file is gone */
void lyne_commit_abort(lyne_commit *c);                          /* no-op after finish, on NULL, on zeroed */
/** All of it in one call. */
lyne_status lyne_file_commit(const char *path, const void *bytes, size_t n, lyne_error *err);

/* A file that only grows, e.g. a log of metrics: whole up to the last sync, perhaps torn behind it. */
typedef struct lyne_append {
    int fd;
    char *path;
    uint64_t size;
} lyne_append;
/** Open or create, cut to at most `keep` bytes (0: start afresh; UINT64_MAX: keep all). */
lyne_status lyne_append_open(lyne_append *a, const char *path, uint64_t keep, lyne_error *err);
lyne_status lyne_append_write(lyne_append *a, const void *bytes, size_t n, lyne_error *err);
lyne_status lyne_append_sync(lyne_append *a, lyne_error *err);
void lyne_append_close(lyne_append *a); /* does not sync; NULL and zeroed are fine */

/* Room for bytes that are needed again soon, in a file that has no name: nothing is left of it whatever happens. */
typedef struct lyne_spool {
    int fd;
    char *path; /* where it was made, for messages */
} lyne_spool;
/** Made as PATH.tmp.<number> and unlinked at once. */
lyne_status lyne_spool_open(lyne_spool *s, const char *path, lyne_error *err);
lyne_status lyne_spool_write(lyne_spool *s, uint64_t offset, const void *bytes, size_t n, lyne_error *err);
lyne_status lyne_spool_read(lyne_spool *s, uint64_t offset, void *bytes, size_t n, lyne_error *err);
void lyne_spool_close(lyne_spool *s); /* NULL and zeroed are fine */

/** mkdir -p.  Fails if a part exists and is not a directory. */
lyne_status lyne_directory_make(const char *path, lyne_error *err);
/** Remove a directory of files and directories.  Follows no link.  A missing one is fine. */
lyne_status lyne_directory_remove(const char *path, lyne_error *err);
/** Names in a directory, sorted bytewise, without . and ..; caller frees with lyne_names_free. */
lyne_status lyne_directory_list(const char *path, char ***names, size_t *n, lyne_error *err);
void lyne_names_free(char **names, size_t n);
/** Remove the files of a directory whose names are unwanted, in order of their names. */
lyne_status lyne_directory_weed(const char *path, bool (*is_unwanted)(const void *self, const char *name),
                                const void *self, lyne_error *err);

/** How much of a file's name stands before ".tmp.<number>", by which a commit calls it until it is whole: all of it for
 *  other files.  What bears such a name was left by a process that was killed. */
size_t lyne_file_stem(const char *name);
bool lyne_file_exists(const char *path);
bool lyne_directory_exists(const char *path); /* a file of that name is none */
/** Remove a file.  A missing one is fine. */
lyne_status lyne_file_remove(const char *path, lyne_error *err);
/** Digest and size (NULL: unwanted) of a regular file, read piece by piece. */
lyne_status lyne_file_digest(const char *path, lyne_digest *digest, uint64_t *size, lyne_error *err);
/** Commit a copy of a regular file as `to`. */
lyne_status lyne_file_copy(const char *from, const char *to, lyne_error *err);
/** Size of a regular file, or LYNE_EDATA. */
lyne_status lyne_file_size(const char *path, uint64_t *size, lyne_error *err);
/** Whether a failure to read a file says nothing of the file: no memory or descriptor was left, the reader may not, the disk or
 *  its server did not answer.  What may be good is not to be made anew, or removed. */
bool lyne_may_be_good(const lyne_error *why);
/** When it was last written, in seconds of Unix time; 0 if it cannot be said. */
int64_t lyne_file_written(const char *path);

/** Take the lock PATH (created if missing) or fail at once with LYNE_EOTHER "... is in use by another process".
 *  The lock goes with the process.  lyne_unlock accepts -1. */
lyne_status lyne_lock(const char *path, int *fd, lyne_error *err);
/** The same beside others who take it shared; whoever wants it alone is refused meanwhile, and the other way round. */
lyne_status lyne_lock_shared(const char *path, int *fd, lyne_error *err);
/** The same for things first .. first + n - 1 out of many: those who lock others are not disturbed; who has all of them,
 *  by one of the two above, excludes them. */
lyne_status lyne_lock_range(const char *path, uint64_t first, uint64_t n, int *fd, lyne_error *err);
/** Whether another process has it, or a part of it, in any of these ways; asking disturbs nobody. */
bool lyne_is_locked(const char *path);
void lyne_unlock(int fd);

/* The seam, for tests: the n-th system call from now (1 = next) fails with errno `error`; 0 = never.  With the error
 * LYNE_FILE_DIE the process is killed there instead, as by a loss of power; with LYNE_FILE_SHORT it, or the next that
 * reads or writes, does half of what it was asked to. */
enum { LYNE_FILE_DIE = -1, LYNE_FILE_SHORT = -2 };
void lyne_file_fail_at(uint64_t n, int error);
uint64_t lyne_file_calls(void);

/* What a call that worked did to the disk, so that a test can say what a loss of power may leave of it. */
typedef struct lyne_file_event {
    enum {
        LYNE_FILE_OPENED,
        LYNE_FILE_WROTE,
        LYNE_FILE_CUT,
        LYNE_FILE_SYNCED,
        LYNE_FILE_CLOSED,
        LYNE_FILE_RENAMED,
        LYNE_FILE_REMOVED,
        LYNE_FILE_MADE
    } what; /* MADE: a directory */
    int fd;
    const char *path, *to; /* OPENED, RENAMED, REMOVED, MADE: absolute or from the current directory */
    const void *bytes;     /* WROTE */
    uint64_t n;            /* WROTE: bytes; CUT: the size */
} lyne_file_event;
/** `saw` (NULL: nobody) is told of each from now on.  One thread writes while somebody watches. */
void lyne_file_watch(void (*saw)(const lyne_file_event *));

#endif
