/* formats/jsonl.h -- one JSON object a line, appended; for metrics.
 *
 *     lyne_jsonl_write(&log, json_pack("{s:i, s:f}", "epoch", 3, "lr", 0.05), err);
 *
 * To go on after a kill, open with the number of bytes that were synced with the checkpoint: what was written later, a
 * torn line perhaps, is cut off. */
#ifndef LYNE_FORMATS_JSONL_H
#define LYNE_FORMATS_JSONL_H

#include "base/file.h"
#include <jansson.h>

typedef struct lyne_jsonl {
    lyne_append file; /* file.size: bytes so far */
} lyne_jsonl;

/** Open or create; `keep` as in lyne_append_open. */
lyne_status lyne_jsonl_open(lyne_jsonl *log, const char *path, uint64_t keep, lyne_error *err);
/** One line; keys in the order they were added, reals with 9 digits.  The object is given back with json_decref whether
 *  this succeeds or not; NULL, as json_pack returns it when memory is out, is LYNE_ENOSPACE.  Reals that may be NaN:
 *  lyne_json_set_real. */
lyne_status lyne_jsonl_write(lyne_jsonl *log, json_t *object, lyne_error *err);
lyne_status lyne_jsonl_sync(lyne_jsonl *log, lyne_error *err);
void lyne_jsonl_close(lyne_jsonl *log); /* does not sync; NULL and zeroed are fine */

#endif
