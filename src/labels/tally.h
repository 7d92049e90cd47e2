/* labels/tally.h -- what the error of soft labels comes to: mean, 99th percentile and maximum of the KL divergence
 * between what is stored and what the teacher said, at five temperatures.
 *
 * The percentile comes from a histogram with fixed bins, sixteen to an octave from 2^-64 to 2^20, so tallies of shards
 * add up to the tally of the whole, in whatever order they were made and by whomever: each shard carries its own. */
#ifndef LYNE_LABELS_TALLY_H
#define LYNE_LABELS_TALLY_H

#include "base/text.h"
#include "labels/head.h"
#include "lyne/labels.h"

enum { LYNE_TALLY_BINS = 84 * 16 + 1 };

typedef struct lyne_tally {
    uint64_t n;
    double sum[LYNE_LABELS_TEMPERATURES], max[LYNE_LABELS_TEMPERATURES];
    uint64_t bin[LYNE_LABELS_TEMPERATURES][LYNE_TALLY_BINS];
} lyne_tally;

/** KL(stored || exact) of rows <= LYNE_HEAD_ROWS records at each temperature, of softmaxes of (rows, classes) logits. */
void lyne_divergence(int64_t rows, int64_t classes, const float *stored, const float *exact,
                     double (*out)[LYNE_LABELS_TEMPERATURES]);

void lyne_tally_record(lyne_tally *t, const double kl[LYNE_LABELS_TEMPERATURES]);
void lyne_tally_add(lyne_tally *into, const lyne_tally *t);
lyne_labels_error lyne_tally_error(const lyne_tally *t);

/** As text for a shard's header: `N SUM MAX BIN:COUNT BIN:COUNT;...CRC`, a `;` after each temperature, numbers decimal,
 * sum and max as the 16 hexadecimal digits of the double, CRC-32C of all before it in 8. */
void lyne_tally_print(const lyne_tally *t, lyne_text *out);
/** False if that is not what it is. */
bool lyne_tally_parse(const char *text, lyne_tally *out);

#endif
