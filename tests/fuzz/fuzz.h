/* tests/fuzz/fuzz.h -- what a fuzz target is: a row of one of the tables in tests/fuzz/.
 *
 *     lyne_fuzz npy -max_total_time=60 CORPUS      (libFuzzer's options behind the target's name)
 *     lyne_fuzz --list                             one target a line
 *
 * A target is given hostile bytes, as a file or as several, and calls what reads them.  It must not crash, leak, or use
 * more than 16 MiB + 4 bytes for each byte it was given; it says nothing about whether the bytes were good. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "lyne/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fuzz_target {
    const char *name;
    const char *covers; /* the files of src/ whose reading it tries, separated by blanks */
    void (*run)(const uint8_t *data, size_t size);
    void (*seed)(void); /* writes good files into fuzz_folder with fuzz_seed; NULL: the corpus alone */
    /* Every checksum comes out as 0, also in what `seed` writes: who changes a file on purpose changes its checksum too,
     * and what lies behind the check must stand it. */
    bool forged;
} fuzz_target;

extern const fuzz_target fuzz_formats[], fuzz_recipes[], fuzz_labels[], fuzz_training[]; /* each ends with no name */

/** A folder of this process, empty at the start and never removed by targets. */
extern char fuzz_folder[];
/** "FOLDER/name"; good until the fourth call after it. */
const char *fuzz_path(const char *name);
/** Overwrite FOLDER/name. */
void fuzz_put(const char *name, const void *data, size_t size);
/** Of bytes that stand for several files: take the next, which begins with its length in 2 bytes; what is left over
 *  at the end is the last one's. */
typedef struct fuzz_bytes {
    const uint8_t *data;
    size_t size;
} fuzz_bytes;
fuzz_bytes fuzz_take(fuzz_bytes *from);

/** Read every byte, so that a sanitizer sees a pointer that leads astray. */
void fuzz_touch(const void *data, size_t size);

/** A good input, for --seeds: kept as FOLDER/name. */
void fuzz_seed(const char *name, const void *data, size_t size);

#endif
