/* formats/gzip.h -- a whole file, unpacked if it is a gzip. */
#ifndef LYNE_FORMATS_GZIP_H
#define LYNE_FORMATS_GZIP_H

#include "lyne/status.h"
#include <stddef.h>

/** All of PATH, or of what was packed into it if it begins like a gzip; at most `limit` bytes.  LYNE_EDATA names a file
 *  that is cut short, fails its checksum, has several members (nothing that Lyne reads has), unpacks to more than the
 *  limit, or to more than lyne_inflate_most.  Caller frees *data with lyne_free. */
lyne_status lyne_inflate(const char *path, size_t limit, unsigned char **data, size_t *size, lyne_error *err);

/** What a packed file of `size` bytes may unpack to: 16 MiB and 64 times its size. */
size_t lyne_inflate_most(size_t size);

#endif
