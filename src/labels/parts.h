/* labels/parts.h -- what the writer and the reader of a cache share: the layout, a shard, the manifest.
 * src/labels/README.md describes the files. */
#ifndef LYNE_LABELS_PARTS_H
#define LYNE_LABELS_PARTS_H

#include "formats/safetensors.h"
#include "labels/writer.h"

enum { LYNE_LABELS_VERSION = 1, LYNE_MAX_SHARDS = 100000, LYNE_SHARD_NAME = 40 };

/* A plan and what follows from it. */
typedef struct lyne_layout {
    lyne_labels_plan plan;
    uint64_t n_records; /* samples * views                        */
    uint64_t n_shards;
    size_t stored;           /* bytes of the logits of one record           */
    lyne_digest fingerprint; /* of everything in the plan but the directory */
} lyne_layout;

/** Refuses (LYNE_EDATA) what has no records, overflows or needs more than LYNE_MAX_SHARDS shards.
 *  plan->directory is borrowed. */
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

/* ---- a shard: the arrays of its records; those of a file lie in its map, at any address ---- */

typedef struct lyne_shard {
    lyne_safetensors file;
    uint64_t first, n; /* records */
    const unsigned char *sample, *view, *logits, *crc;
} lyne_shard;

/** "labels-00003-of-00008.safetensors" */
void lyne_shard_name(const lyne_layout *l, uint64_t shard, char out[LYNE_SHARD_NAME]);
/** Map a shard and check all but its records: arrays, shapes, whose and which shard it says it is. */
lyne_status lyne_shard_open(lyne_shard *s, const lyne_layout *l, uint64_t shard, lyne_error *err);
void lyne_shard_close(lyne_shard *s);
/** That record `first + i` is the one due there and fits its checksum. */
lyne_status lyne_shard_check(const lyne_shard *s, const lyne_layout *l, uint64_t i, lyne_error *err);
/** CRC-32C over sample, view and stored logits. */
uint32_t lyne_record_crc(uint64_t sample, uint32_t view, const void *logits, size_t stored);
/** Commit a shard from its arrays. */
lyne_status lyne_shard_write(const lyne_layout *l, uint64_t shard, const uint64_t *sample, const uint32_t *view,
                             const void *logits, const uint32_t *crc, lyne_error *err);

/* ---- the manifest ---- */

/* What it says of each shard. */
typedef struct lyne_shard_entry {
    uint64_t bytes;
    lyne_digest digest; /* of the whole file */
} lyne_shard_entry;

lyne_status lyne_manifest_save(const lyne_layout *l, const lyne_shard_entry *shards, lyne_error *err);
/** Read and check everything that can be checked without the shards.  Caller frees *shards with lyne_free. */
lyne_status lyne_manifest_load(const char *directory, lyne_layout *l, lyne_shard_entry **shards, lyne_error *err);

#endif
