/* labels/encoding.h -- the row of an encoding: how what a teacher said of one sample is stored.
 *
 * A record of an encoding is one row of each of its parts, at most LYNE_ENCODING_PARTS arrays of fixed width, so a
 * record has the same size wherever it stands and each part is one tensor of a shard.  An encoding is one file that
 * ends in its row; the build finds it (CMakeLists.txt, encodings.c.in), so whoever reads a cache needs no list. */
#ifndef LYNE_LABELS_ENCODING_H
#define LYNE_LABELS_ENCODING_H

#include "base/memory.h"
#include "formats/array.h"
#include "labels/head.h"
#include "lyne/component.h"
#include "lyne/status.h"
#include <stdint.h>

enum { LYNE_ENCODING_PARTS = 3 };

/* What decode gives a class that the record says nothing of: exp of it is 0 at any temperature, and times it still 0.
 */
#define LYNE_NO_LOGIT (-1e30f)

typedef struct lyne_part {
    const char *name;
    lyne_dtype dtype;
    int64_t width; /* numbers of one record: the tensor is (n, width); 0: one number, the tensor is (n) */
    size_t bytes;  /* of one record; lyne_record_init sees to it                                        */
} lyne_part;

/* An encoding with its config and the number of classes: what a record looks like. */
typedef struct lyne_record {
    const struct lyne_encoding *encoding;
    const void *config; /* borrowed */
    int64_t classes;
    int64_t features;             /* what goes into the teacher's last layer; 0: logits are stored */
    const struct lyne_head *head; /* that layer, borrowed; NULL: not known yet, or none             */
    int n_parts;
    lyne_part part[LYNE_ENCODING_PARTS]; /* the widest type first, so that each tensor is aligned */
    size_t bytes;                        /* of all parts                                          */
} lyne_record;

typedef struct lyne_encoding {
    lyne_component component;
    bool
        of_features; /* stores what goes into the teacher's last layer: encode is given and decode gives (r->features) */
    float largest;   /* the writer refuses what is farther from 0 */
    /** Name, dtype and width of the parts, from r->config and r->classes.  LYNE_EDATA if they do not fit. */
    lyne_status (*layout)(lyne_record *r, lyne_error *err);
    /** Store finite logits (classes).  number: of the record, for what draws; part[i] may lie at any address; scratch
     *  (classes). */
    void (*encode)(const lyne_record *r, uint64_t number, const float *logits, void *const part[], double *scratch);
    /** Logits (classes) from what was stored.  False if no encoder stores such a thing. */
    bool (*decode)(const lyne_record *r, const void *const part[], float *logits);
    /** The one temperature T at which decoded logits are a target, as softmax(logits / T); NULL: they are logits, good
     * at any temperature. */
    double (*temperature)(const void *config);
    /** Whether of the classes that get a record's least logit only the mass together was stored; NULL: no. */
    bool (*rest_is_class)(const lyne_record *r);
} lyne_encoding;

extern const lyne_component *const lyne_encoding_rows[]; /* all that are built in, in no particular order */
extern const size_t lyne_n_encoding_rows;

/** features: 0 but for an encoding that stores them. */
lyne_status lyne_record_init(lyne_record *r, const lyne_instance *encoding, int64_t classes, int64_t features,
                             lyne_error *err);
/** Logits (n, classes) of n <= LYNE_HEAD_ROWS records, from the parts of each: decoded, and of features the product with
 *  r->head.  The number of those that could be decoded: fewer than n when the next one is not what an encoder stores. */
int64_t lyne_record_logits(const lyne_record *r, int64_t n, const void *const part[][LYNE_ENCODING_PARTS],
                           float *logits);

/** An encoding as a recipe or a manifest writes it: `f16`, `{topk: {k: 10}}`.  Its config is in the arena.  LYNE_EDATA
 *  says what is wrong. */
lyne_status lyne_encoding_read(const char *text, lyne_arena *arena, lyne_instance *out, lyne_error *err);
/** The same the other way, with every default; NULL when memory is out.  In the arena. */
const char *lyne_encoding_print(const lyne_instance *encoding, lyne_arena *arena);

/** Whether all n numbers are within [-largest, largest]; a NaN is not. */
bool lyne_all_within(const float *number, int64_t n, float largest);

/* ---- for encodings ---- */

/* Halves: with F16C where the CPU has it, else by the portable functions, which give the same bits. */
void lyne_f16_encode(const float *logits, int64_t n, void *stored);
void lyne_f16_decode(const void *stored, int64_t n, float *logits);
void lyne_f16_encode_portable(const float *logits, int64_t n, void *stored);
void lyne_f16_decode_portable(const void *stored, int64_t n, float *logits);

/* Numbers of classes, in the narrowest unsigned type. */
lyne_dtype lyne_class_dtype(int64_t classes);
void lyne_classes_put(lyne_dtype dtype, const uint32_t *class, int64_t n, void *stored);
void lyne_classes_get(lyne_dtype dtype, const void *stored, int64_t n, uint32_t *class);

#endif
