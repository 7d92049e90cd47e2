/* lyne/data.h -- the row of a data-set format, and an opened split.
 *
 * A sample has an id, its place in the data set, 0..n-1, for ever.  It is a picture, u8, stored (H, W, C), with one label;
 * or a sequence of tokens, with one label or one for each token.  What has a label of its own is a row: a sample, or a
 * token; row k of sample i has the id i * rows + k, by which soft labels know it.
 *
 * A recipe names a data set by its description, datasets/NAME.yaml beside the recipe or in a folder above it:
 *
 *     lyne_dataset: 1
 *     name: letters
 *     format: {letters: {train: train.bin, test: test.bin}}     # this row's name, and its fields
 *     picture: [1, 16, 16]                                      # channels, height, width
 *     classes: [a, b, c]
 *
 * and says `data: {use: letters}`. */
#ifndef LYNE_DATA_H
#define LYNE_DATA_H

#include "lyne/component.h"
#include "lyne/digest.h"
#include "lyne/memory.h"
#include "lyne/status.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* Formats know the first two; validation is held out of the training split (data/subset.h). */
typedef enum lyne_split { LYNE_TRAIN, LYNE_TEST, LYNE_N_SPLITS, LYNE_VALIDATION = LYNE_N_SPLITS } lyne_split;

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

/* An opened split.  A format fills in what it has; name, split and digest are its caller's. */
typedef struct lyne_dataset {
    const char *name; /* of the data set, borrowed */
    lyne_split split;
    int64_t n;                       /* samples                              */
    int64_t channels, height, width; /* of a picture                         */
    lyne_sequence sequence;          /* zero: samples are pictures           */
    int64_t n_classes;               /* 2 to 256                             */
    const uint8_t *pictures;         /* n * height * width * channels, (H, W, C) each */
    const uint16_t *tokens;          /* n * length, if samples are sequences          */
    const uint8_t *labels;           /* n * rows, each below n_classes                */
    lyne_digest digest;              /* of shapes, pictures or tokens, and labels     */
    lyne_arena arena;                /* where a format may keep what it needs         */
    void *owned[2];                  /* freed with lyne_free on close; NULL allowed   */
} lyne_dataset;

typedef struct lyne_format {
    lyne_component component; /* kind LYNE_DATASET */
    /** Open a split: fill *d, which is zeroed.  The same files must give the same samples in the same order.  Paths in
     *  the config are looked up with lyne_find_data, and whatever a file holds is checked before it is believed.  config
     *  is NULL if the row has no config_size.  On failure *d is closed by the caller, and the reason is in *err
     *  (lyne_fail).  Counts, shapes and labels are checked by the caller as well. */
    lyne_status (*open)(lyne_dataset *d, const void *config, lyne_split split, const lyne_data_paths *paths,
                        lyne_error *err);
} lyne_format;

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
