/* labels/parts.h -- what the writer and the reader of a cache share: the layout, a shard, the manifest.
 * src/labels/README.md describes the files. */
#ifndef LYNE_LABELS_PARTS_H
#define LYNE_LABELS_PARTS_H

#include "formats/safetensors.h"
#include "labels/tally.h"
#include "labels/writer.h"

enum { LYNE_LABELS_VERSION = 2, LYNE_SHARD_NAME = 40, LYNE_RECORD_ID = 16 /* bytes */ };
enum { LYNE_MAX_SHARDS = 30000 };     /* a manifest lists them, and is to be read in 16 MiB and 4 times its size */
enum { LYNE_MOST_CLASSES = 1 << 18 }; /* a record of 20 bytes may be of so many, and is decoded to a number for each */
#define LYNE_HEAD_NAME "head.safetensors"

/* A plan and what follows from it. */
typedef struct lyne_layout {
    lyne_labels_plan plan;
    uint64_t n_records; /* samples * views                        */
    uint64_t n_shards;
    uint64_t first_shard, end_shard; /* of the part; all: 0 and n_shards        */
    lyne_record record;              /* what is stored of one                       */
    lyne_digest fingerprint;         /* of everything in the plan but the directory */
} lyne_layout;

/** Refuses (LYNE_EDATA) what has no records, overflows, or needs more than LYNE_MAX_SHARDS shards or LYNE_MOST_CLASSES.
 *  plan->directory and the encoding's config are borrowed. */
lyne_status lyne_layout_init(lyne_layout *l, const lyne_labels_plan *plan, lyne_error *err);
/** Records in a shard: records_per_shard, or what is left for the last. */
uint64_t lyne_layout_records(const lyne_layout *l, uint64_t shard);
/** How many of a shard wait in memory until it is put together. */
uint64_t lyne_layout_waiting(const lyne_layout *l);
/** The part as the plan has it: what else follows is for all parts the same.  LYNE_EUSAGE if there is no such part. */
lyne_status lyne_layout_part(lyne_layout *l, uint32_t part, uint32_t n_parts, lyne_error *err);
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
/** Where the parts of a record that is there lie, unchecked. */
void lyne_labels_parts(const lyne_labels *labels, uint64_t record, const void *part[LYNE_ENCODING_PARTS]);

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
/** Where the parts of record `first + i` lie. */
void lyne_shard_parts(const lyne_shard *s, const lyne_layout *l, uint64_t i, const void *part[LYNE_ENCODING_PARTS]);
/** Record `first + i` will be read soon. */
void lyne_shard_prefetch(const lyne_shard *s, const lyne_layout *l, uint64_t i);
/** Record `first + i` cannot be decoded, though its checksum is right. */
lyne_status lyne_shard_refuse(const lyne_shard *s, const lyne_layout *l, uint64_t i, lyne_error *err);
/** Every record, and that each can be decoded (logits NULL: unasked), to numbers: LYNE_ENOTFINITE; logits (LYNE_HEAD_ROWS,
 *  classes) are scratch. */
lyne_status lyne_shard_check_all(const lyne_shard *s, const lyne_layout *l, float *logits, lyne_error *err);
/** CRC-32C over sample, view and the parts of a record. */
uint32_t lyne_record_crc(const lyne_record *r, uint64_t sample, uint32_t view, const void *const part[]);

/* What must be in the header of a shard, and nothing else. */
enum { LYNE_SHARD_SAMPLE, LYNE_SHARD_CRC, LYNE_SHARD_VIEW, LYNE_SHARD_PART };
enum { LYNE_SHARD_ARRAYS = LYNE_SHARD_PART + LYNE_ENCODING_PARTS, LYNE_SHARD_METADATA = 5 };
typedef struct lyne_shard_header {
    lyne_array array[LYNE_SHARD_ARRAYS]; /* widest first, so that each is aligned */
    int n_arrays;
    size_t bytes[LYNE_SHARD_ARRAYS];         /* of one record in each             */
    lyne_pair metadata[LYNE_SHARD_METADATA]; /* the last is lyne.error, without a value */
    char fingerprint[LYNE_DIGEST_TEXT], shard[24], shards[24];
} lyne_shard_header;
void lyne_shard_header_init(lyne_shard_header *h, const lyne_layout *l, uint64_t shard);

/* What the manifest says of a file. */
typedef struct lyne_shard_entry {
    uint64_t bytes;
    lyne_digest digest; /* of the whole */
} lyne_shard_entry;

/* ---- a shard being written: in memory; of one that has too much for it, the last records, and the others in a file
 * without a name ---- */

typedef struct lyne_shard_writer {
    const lyne_layout *layout;
    lyne_shard_header header;
    uint64_t n, flushed, buffered, room;      /* records: of the shard, in the file, in memory, that memory holds */
    unsigned char *column[LYNE_SHARD_ARRAYS]; /* (room) of each array  */
    bool in_memory;                           /* all of it             */
    lyne_spool file;                          /* if not                */
} lyne_shard_writer;
lyne_status lyne_shard_writer_init(lyne_shard_writer *w, const lyne_layout *l, lyne_error *err);
void lyne_shard_writer_deinit(lyne_shard_writer *w); /* NULL and zeroed are fine */
/** Start with a shard; what was written of another is forgotten. */
void lyne_shard_writer_start(lyne_shard_writer *w, uint64_t shard);
/** How many records lyne_shard_writer_put may put before the next add. */
uint64_t lyne_shard_writer_room(const lyne_shard_writer *w);
/** Where the parts of the i-th record from now go, then its number.  Safe from several threads for several i. */
void lyne_shard_writer_parts(const lyne_shard_writer *w, uint64_t i, void *part[LYNE_ENCODING_PARTS]);
void lyne_shard_writer_seal(lyne_shard_writer *w, uint64_t i, uint64_t record);
/** n records have been put. */
lyne_status lyne_shard_writer_add(lyne_shard_writer *w, uint64_t n, lyne_error *err);
/** Commit, all records being there; *out: what has been written. */
lyne_status lyne_shard_writer_commit(lyne_shard_writer *w, uint64_t shard, const char *error, lyne_shard_entry *out,
                                     lyne_error *err);

/* ---- the manifest ---- */

/** Read a file for its entry. */
lyne_status lyne_shard_entry_of(const lyne_layout *l, const char *name, lyne_shard_entry *out, lyne_error *err);
/** What the shards of the part say of their errors, added up in their order; they are opened for it. */
lyne_status lyne_layout_error(const lyne_layout *l, lyne_labels_error *out, lyne_error *err);

/** "manifest.json", or of a part "part-00003-of-00016.json". */
void lyne_manifest_name(uint32_t part, uint32_t n_parts, char out[LYNE_SHARD_NAME]);
/** Whether a file is the manifest of a part, of which. */
bool lyne_manifest_named(const char *name, uint32_t *part, uint32_t *n_parts);

/** What a file of a cache is by its name, which says all of it: anything else in the folder is somebody else's. */
typedef struct lyne_cache_file {
    enum { LYNE_NO_CACHE_FILE, LYNE_CACHE_SHARD, LYNE_CACHE_MANIFEST, LYNE_CACHE_PART, LYNE_CACHE_HEAD } kind;
    bool torn;      /* not committed                              */
    uint64_t at, n; /* shard `at` of n, from 0; part `at` of n, from 1 */
} lyne_cache_file;
lyne_cache_file lyne_cache_file_named(const char *name);
/** Of the layout's part; shards has all, of which those of the part are read.  head: of an encoding of features. */
lyne_status lyne_manifest_save(const lyne_layout *l, const lyne_shard_entry *shards, const lyne_shard_entry *head,
                               const lyne_labels_error *error, lyne_error *err);
/* A manifest, read.  What is in the layout lives in the arena. */
typedef struct lyne_manifest {
    lyne_arena arena;
    lyne_layout layout;
    lyne_shard_entry *shards; /* layout.n_shards, in the arena; those of other parts are zero */
    lyne_shard_entry head;    /* of an encoding of features */
    lyne_labels_error error;
    const char *encoding; /* as text */
} lyne_manifest;
/** Read and check everything that can be checked without the shards.  Part 0 of 0: that of all.  Free the arena in any
 *  case. */
lyne_status lyne_manifest_load(const char *directory, uint32_t part, uint32_t n_parts, lyne_manifest *m,
                               lyne_error *err);
/** The layer behind the features, checked against its entry. */
lyne_status lyne_manifest_head(const lyne_manifest *m, lyne_head *out, lyne_error *err);

#endif
