/* base/system.h -- the seam: every system call that touches a file, counted, and one of them made to fail on request.
 * For file.c, directory.c and limits.c alone; the rest of Lyne includes base/file.h. */
#ifndef LYNE_BASE_SYSTEM_H
#define LYNE_BASE_SYSTEM_H

#include "lyne/status.h"
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

int system_open(const char *path, int flags);
int system_openat(int parent, const char *name, int flags);
ssize_t system_read(int fd, void *bytes, size_t n);
ssize_t system_write(int fd, const void *bytes, size_t n);
int system_fsync(int fd);
int system_close(int fd); /* closes even when it is made to fail */
int system_ftruncate(int fd, off_t size);
ssize_t system_pread(int fd, void *bytes, size_t n, off_t offset);
ssize_t system_pwrite(int fd, const void *bytes, size_t n, off_t offset);
int system_lock(int fd, bool shared, uint64_t first, uint64_t n); /* bytes of it (0: to the end), without waiting */
int system_is_locked(int fd, bool *locked);                       /* by another, any of it */
int system_fstat(int fd, struct stat *st);
int system_stat(const char *path, struct stat *st);
int system_statvfs(const char *path, struct statvfs *st);
void *system_mmap(size_t size, int fd); /* read-only; MAP_FAILED */
int system_rename(const char *from, const char *to);
int system_unlink(const char *path);
int system_unlinkat(int parent, const char *name, int flags);
int system_mkdir(const char *path);
DIR *system_fdopendir(int fd);
struct dirent *system_readdir(DIR *dir); /* NULL with errno 0 at the end */

/* fsync the directory that holds path. */
lyne_status system_sync_parent(const char *path, lyne_error *err);

#endif
