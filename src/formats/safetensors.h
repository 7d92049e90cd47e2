/* formats/safetensors.h -- named arrays in one file, and nothing that could be run.
 *
 *     u64 n | n bytes of JSON | the data
 *     {"__metadata__": {"text": "text"}, "fc.weight": {"dtype": "F32", "shape": [10, 4], "data_offsets": [0, 160]}}
 *
 * The reader is strict: what it accepts has one meaning.  The writer gives the same bytes for the same content, and
 * data that starts at a multiple of 64. */
#ifndef LYNE_FORMATS_SAFETENSORS_H
#define LYNE_FORMATS_SAFETENSORS_H

#include "base/file.h"
#include "base/memory.h"
#include "formats/array.h"

enum { LYNE_SAFETENSORS_HEADER = 100000000 }; /* the most bytes a header may have */

typedef struct lyne_pair {
    const char *key, *value;
} lyne_pair;

/* An open file.  Everything in it lives until it is closed. */
typedef struct lyne_safetensors {
    lyne_map map;
    const char *path;
    size_t n;
    lyne_array *tensor; /* in the order of their data */
    size_t n_metadata;
    lyne_pair *metadata;
    lyne_arena arena;
} lyne_safetensors;

/** Map and check a file.  LYNE_EDATA names the file, the tensor and what is wrong with it: a header that does not fit,
 *  a name given twice, an unknown dtype, more than LYNE_ARRAY_RANK dimensions, offsets that overlap, leave a hole or do
 *  not end with the file, metadata that is not text.  The numbers are not looked at. */
lyne_status lyne_safetensors_open(lyne_safetensors *s, const char *path, lyne_error *err);
void lyne_safetensors_close(lyne_safetensors *s); /* NULL, zeroed, failed to open: fine */

/** NULL if there is none. */
const lyne_array *lyne_safetensors_find(const lyne_safetensors *s, const char *name);
const char *lyne_safetensors_metadata(const lyne_safetensors *s, const char *key);
/** The data of a tensor that must be there with this type and shape: else LYNE_EDATA says what is there instead. */
lyne_status lyne_safetensors_get(const lyne_safetensors *s, const char *name, lyne_dtype dtype, int rank,
                                 const int64_t *dims, const void **data, lyne_error *err);

/** Write a whole file in one commit, the tensors sorted as the official writer does.  tensor.bytes is not read: the
 *  shape decides.  LYNE_EOTHER for a name that is given twice, is not UTF-8 or is "__metadata__". */
lyne_status lyne_safetensors_write(const char *path, const lyne_array *tensors, size_t n, const lyne_pair *metadata,
                                   size_t n_metadata, lyne_error *err);

/* The same for data that come bit by bit: begin with all the tensors (their data are not read), append their bytes in
 * that order, finish.  A failure aborts; abort is a no-op after finish, on NULL and on zeroed. */
typedef struct lyne_safetensors_writer {
    lyne_commit file;
    uint64_t due; /* bytes still to come */
} lyne_safetensors_writer;
lyne_status lyne_safetensors_begin(lyne_safetensors_writer *w, const char *path, const lyne_array *tensors, size_t n,
                                   const lyne_pair *metadata, size_t n_metadata, lyne_error *err);
lyne_status lyne_safetensors_append(lyne_safetensors_writer *w, const void *bytes, size_t n, lyne_error *err);
lyne_status lyne_safetensors_finish(lyne_safetensors_writer *w, lyne_error *err); /* LYNE_EOTHER if bytes are missing */
void lyne_safetensors_abort(lyne_safetensors_writer *w);

#endif
