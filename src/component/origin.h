/* component/origin.h -- which rows came from outside the program, so that a fingerprint can tell.
 *
 * A row that is built in is what the program's version says it is; one of a plug-in is what its file was.  Plug-ins are
 * loaded before anything else happens and stay until the process ends, so this is one list, written then and only read
 * afterwards. */
#ifndef LYNE_COMPONENT_ORIGIN_H
#define LYNE_COMPONENT_ORIGIN_H

#include "base/hash.h"
#include "lyne/component.h"

typedef struct lyne_origin {
    const char *path, *version;
    lyne_digest digest; /* of the file */
    const lyne_component *const *rows;
    size_t n_rows;
} lyne_origin;

enum { LYNE_MAX_ORIGINS = 32 };

/** Note one, all of it borrowed for good.  False when there are LYNE_MAX_ORIGINS already. */
bool lyne_origin_add(const lyne_origin *origin);
/** All of them, in the order of loading. */
const lyne_origin *lyne_origins(size_t *n);
/** That of a row; NULL: it is built in. */
const lyne_origin *lyne_origin_of(const lyne_component *row);

#endif
