/* formats/npy.h -- NumPy's .npy, versions 1 to 3: one array, little-endian, C order.
 * Types: f2 f4 f8 i4 i8 u1 u2.  Python objects, structured types and Fortran order are refused by name. */
#ifndef LYNE_FORMATS_NPY_H
#define LYNE_FORMATS_NPY_H

#include "base/file.h"
#include "formats/array.h"

typedef struct lyne_npy {
    lyne_map map;
    lyne_array array; /* its data are in the map */
} lyne_npy;

/** Map and check a file.  LYNE_EDATA says what is wrong; a file longer or shorter than its shape is. */
lyne_status lyne_npy_open(lyne_npy *npy, const char *path, lyne_error *err);
void lyne_npy_close(lyne_npy *npy); /* NULL, zeroed, failed to open: fine */

/** Commit an array, version 1, as numpy.save would.  The shape decides how many bytes are read.  LYNE_EOTHER for a type
 *  that is not among the above. */
lyne_status lyne_npy_write(const char *path, const lyne_array *array, lyne_error *err);

/** The same for data that come bit by bit: begin writes the header, then the array's bytes are due by lyne_commit_write
 *  and lyne_commit_finish.  array->data is not read. */
lyne_status lyne_npy_begin(lyne_commit *file, const char *path, const lyne_array *array, lyne_error *err);

#endif
