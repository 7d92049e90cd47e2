/* formats/tar.h -- the headers of a tar: those of V7 and ustar, GNU's long names, pax.
 *
 * A tar is blocks of 512 bytes: for each member a header and its bytes, filled up to whole blocks.  A header may be of an
 * extension instead, whose bytes say something of the header behind it.  All that is taken from one are name and size:
 * lists of who may read a file, its holes and the like are not looked at, or refused.  (libarchive would read those lists
 * in time that is quadratic.) */
#ifndef LYNE_FORMATS_TAR_H
#define LYNE_FORMATS_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LYNE_TAR_BLOCK = 512, LYNE_TAR_NAME = 257 };

typedef enum lyne_tar_kind {
    LYNE_TAR_BROKEN, /* no header, or a damaged one       */
    LYNE_TAR_END,    /* a block of zeros                  */
    LYNE_TAR_FILE,
    LYNE_TAR_FOLDER,
    LYNE_TAR_LONG_NAME, /* its bytes are the name of the next */
    LYNE_TAR_PAX,       /* lyne_tar_extend takes its bytes    */
    LYNE_TAR_PASSED,    /* an extension that says nothing of name or size */
    LYNE_TAR_OTHER      /* a link, a device or the like       */
} lyne_tar_kind;

typedef struct lyne_tar_header {
    lyne_tar_kind kind;
    uint64_t size; /* of the bytes behind it */
    char name[LYNE_TAR_NAME];
} lyne_tar_header;
lyne_tar_header lyne_tar_parse(const uint8_t block[LYNE_TAR_BLOCK]);

/** Take name and size out of the n bytes of a pax header: *name (NUL-terminated, in the bytes, which are changed) and *size
 *  stay as they are where it says nothing of them.  False if it is damaged or says that the member has holes. */
bool lyne_tar_extend(char *bytes, size_t n, const char **name, uint64_t *size, bool *has_size);

#endif
