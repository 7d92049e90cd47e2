/* recipe/result_file.h -- result.json of one job: what came out and whether it still stands.  Private to recipe/. */
#ifndef LYNE_RECIPE_RESULT_FILE_H
#define LYNE_RECIPE_RESULT_FILE_H

#include "recipe/pipeline.h"
#include <jansson.h>

/** The numbers of a result as the "metrics" and other members of results.json; unknown ones are left out. */
void lyne_result_json(json_t *object, const lyne_result *r);

/** Write DIRECTORY/result.json for a finished job, with all that it depends on, what it was made with (`environment`, and
 *  this version, CPU and time), the sizes and digests of the files it left, and a digest of itself; *made is that of the files. */
lyne_status lyne_result_file_save(const char *directory, const lyne_inputs *inputs, const lyne_result *r,
                                  const char *environment, lyne_digest *made, lyne_error *err);
/** Give what would be a result.json its digest. */
lyne_status lyne_result_file_seal(json_t *root, lyne_error *err);
/** What the job in DIRECTORY was made with, in the arena; all NULL where its result.json does not say or cannot be read.
 *  Fails as lyne_result_file_load does. */
lyne_status lyne_result_file_provenance(const char *directory, lyne_arena *arena, lyne_provenance *out,
                                        lyne_error *err);
/** Why lyne_result_file_load says no for these inputs, in the inputs' arena; NULL when memory is out. */
const char *lyne_result_file_why(const char *directory, const lyne_inputs *inputs);
/** *stands: whether DIRECTORY/result.json is there, whole, of this fingerprint, and its files are as they were; then *r is
 *  it and *made as it was.  A damaged or missing file is not an error: the job is just not up to date.  One that cannot be read
 *  now is: there is no telling then, and what is done must not be done again for that. */
lyne_status lyne_result_file_load(const char *directory, lyne_digest fingerprint, bool *stands, lyne_result *r,
                                  lyne_digest *made, lyne_error *err);
/** Put copies of all that a job left in `from`, where it stands, into `to` instead of what a job that does not stand left
 *  there.  result.json is the last, so until then `to` does not stand either. */
lyne_status lyne_result_file_copy(const char *from, const char *to, lyne_error *err);

#endif
