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
/** Open the cache in the job's directory, which is done, and say in *out what came of it. */
lyne_status label_result(const lyne_job *job, lyne_result *out, lyne_error *err);
void label_tell(const lyne_job *job, const char *doing, uint64_t done, uint64_t first, uint64_t total, double seconds);

#endif
