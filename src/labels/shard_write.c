/* labels/shard_write.c -- a shard being written.
 *
 * Its arrays stand one behind the other in the file, behind a header that has the tally of all records, so nothing of it
 * can be written before the last record is known.  The records wait in memory or, where they are too many for it, in a
 * file without a name, each array at the place it will have relative to the first. */
#include "labels/parts.h"

#include <string.h>

lyne_status lyne_shard_writer_init(lyne_shard_writer *w, const lyne_layout *l, lyne_error *err) {
    *w = (lyne_shard_writer){.layout = l};
    lyne_shard_header_init(&w->header, l, 0);
    w->n = lyne_layout_records(l, 0);
    w->room = lyne_layout_waiting(l);
    w->in_memory = w->room == w->n;
    bool good = true;
    for (int i = 0; i < w->header.n_arrays; i++) {
        w->column[i] = lyne_alloc(w->room, w->header.bytes[i]);
        good = good && w->column[i];
    }
    char name[LYNE_SHARD_NAME + 8];
    lyne_shard_name(l, l->first_shard, name); /* no other writer's */
    strcat(name, ".room");
    char *path = lyne_layout_path(l, name);
    lyne_status status = good && path ? LYNE_OK : lyne_fail_memory(err, "soft labels");
    if (status == LYNE_OK && !w->in_memory) status = lyne_spool_open(&w->file, path, err);
    lyne_free(path);
    if (status != LYNE_OK) lyne_shard_writer_deinit(w);
    return status;
}

void lyne_shard_writer_deinit(lyne_shard_writer *w) {
    if (!w) return;
    for (int i = 0; i < LYNE_SHARD_ARRAYS; i++) lyne_free(w->column[i]);
    lyne_spool_close(&w->file);
    *w = (lyne_shard_writer){0};
}

void lyne_shard_writer_start(lyne_shard_writer *w, uint64_t shard) {
    lyne_shard_header_init(&w->header, w->layout, shard);
    w->n = lyne_layout_records(w->layout, shard);
    w->flushed = w->buffered = 0;
}

uint64_t lyne_shard_writer_room(const lyne_shard_writer *w) {
    const uint64_t left = w->n - w->flushed - w->buffered, room = w->room - w->buffered;
    return left < room ? left : room;
}

void lyne_shard_writer_parts(const lyne_shard_writer *w, uint64_t i, void *part[LYNE_ENCODING_PARTS]) {
    for (int p = LYNE_SHARD_PART; p < w->header.n_arrays; p++)
        part[p - LYNE_SHARD_PART] = w->column[p] + (w->buffered + i) * w->header.bytes[p];
}

void lyne_shard_writer_seal(lyne_shard_writer *w, uint64_t i, uint64_t record) {
    const uint64_t at = w->buffered + i, sample = record / w->layout->plan.views;
    const uint32_t view = (uint32_t)(record % w->layout->plan.views);
    void *part[LYNE_ENCODING_PARTS];
    lyne_shard_writer_parts(w, i, part);
    const uint32_t crc = lyne_record_crc(&w->layout->record, sample, view, (const void *const *)part);
    memcpy(w->column[LYNE_SHARD_SAMPLE] + at * sizeof sample, &sample, sizeof sample);
    memcpy(w->column[LYNE_SHARD_CRC] + at * sizeof crc, &crc, sizeof crc);
    memcpy(w->column[LYNE_SHARD_VIEW] + at * sizeof view, &view, sizeof view);
}

/* What is in memory into the file. */
static lyne_status flush(lyne_shard_writer *w, lyne_error *err) {
    uint64_t array = 0; /* where it begins */
    lyne_status status = LYNE_OK;
    for (int i = 0; status == LYNE_OK && i < w->header.n_arrays; i++) {
        const size_t bytes = w->header.bytes[i];
        status = lyne_spool_write(&w->file, array + w->flushed * bytes, w->column[i], w->buffered * bytes, err);
        array += w->n * bytes;
    }
    w->flushed += w->buffered;
    w->buffered = 0;
    return status;
}

lyne_status lyne_shard_writer_add(lyne_shard_writer *w, uint64_t n, lyne_error *err) {
    w->buffered += n;
    if (w->in_memory) return LYNE_OK;
    return w->buffered == w->room || w->flushed + w->buffered == w->n ? flush(w, err) : LYNE_OK;
}

static lyne_status copy(lyne_shard_writer *w, lyne_safetensors_writer *to, lyne_error *err) {
    unsigned char piece[1 << 16];
    const uint64_t bytes = w->n * (w->layout->record.bytes + LYNE_RECORD_ID);
    lyne_status status = LYNE_OK;
    if (w->in_memory) {
        for (int i = 0; status == LYNE_OK && i < w->header.n_arrays; i++)
            status = lyne_safetensors_append(to, w->column[i], w->n * w->header.bytes[i], err);
        return status;
    }
    for (uint64_t at = 0; status == LYNE_OK && at < bytes; at += sizeof piece) {
        const size_t n = bytes - at < sizeof piece ? (size_t)(bytes - at) : sizeof piece;
        status = lyne_spool_read(&w->file, at, piece, n, err);
        if (status == LYNE_OK) status = lyne_safetensors_append(to, piece, n, err);
    }
    return status;
}

lyne_status lyne_shard_writer_commit(lyne_shard_writer *w, uint64_t shard, const char *error, lyne_shard_entry *out,
                                     lyne_error *err) {
    char name[LYNE_SHARD_NAME];
    lyne_safetensors_writer to = {0};
    w->header.metadata[LYNE_SHARD_METADATA - 1].value = error;
    lyne_shard_name(w->layout, shard, name);
    char *path = lyne_layout_path(w->layout, name);
    lyne_status status = path ? lyne_safetensors_begin(&to, path, w->header.array, (size_t)w->header.n_arrays,
                                                       w->header.metadata, LYNE_SHARD_METADATA, err)
                              : lyne_fail_memory(err, name);
    if (status == LYNE_OK) status = copy(w, &to, err);
    *out = (lyne_shard_entry){.bytes = to.file.size};
    if (status == LYNE_OK) out->digest = lyne_hash_finish(&to.file.hash);
    if (status == LYNE_OK) status = lyne_safetensors_finish(&to, err);
    lyne_safetensors_abort(&to);
    lyne_free(path);
    return status;
}
