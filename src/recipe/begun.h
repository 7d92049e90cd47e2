/* recipe/begun.h -- begun.json: what a job was begun with, as long as it is not done.  Private to recipe/.
 *
 * A job that is stopped is gone on with where it stands.  Elsewhere (another CPU, library, thread count) the rest would be of
 * other bits: a checkpoint says so for itself (train/checkpoint.h); soft labels, whose shards are the same wherever a bit
 * is the same, have this file beside them.  And whoever is told to go on all the same leaves a result that is of both. */
#ifndef LYNE_RECIPE_BEGUN_H
#define LYNE_RECIPE_BEGUN_H

#include "recipe/pipeline.h"

typedef struct lyne_begun {
    const char *directory;
    uint32_t part, n_parts; /* of soft labels; 0, 0: all of the job */
    lyne_digest fingerprint;
    const char *environment; /* of this process */
    bool any_environment;
    bool asks; /* it writes what a teacher says */
} lyne_begun;

/** Before a job, when it is not up to date, and result.json is still there: soft labels that were written for another
 *  fingerprint, as with another batch, go; those of this one that were begun in another environment are refused
 *  (LYNE_EENVIRONMENT), as its checkpoints refuse to be gone on with.  Then write down that we are at it. */
lyne_status lyne_begun_enter(const lyne_begun *b, lyne_error *err);
/** Of a job that has all: every environment that it was made in, "A; B", in the arena. */
lyne_status lyne_begun_all(const lyne_begun *b, lyne_arena *arena, const char **out, lyne_error *err);
/** A job that is done says so itself: nothing of the kind is in its directory any more. */
lyne_status lyne_begun_leave(const char *directory, lyne_error *err);

#endif
