/* labels/shard.c -- one file of records: written in one commit, mapped for reading.
 * Numbers are stored little-endian, which is how every CPU that Lyne runs on keeps them. */
#include "labels/parts.h"

#include <assert.h>
#include <float.h>
#include <stdio.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "shards are written as they lie in memory");

enum { FORMAT, FINGERPRINT, SHARD, SHARDS, N_DUE, ERROR = N_DUE };

void lyne_shard_header_init(lyne_shard_header *h, const lyne_layout *l, uint64_t shard) {
    const int64_t n = (int64_t)lyne_layout_records(l, shard);
    h->array[LYNE_SHARD_SAMPLE] = (lyne_array){.name = "sample", .dtype = LYNE_DTYPE_U64, .rank = 1, .dims = {n}};
    h->array[LYNE_SHARD_CRC] = (lyne_array){.name = "crc", .dtype = LYNE_DTYPE_U32, .rank = 1, .dims = {n}};
    h->array[LYNE_SHARD_VIEW] = (lyne_array){.name = "view", .dtype = LYNE_DTYPE_U32, .rank = 1, .dims = {n}};
    for (int i = 0; i < LYNE_SHARD_PART; i++) h->bytes[i] = lyne_dtype_size(h->array[i].dtype);
    h->n_arrays = LYNE_SHARD_PART + l->record.n_parts;
    for (int i = 0; i < l->record.n_parts; i++) {
        const lyne_part *p = &l->record.part[i];
        h->array[LYNE_SHARD_PART + i] =
            (lyne_array){.name = p->name, .dtype = p->dtype, .rank = p->width ? 2 : 1, .dims = {n, p->width}};
        h->bytes[LYNE_SHARD_PART + i] = p->bytes;
    }
    lyne_digest_print(l->fingerprint, h->fingerprint);
    snprintf(h->shard, sizeof h->shard, "%llu", (unsigned long long)shard);
    snprintf(h->shards, sizeof h->shards, "%llu", (unsigned long long)l->n_shards);
    h->metadata[FORMAT] = (lyne_pair){"lyne.format", "labels 2"};
    h->metadata[FINGERPRINT] = (lyne_pair){"lyne.fingerprint", h->fingerprint};
    h->metadata[SHARD] = (lyne_pair){"lyne.shard", h->shard};
    h->metadata[SHARDS] = (lyne_pair){"lyne.shards", h->shards};
    h->metadata[ERROR] = (lyne_pair){"lyne.error", NULL};
}

void lyne_shard_name(const lyne_layout *l, uint64_t shard, char out[LYNE_SHARD_NAME]) {
    snprintf(out, LYNE_SHARD_NAME, "labels-%05llu-of-%05llu.safetensors", (unsigned long long)shard,
             (unsigned long long)l->n_shards);
}

uint32_t lyne_record_crc(const lyne_record *r, uint64_t sample, uint32_t view, const void *const part[]) {
    unsigned char id[12];
    memcpy(id, &sample, 8);
    memcpy(id + 8, &view, 4);
    uint32_t crc = lyne_crc32c(0, id, sizeof id);
    for (int i = 0; i < r->n_parts; i++) crc = lyne_crc32c(crc, part[i], r->part[i].bytes);
    return crc;
}

/* ---- reading ---- */

/* Whether all logits of records first .. first + n - 1 are numbers: f32, f16 and bf16 store what is none as well as what
 * is, and features of a teacher's may be too large for its last layer. */
static lyne_status check_finite(const lyne_shard *s, const lyne_layout *l, uint64_t first, uint64_t n,
                                const float *logits, lyne_error *err) {
    const int64_t classes = l->record.classes;
    for (uint64_t i = 0; i < n; i++)
        if (!lyne_all_within(logits + (int64_t)i * classes, classes, FLT_MAX))
            return lyne_fail(err, LYNE_ENOTFINITE, "%s: record %llu has a logit that is not a finite number",
                             s->file.path, (unsigned long long)(first + i));
    return LYNE_OK;
}

static lyne_status check_metadata(const lyne_safetensors *file, const lyne_shard_header *h, lyne_error *err) {
    for (int i = 0; i < N_DUE; i++) {
        const char *key = h->metadata[i].key, *found = lyne_safetensors_metadata(file, key);
        if (!found || strcmp(found, h->metadata[i].value) != 0)
            return lyne_fail(err, LYNE_EDATA, "%s: %s is %s, but in this cache it must be %s", file->path, key,
                             found ? found : "missing", h->metadata[i].value);
    }
    if (!lyne_safetensors_metadata(file, "lyne.error"))
        return lyne_fail(err, LYNE_EDATA, "%s: lyne.error is missing", file->path);
    if (file->n != (size_t)h->n_arrays || file->n_metadata != LYNE_SHARD_METADATA)
        return lyne_fail(err, LYNE_EDATA, "%s: holds more than a shard of soft labels does", file->path);
    return LYNE_OK;
}

lyne_status lyne_shard_open(lyne_shard *s, const lyne_layout *l, uint64_t shard, lyne_error *err) {
    lyne_shard_header h;
    lyne_shard_header_init(&h, l, shard);
    *s = (lyne_shard){.first = shard * l->plan.records_per_shard, .n = lyne_layout_records(l, shard)};
    char name[LYNE_SHARD_NAME];
    lyne_shard_name(l, shard, name);
    char *path = lyne_layout_path(l, name);
    lyne_status status = path ? lyne_safetensors_open(&s->file, path, err) : lyne_fail_memory(err, name);
    lyne_free(path);
    if (status == LYNE_OK) status = check_metadata(&s->file, &h, err);
    const void *data[LYNE_SHARD_ARRAYS] = {0};
    for (int i = 0; status == LYNE_OK && i < h.n_arrays; i++)
        status = lyne_safetensors_get(&s->file, h.array[i].name, h.array[i].dtype, h.array[i].rank, h.array[i].dims,
                                      &data[i], err);
    if (status != LYNE_OK) {
        lyne_shard_close(s);
        return status;
    }
    s->sample = data[LYNE_SHARD_SAMPLE];
    s->crc = data[LYNE_SHARD_CRC];
    s->view = data[LYNE_SHARD_VIEW];
    for (int i = LYNE_SHARD_PART; i < h.n_arrays; i++) s->part[i - LYNE_SHARD_PART] = data[i];
    s->error = lyne_safetensors_metadata(&s->file, "lyne.error");
    return LYNE_OK;
}

void lyne_shard_close(lyne_shard *s) {
    lyne_safetensors_close(&s->file);
    *s = (lyne_shard){0};
}

lyne_status lyne_shard_tally(const lyne_shard *s, lyne_tally *out, lyne_error *err) {
    if (lyne_tally_parse(s->error, out) && out->n == s->n) return LYNE_OK;
    return lyne_fail(err, LYNE_EDATA, "%s: lyne.error is not the tally of its %llu records", s->file.path,
                     (unsigned long long)s->n);
}

void lyne_shard_parts(const lyne_shard *s, const lyne_layout *l, uint64_t i, const void *part[LYNE_ENCODING_PARTS]) {
    for (int p = 0; p < l->record.n_parts; p++) part[p] = s->part[p] + i * l->record.part[p].bytes;
}

void lyne_shard_prefetch(const lyne_shard *s, const lyne_layout *l, uint64_t i) {
    enum { LINE = 64 };
    __builtin_prefetch(s->sample + 8 * i);
    __builtin_prefetch(s->view + 4 * i);
    __builtin_prefetch(s->crc + 4 * i);
    for (int p = 0; p < l->record.n_parts; p++) {
        const size_t bytes = l->record.part[p].bytes;
        for (size_t at = 0; at < bytes; at += LINE) __builtin_prefetch(s->part[p] + i * bytes + at);
        __builtin_prefetch(s->part[p] + (i + 1) * bytes - 1);
    }
}

lyne_status lyne_shard_refuse(const lyne_shard *s, const lyne_layout *l, uint64_t i, lyne_error *err) {
    return lyne_fail(err, LYNE_EDATA, "%s: record %llu is nothing that %s stores", s->file.path, (unsigned long long)i,
                     l->record.encoding->component.name);
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
    const void *part[LYNE_ENCODING_PARTS];
    lyne_shard_parts(s, l, i, part);
    if (crc != lyne_record_crc(&l->record, sample, view, part))
        return lyne_fail(err, LYNE_EDATA,
                         "%s: record %llu (sample %llu, view %lu) fails its checksum: the file is damaged",
                         s->file.path, (unsigned long long)i, (unsigned long long)sample, (unsigned long)view);
    return LYNE_OK;
}

lyne_status lyne_shard_check_all(const lyne_shard *s, const lyne_layout *l, float *logits, lyne_error *err) {
    for (uint64_t first = 0; first < s->n; first += LYNE_HEAD_ROWS) {
        const uint64_t n = s->n - first < LYNE_HEAD_ROWS ? s->n - first : LYNE_HEAD_ROWS;
        const void *part[LYNE_HEAD_ROWS][LYNE_ENCODING_PARTS];
        for (uint64_t i = 0; i < n; i++) {
            lyne_status status = lyne_shard_check(s, l, first + i, err);
            if (status != LYNE_OK) return status;
            lyne_shard_parts(s, l, first + i, part[i]);
        }
        if (!logits) continue;
        const uint64_t good = (uint64_t)lyne_record_logits(&l->record, (int64_t)n,
                                                           (const void *const(*)[LYNE_ENCODING_PARTS])part, logits);
        const lyne_status status = check_finite(s, l, first, good, logits, err);
        if (status != LYNE_OK) return status;
        if (good < n) return lyne_shard_refuse(s, l, first + good, err);
    }
    return LYNE_OK;
}

/* ---- all of them ---- */

lyne_status lyne_shard_entry_of(const lyne_layout *l, const char *name, lyne_shard_entry *out, lyne_error *err) {
    char *path = lyne_layout_path(l, name);
    const lyne_status status =
        path ? lyne_file_digest(path, &out->digest, &out->bytes, err) : lyne_fail_memory(err, name);
    lyne_free(path);
    return status;
}

lyne_status lyne_layout_error(const lyne_layout *l, lyne_labels_error *out, lyne_error *err) {
    lyne_tally *each = lyne_alloc(1, sizeof *each), *all = lyne_alloc(1, sizeof *all);
    lyne_status status = each && all ? LYNE_OK : lyne_fail_memory(err, "the error of soft labels");
    for (uint64_t i = l->first_shard; status == LYNE_OK && i < l->end_shard; i++) {
        lyne_shard s;
        if ((status = lyne_shard_open(&s, l, i, err)) != LYNE_OK) break;
        if ((status = lyne_shard_tally(&s, each, err)) == LYNE_OK) lyne_tally_add(all, each);
        lyne_shard_close(&s);
    }
    if (status == LYNE_OK) *out = lyne_tally_error(all);
    lyne_free(each);
    lyne_free(all);
    return status;
}
