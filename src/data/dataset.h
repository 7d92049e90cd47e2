/* data/dataset.h -- opening a split of a data set (lyne/data.h), and datasets/NAME.yaml. */
#ifndef LYNE_DATA_DATASET_H
#define LYNE_DATA_DATASET_H

#include "base/hash.h"
#include "base/memory.h"
#include "lyne/data.h"

/* How many rows a sample has. */
static inline int64_t lyne_sequence_rows(const lyne_sequence *s) {
    return s->labelled ? s->length : 1;
}

extern const char *const lyne_split_names[]; /* "train", "test", "validation", NULL */
const char *lyne_split_name(lyne_split split);

/** Open a split by the format's row, and check what it says: LYNE_EDATA if a count, a shape, a label or a token is not as
 *  lyne/data.h has it.  On failure nothing is left behind. */
lyne_status lyne_dataset_open(lyne_dataset *d, const lyne_format *format, const void *config, lyne_split split,
                              const lyne_data_paths *paths, lyne_error *err);
void lyne_dataset_close(lyne_dataset *d); /* NULL and zeroed are fine */
/** Over n, the shape, n_classes, labels and pictures; neither name nor split. */
lyne_digest lyne_dataset_digest(const lyne_dataset *d);

typedef struct lyne_description_tokens {
    int64_t length, vocabulary;
    int labels; /* enum lyne_token_labels */
} lyne_description_tokens;
enum lyne_token_labels { LYNE_LABEL_ONE, LYNE_LABEL_EACH };

/* A data set as a recipe names it: datasets/NAME.yaml, opened. */
typedef struct lyne_description {
    int64_t version; /* of the file's format: key lyne_dataset, 1 */
    const char *name, *title;
    lyne_instance format; /* kind LYNE_DATASET */
    lyne_ints picture;    /* channels, height, width; n = 0: samples are sequences */
    lyne_description_tokens tokens;
    lyne_floats mean, sd; /* of pixel / 255, for the normalize op */
    lyne_texts classes;   /* their names, in the order of their numbers */
} lyne_description;
extern const lyne_field lyne_description_fields[]; /* of datasets/NAME.yaml, into lyne_description */

#endif
