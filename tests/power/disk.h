/* tests/power/disk.h -- what a disk may hold after a loss of power.
 *
 * What a program does to a folder is recorded through the seam of base/file.h.  At every moment of it, what was not
 * synced may be there or not: of a file's bytes any prefix, any set of blocks, or zeros of the right length; of the names
 * in a directory (made, renamed, removed) any set.  What was synced is there.  Each such state is put into a folder and
 * looked at. */
#ifndef TESTS_POWER_DISK_H
#define TESTS_POWER_DISK_H

#include <stdbool.h>
#include <stddef.h>

/** Begin to record, anew, what happens in `folder`, which may hold files; those are on the disk for good. */
void disk_record(const char *folder);
/** Something was promised to be on the disk: it returned. */
void disk_promise(void);
void disk_stop(void);

/** Call `look` on each state of the disk, no two alike, at most `most` of them spread over all moments, in `folder`
 *  (absolute; made anew for each), with the number of promises that were given by then.  Returns how many. */
size_t disk_states(const char *folder, size_t most, void (*look)(const char *folder, size_t promises));

#endif
