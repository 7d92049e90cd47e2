/* labels/shard.c -- one file of records: written in one commit, mapped for reading.
 * Numbers are stored little-endian, which is how every CPU that Lyne runs on keeps them. */
#include "labels/parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "shards are written as they lie in memory");

enum { SAMPLE, CRC, VIEW, LOGITS, N_ARRAYS };
enum { FORMAT, FINGERPRINT, SHARD, SHARDS, N_METADATA };

/* What must be in the header of a shard, and nothing else. */
typedef struct header {
    lyne_array array[N_ARRAYS]; /* widest first, so that each is aligned */
    lyne_pair metadata[N_METADATA];
    char fingerprint[LYNE_DIGEST_TEXT], shard[24], shards[24];
} header;

static void make_header(header *h, const lyne_layout *l, uint64_t shard) {
    int64_t n = (int64_t)lyne_layout_records(l, shard);
    lyne_dtype logits = LYNE_DTYPE_F32;
    lyne_dtype_named(l->plan.encoding->dtype, &logits);
    h->array[SAMPLE] = (lyne_array){.name = "sample", .dtype = LYNE_DTYPE_U64, .rank = 1, .dims = {n}};
    h->array[CRC] = (lyne_array){.name = "crc", .dtype = LYNE_DTYPE_U32, .rank = 1, .dims = {n}};
    h->array[VIEW] = (lyne_array){.name = "view", .dtype = LYNE_DTYPE_U32, .rank = 1, .dims = {n}};
    h->array[LOGITS] = (lyne_array){.name = "logits", .dtype = logits, .rank = 2, .dims = {n, l->plan.classes}};
    lyne_digest_print(l->fingerprint, h->fingerprint);
    snprintf(h->shard, sizeof h->shard, "%llu", (unsigned long long)shard);
    snprintf(h->shards, sizeof h->shards, "%llu", (unsigned long long)l->n_shards);
    h->metadata[FORMAT] = (lyne_pair){"lyne.format", "labels 1"};
    h->metadata[FINGERPRINT] = (lyne_pair){"lyne.fingerprint", h->fingerprint};
    h->metadata[SHARD] = (lyne_pair){"lyne.shard", h->shard};
    h->metadata[SHARDS] = (lyne_pair){"lyne.shards", h->shards};
}

void lyne_shard_name(const lyne_layout *l, uint64_t shard, char out[LYNE_SHARD_NAME]) {
    snprintf(out, LYNE_SHARD_NAME, "labels-%05llu-of-%05llu.safetensors", (unsigned long long)shard,
             (unsigned long long)l->n_shards);
}

uint32_t lyne_record_crc(uint64_t sample, uint32_t view, const void *logits, size_t stored) {
    unsigned char id[12];
    memcpy(id, &sample, 8);
    memcpy(id + 8, &view, 4);
    return lyne_crc32c(lyne_crc32c(0, id, sizeof id), logits, stored);
}

/* ---- writing ---- */

lyne_status lyne_shard_write(const lyne_layout *l, uint64_t shard, const uint64_t *sample, const uint32_t *view,
                             const void *logits, const uint32_t *crc, lyne_error *err) {
    header h;
    make_header(&h, l, shard);
    const void *const data[N_ARRAYS] = {[SAMPLE] = sample, [CRC] = crc, [VIEW] = view, [LOGITS] = logits};
    char name[LYNE_SHARD_NAME];
    lyne_shard_name(l, shard, name);
    char *path = lyne_layout_path(l, name);
    lyne_safetensors_writer w = {0};
    lyne_status status = path ? lyne_safetensors_begin(&w, path, h.array, N_ARRAYS, h.metadata, N_METADATA, err)
                              : lyne_fail_memory(err, name);
    for (int i = 0; status == LYNE_OK && i < N_ARRAYS; i++) {
        size_t bytes;
        lyne_array_size(h.array[i].dtype, h.array[i].rank, h.array[i].dims, &bytes); /* begin has checked it */
        status = lyne_safetensors_append(&w, data[i], bytes, err);
    }
    if (status == LYNE_OK) status = lyne_safetensors_finish(&w, err);
    lyne_safetensors_abort(&w);
    lyne_free(path);
    return status;
}

/* ---- reading ---- */

static lyne_status check_metadata(const lyne_safetensors *file, const header *h, lyne_error *err) {
    for (int i = 0; i < N_METADATA; i++) {
        const char *key = h->metadata[i].key, *found = lyne_safetensors_metadata(file, key);
        if (!found || strcmp(found, h->metadata[i].value) != 0)
            return lyne_fail(err, LYNE_EDATA, "%s: %s is %s, but in this cache it must be %s", file->path, key,
                             found ? found : "missing", h->metadata[i].value);
    }
    if (file->n != N_ARRAYS || file->n_metadata != N_METADATA)
        return lyne_fail(err, LYNE_EDATA, "%s: holds more than a shard of soft labels does", file->path);
    return LYNE_OK;
}

lyne_status lyne_shard_open(lyne_shard *s, const lyne_layout *l, uint64_t shard, lyne_error *err) {
    header h;
    make_header(&h, l, shard);
    *s = (lyne_shard){.first = shard * l->plan.records_per_shard, .n = lyne_layout_records(l, shard)};
    char name[LYNE_SHARD_NAME];
    lyne_shard_name(l, shard, name);
    char *path = lyne_layout_path(l, name);
    lyne_status status = path ? lyne_safetensors_open(&s->file, path, err) : lyne_fail_memory(err, name);
    lyne_free(path);
    if (status == LYNE_OK) status = check_metadata(&s->file, &h, err);
    const void *data[N_ARRAYS] = {0};
    for (int i = 0; status == LYNE_OK && i < N_ARRAYS; i++)
        status = lyne_safetensors_get(&s->file, h.array[i].name, h.array[i].dtype, h.array[i].rank, h.array[i].dims,
                                      &data[i], err);
    if (status != LYNE_OK) {
        lyne_shard_close(s);
        return status;
    }
    s->sample = data[SAMPLE];
    s->crc = data[CRC];
    s->view = data[VIEW];
    s->logits = data[LOGITS];
    return LYNE_OK;
}

void lyne_shard_close(lyne_shard *s) {
    lyne_safetensors_close(&s->file);
    *s = (lyne_shard){0};
}

lyne_status lyne_shard_check(const lyne_shard *s, const lyne_layout *l, uint64_t i, lyne_error *err) {
    uint64_t sample, due_sample = (s->first + i) / l->plan.views;
    uint32_t view, crc, due_view = (uint32_t)((s->first + i) % l->plan.views);
    memcpy(&sample, s->sample + 8 * i, 8);
    memcpy(&view, s->view + 4 * i, 4);
    memcpy(&crc, s->crc + 4 * i, 4);
    if (sample != due_sample || view != due_view)
        return lyne_fail(err, LYNE_EDATA,
                         "%s: record %llu is sample %llu, view %lu, but sample %llu, view %lu is due there",
                         s->file.path, (unsigned long long)i, (unsigned long long)sample, (unsigned long)view,
                         (unsigned long long)due_sample, (unsigned long)due_view);
    if (crc != lyne_record_crc(sample, view, s->logits + i * l->stored, l->stored))
        return lyne_fail(err, LYNE_EDATA,
                         "%s: record %llu (sample %llu, view %lu) fails its checksum: the file is damaged",
                         s->file.path, (unsigned long long)i, (unsigned long long)sample, (unsigned long)view);
    return LYNE_OK;
}
