/* recipe/environment.h -- what a run is made with and what was said of it: environment.json and log.txt in its folder.
 * For people; nothing reads them back into a fingerprint.  Which job was made with what, its result.json says. */
#ifndef LYNE_RECIPE_ENVIRONMENT_H
#define LYNE_RECIPE_ENVIRONMENT_H

#include "lyne/status.h"
#include <jansson.h>
#include <stdbool.h>

/** Commit OUT/environment.json, as a job begins: date, versions, CPU, instruction sets, threads, system, plug-ins with their
 *  digests.  A process that finds all up to date makes nothing, and leaves it as it is. */
lyne_status lyne_environment_save(const char *out, lyne_error *err);
/** Whether OUT has one that a Lyne wrote: it is the folder of a run. */
bool lyne_environment_stands(const char *out);
/** Open OUT/log.txt, which grows by a line that says the same in short (base/log.h). */
lyne_status lyne_environment_begin(const char *out, lyne_error *err);

/** The plug-ins that are loaded: file, digest and, where it says one, version of each.  NULL when memory is out. */
json_t *lyne_plugins_json(void);

/** A line on how it ended, and close the log.  `status` and *err are those of the run; if it went well and the log could not
 *  be written, that is its failure. */
lyne_status lyne_environment_end(lyne_status status, lyne_error *err);

#endif
