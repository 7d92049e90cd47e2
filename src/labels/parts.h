/* labels/parts.h -- what the writer and the reader of a cache share: the layout, a shard, the manifest.
 * src/labels/README.md describes the files. */
#ifndef LYNE_LABELS_PARTS_H
#define LYNE_LABELS_PARTS_H

#include "formats/safetensors.h"
#include "labels/tally.h"
#include "labels/writer.h"

enum { LYNE_LABELS_VERSION = 2, LYNE_MAX_SHARDS = 50000, LYNE_SHARD_NAME = 40, LYNE_RECORD_ID = 16 /* bytes */ };

/* A plan and what follows from it. */
typedef struct lyne_layout {
    lyne_labels_plan plan;
    uint64_t n_records; /* samples * views                        */
    uint64_t n_shards;
    lyne_record record;      /* what is stored of one                       */
    lyne_digest fingerprint; /* of everything in the plan but the directory */
} lyne_layout;

/** Refuses (LYNE_EDATA) what has no records, overflows or needs more than LYNE_MAX_SHARDS shards.
 *  plan->directory and the encoding's config are borrowed. */
lyne_status lyne_layout_init(lyne_layout *l, const lyne_labels_plan *plan, lyne_error *err);
/** Records in a shard: records_per_shard, or what is left for the last. */
uint64_t lyne_layout_records(const lyne_layout *l, uint64_t shard);
/** "DIRECTORY/name"; NULL when memory is out.  Caller frees with lyne_free. */
char *lyne_layout_path(const lyne_layout *l, const char *name);

/* The parts of an identity by name, for comparing and for the manifest. */
typedef struct lyne_identity_part {
    const char *name, *what; /* "teacher", "another teacher" */
    size_t offset;           /* of its lyne_digest           */
} lyne_identity_part;
enum { LYNE_N_IDENTITY_PARTS = 5 };
extern const lyne_identity_part lyne_identity_parts[LYNE_N_IDENTITY_PARTS];
lyne_digest *lyne_identity_digest(lyne_labels_identity *identity, const lyne_identity_part *part);

/** Of an open cache; borrowed. */
const lyne_layout *lyne_labels_layout(const lyne_labels *labels);

/* ---- a shard: the arrays of its records; those of a file lie in its map, at any address ---- */

typedef struct lyne_shard {
    lyne_safetensors file;
    uint64_t first, n; /* records */
    const unsigned char *sample, *view, *crc, *part[LYNE_ENCODING_PARTS];
    const char *error; /* the text of its tally */
} lyne_shard;

/** "labels-00003-of-00008.safetensors" */
void lyne_shard_name(const lyne_layout *l, uint64_t shard, char out[LYNE_SHARD_NAME]);
/** Map a shard and check all but its records: arrays, shapes, whose and which shard it says it is. */
lyne_status lyne_shard_open(lyne_shard *s, const lyne_layout *l, uint64_t shard, lyne_error *err);
void lyne_shard_close(lyne_shard *s);
/** That record `first + i` is the one due there and fits its checksum. */
lyne_status lyne_shard_check(const lyne_shard *s, const lyne_layout *l, uint64_t i, lyne_error *err);
/** Its tally: LYNE_EDATA if the text is damaged or does not count its records. */
lyne_status lyne_shard_tally(const lyne_shard *s, lyne_tally *out, lyne_error *err);
/** Decode record `first + i`, which lyne_shard_check has found good. */
lyne_status lyne_shard_decode(const lyne_shard *s, const lyne_layout *l, uint64_t i, float *logits, lyne_error *err);
/** CRC-32C over sample, view and the parts of a record. */
uint32_t lyne_record_crc(const lyne_record *r, uint64_t sample, uint32_t view, const void *const part[]);
/** Commit a shard from its arrays. */
lyne_status lyne_shard_write(const lyne_layout *l, uint64_t shard, const uint64_t *sample, const uint32_t *view,
                             const uint32_t *crc, const unsigned char *const part[], const char *error,
                             lyne_error *err);

/* ---- the manifest ---- */

/* What it says of each shard. */
typedef struct lyne_shard_entry {
    uint64_t bytes;
    lyne_digest digest; /* of the whole file */
} lyne_shard_entry;

lyne_status lyne_manifest_save(const lyne_layout *l, const lyne_shard_entry *shards, const lyne_labels_error *error,
                               lyne_error *err);
/* A manifest, read.  What is in the layout lives in the arena. */
typedef struct lyne_manifest {
    lyne_arena arena;
    lyne_layout layout;
    lyne_shard_entry *shards; /* layout.n_shards, in the arena */
    lyne_labels_error error;
    const char *encoding; /* as text */
} lyne_manifest;
/** Read and check everything that can be checked without the shards.  Free the arena in any case. */
lyne_status lyne_manifest_load(const char *directory, lyne_manifest *m, lyne_error *err);

#endif
