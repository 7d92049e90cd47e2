/* data/dataset.h -- the row of a data-set format, and an opened split.
 *
 * A sample has an id, its place in the data set, 0..n-1, for ever.  It is a picture, u8, stored (H, W, C), with one label;
 * or a sequence of tokens, with one label or one for each token.  What has a label of its own is a row: a sample, or a
 * token; row k of sample i has the id i * rows + k, by which soft labels know it. */
#ifndef LYNE_DATA_DATASET_H
#define LYNE_DATA_DATASET_H

#include "base/hash.h"
#include "base/memory.h"
#include "lyne/component.h"
#include "lyne/status.h"

/* Formats know the first two; validation is held out of the training split (data/subset.h). */
typedef enum lyne_split { LYNE_TRAIN, LYNE_TEST, LYNE_N_SPLITS, LYNE_VALIDATION = LYNE_N_SPLITS } lyne_split;
extern const char *const lyne_split_names[]; /* "train", "test", "validation", NULL */
const char *lyne_split_name(lyne_split split);

typedef struct lyne_dataset lyne_dataset;

/* Where data may lie: --data DIR and then each part of LYNE_DATA, in order. */
typedef struct lyne_data_paths {
    const char *dataset; /* its name: DIR/NAME/FILE is tried before DIR/FILE */
    const char *const *directory;
    size_t n;
} lyne_data_paths;
/** The first existing of DIR/dataset/file, DIR/dataset/file.gz, DIR/file, DIR/file.gz.  `file` must be relative and
 *  without "..".  LYNE_EDATA names every place that was tried and says what to do.  Result in the arena. */
lyne_status lyne_find_data(const lyne_data_paths *paths, const char *file, lyne_arena *arena, const char **out,
                           lyne_error *err);

/* What a sample is that is no picture. */
typedef struct lyne_sequence {
    int64_t length;     /* tokens in a sample; 0: samples are pictures   */
    int64_t vocabulary; /* tokens are below it                           */
    bool labelled;      /* each token has a label, not each sample       */
} lyne_sequence;
static inline int64_t lyne_sequence_rows(const lyne_sequence *s) {
    return s->labelled ? s->length : 1;
}

typedef struct lyne_format {
    lyne_component component; /* kind LYNE_DATASET */
    /** Open a split: fill the struct.  Paths in the config are looked up with lyne_find_data.  On failure leaves
     * nothing behind. */
    lyne_status (*open)(lyne_dataset *d, const void *config, lyne_split split, const lyne_data_paths *paths,
                        lyne_error *err);
} lyne_format;

struct lyne_dataset {
    const char *name; /* of the data set, borrowed */
    lyne_split split;
    int64_t n;
    int64_t channels, height, width;
    lyne_sequence sequence;
    int64_t n_classes;
    const uint8_t *pictures; /* n * height * width * channels, (H, W, C) each */
    const uint16_t *tokens;  /* n * length, if samples are sequences          */
    const uint8_t *labels;   /* n * rows, each below n_classes                */
    lyne_digest digest;      /* of shapes, pictures or tokens, and labels     */
    lyne_arena arena;        /* where a format may keep what it needs         */
    void *owned[2];          /* freed with lyne_free on close; NULL allowed   */
};
void lyne_dataset_close(lyne_dataset *d); /* NULL and zeroed are fine */
/** For the end of a format's open: over n, the shape, n_classes, labels and pictures; neither name nor split. */
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
