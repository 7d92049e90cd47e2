/* formats/members.h -- many small files, packed in a tar or lying in a folder of folders, brought into memory as they
 * are.
 *
 * A member is FOLDER/NAME, both given by whoever packed it, so both are checked: nothing else is accepted, and nothing
 * is ever written under such a name. */
#ifndef LYNE_FORMATS_MEMBERS_H
#define LYNE_FORMATS_MEMBERS_H

#include "base/memory.h"
#include "lyne/status.h"
#include <stdint.h>

typedef struct lyne_member {
    const char *folder, *name;
    size_t at, size; /* in bytes of lyne_members */
} lyne_member;

typedef struct lyne_members {
    lyne_arena arena; /* the names */
    lyne_member *item;
    size_t n, item_capacity;
    uint8_t *bytes; /* all members, one behind the other */
    size_t n_bytes, bytes_capacity;
} lyne_members;

/* What they may come to. */
typedef struct lyne_members_limit {
    size_t bytes;  /* of all members                                                        */
    size_t member; /* of one                                                                */
    size_t count;  /* how many                                                              */
} lyne_members_limit;

/** All files in PATH: of a tar (plain, gzip or zstd, whatever its name), in its order; of a folder, bytewise by folder
 * and name.  LYNE_EDATA names the member that is not FOLDER/NAME ("./" before it is fine), has ".." or an absolute
 * path, is a link, device or anything else but a file (folders in a tar are passed over), is empty, comes too often or
 * is too large, or a tar that is damaged or cut short (between two members that cannot be seen: know how many there
 * should be), has holes (tar -S), or unpacks to more than lyne_inflate_most.  In a folder, links are followed: it is the
 * user's own.  On failure *m is empty. */
lyne_status lyne_members_read(lyne_members *m, const char *path, lyne_members_limit limit, lyne_error *err);
void lyne_members_free(lyne_members *m); /* NULL and zeroed are fine */

#endif
