/* formats/json.h -- JSON files with limits and places, and fields that are there with the right type or are an error.
 *
 *     json_t *manifest;
 *     int64_t views;
 *     lyne_status status = lyne_json_load("soft_labels/manifest.json", 1 << 20, &manifest, err);
 *     if (status == LYNE_OK) status = lyne_json_int(manifest, "views", 1, 65535, &views, err);
 *     ...                                    "views" = 0 is outside [1, 65535]
 *     json_decref(manifest);
 */
#ifndef LYNE_FORMATS_JSON_H
#define LYNE_FORMATS_JSON_H

#include "base/hash.h"
#include "lyne/status.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** One JSON value of at most `limit` bytes.  LYNE_EDATA "FILE:LINE:COLUMN: why"; a key given twice is such a why.
 *  Caller gives *out back with json_decref; it is NULL after a failure. */
lyne_status lyne_json_load(const char *path, size_t limit, json_t **out, lyne_error *err);

/** One JSON value, for json_decref.  LYNE_EDATA and *why if it is none, gives a key twice, or would take more memory than 16 MiB
 *  and 4 bytes for each of its own: a list of nothing but empty objects takes 80.  LYNE_ENOSPACE: memory is out; *out is NULL
 *  after both. */
lyne_status lyne_json_parse(const char *text, size_t size, json_t **out, json_error_t *why);
/** Whether it, or all lines of a text together, take no more. */
bool lyne_json_fits(const char *text, size_t size);

/** The text of a value, `flags` jansson's; caller frees with lyne_free.  NULL when memory is out or was out while the value was
 *  made: jansson's builders then leave out a member and many of their callers need not ask, for nothing is written of it.
 *  Everything that is written comes through here. */
char *lyne_json_dump(const json_t *value, size_t flags);

/** Commit a value: keys sorted, reals with 17 digits, so equal values are equal files.  One of which lyne_json_dump has no text
 *  is LYNE_ENOSPACE. */
lyne_status lyne_json_save(const char *path, const json_t *value, lyne_error *err);

/* A field of an object: LYNE_EDATA names it and says that it is missing, of which type it is, or outside which range.
 * What is handed out is borrowed from the object.  Whoever knows the file adds it with lyne_error_context. */
lyne_status lyne_json_text(const json_t *object, const char *key, const char **out, lyne_error *err);
lyne_status lyne_json_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out,
                          lyne_error *err);
/** An integer too.  Nothing that Lyne counts or measures is beyond 1e100, and what is computed of it still has room. */
lyne_status lyne_json_real(const json_t *object, const char *key, double *out, lyne_error *err);
lyne_status lyne_json_digest(const json_t *object, const char *key, lyne_digest *out, lyne_error *err);
lyne_status lyne_json_array(const json_t *object, const char *key, json_t **out, lyne_error *err);
lyne_status lyne_json_object(const json_t *object, const char *key, json_t **out, lyne_error *err);

/** Add a digest; 0, or -1 when memory is out (as jansson). */
int lyne_json_set_digest(json_t *object, const char *key, lyne_digest value);
/** Add a real.  JSON has no NaN and no infinity: they become null, and the object gets "nonfinite": true. */
int lyne_json_set_real(json_t *object, const char *key, double value);

#endif
