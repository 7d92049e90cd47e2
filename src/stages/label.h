/* stages/label.h -- what a distill stage must know of the label stage it reads.  Private to stages/. */
#ifndef LYNE_STAGES_LABEL_H
#define LYNE_STAGES_LABEL_H

#include "labels/writer.h"
#include "stages/stage.h"

typedef struct label_config {
    lyne_reference teacher;
    lyne_instance encoding;
    lyne_instances augment;
    int64_t views, view_seed, batch, records_per_shard;
} label_config;

/** Whose answers, and to what, the labels of this stage are: from the teacher's file as it is now. */
lyne_status label_identity(const lyne_job *job, const label_config *c, lyne_labels_identity *out, lyne_error *err);

#endif
