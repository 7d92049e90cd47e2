/* stages/label.h -- what the stages that make soft labels (`label`, `import`) share, and what `distill` must know of
 * them. Private to stages/. */
#ifndef LYNE_STAGES_LABEL_H
#define LYNE_STAGES_LABEL_H

#include "labels/writer.h"
#include "stages/stage.h"

/* Whose answers soft labels are, and to which views. */
typedef struct lyne_label_source {
    lyne_labels_identity identity;
    uint64_t view_seed;
    uint32_t views; /* 0: a new one each epoch */
    lyne_instances augment;
    const char *live; /* the stage whose model is asked in training; NULL: what it said is on disk */
} lyne_label_source;

/** All of an identity but the teacher: the job's training data in those views. */
lyne_status label_identity(const lyne_job *job, uint64_t view_seed, uint32_t views, lyne_instances augment,
                           lyne_labels_identity *out, lyne_error *err);
/** The plan of a job, but for the identity and, where an encoding stores features, what it must know of them. */
lyne_labels_plan label_plan(const lyne_job *job, uint32_t views, lyne_instance encoding, int64_t records_per_shard);

/* Who says what is written. */
typedef struct label_giver {
    const char *doing; /* "labelling" */
    /** Append some of the records that are due to w, at least one. */
    lyne_status (*give)(void *self, lyne_labels_writer *w, lyne_error *err);
    void *self;
} label_giver;
/** Write what is missing in the job's directory, and unless that is a part of it say in *out what came of it.
 *  LYNE_STOPPED: what is whole is kept. */
lyne_status label_write(const lyne_job *job, const lyne_labels_plan *plan, const label_giver *from, lyne_result *out,
                        lyne_error *err);

#endif
