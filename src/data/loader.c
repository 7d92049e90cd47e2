/* data/loader.c -- samples of a batch: which one, which view, and its pixels or tokens.  Each is made by one thread from its
 * coordinates alone, so the threads have nothing to agree on. */
#include "data/loader.h"
#include "component/config.h"

#include <omp.h>
#include <string.h>

/* Fewer bytes than this are made by one thread: waking the others takes longer. */
enum { PARALLEL_BYTES = 32768 };

enum { SCRATCH_PICTURES = 4 /* of each thread: two in turn, the sample's and its partner's before they are mixed */ };

static size_t picture_bytes(const lyne_dataset *d) {
    return (size_t)(d->height * d->width * d->channels);
}

lyne_status lyne_loader_init(lyne_loader *l, const lyne_dataset *dataset, uint64_t order_seed, uint64_t view_seed,
                             uint32_t views, lyne_instances augment, lyne_error *err) {
    if (augment.n && dataset->sequence.length)
        return lyne_fail(err, LYNE_ERECIPE, "augment: %s is for pictures, and '%s' has none", augment.item[0].row->name,
                         dataset->name);
    *l = (lyne_loader){.dataset = dataset,
                       .order_seed = order_seed,
                       .view_seed = view_seed,
                       .views = views,
                       .augment = augment,
                       .n_threads = omp_get_max_threads()};
    l->scratch = lyne_alloc((size_t)l->n_threads, SCRATCH_PICTURES * picture_bytes(dataset) + 1);
    return l->scratch ? LYNE_OK : lyne_fail_memory(err, "the loader's pictures");
}

void lyne_loader_deinit(lyne_loader *l) {
    if (!l) return;
    lyne_free(l->scratch);
    *l = (lyne_loader){0};
}

static lyne_picture_size picture_size(const lyne_dataset *d) {
    return (lyne_picture_size){.channels = d->channels, .height = d->height, .width = d->width};
}

/* The first n augmentations one after the other: from the data set through the two scratch pictures in turn, the last
 * into dst.  All of them draw from one stream. */
static void show_one(const lyne_loader *l, uint64_t sample, size_t n, lyne_stream stream, uint8_t *scratch,
                     uint8_t *dst) {
    const size_t bytes = picture_bytes(l->dataset);
    const uint8_t *src = l->dataset->pictures + sample * bytes;
    if (n == 0) memcpy(dst, src, bytes);
    for (size_t i = 0; i < n; i++) {
        const lyne_instance *a = &l->augment.item[i];
        uint8_t *to = i + 1 == n ? dst : scratch + i % 2 * bytes;
        ((const lyne_augmentation *)a->row)->apply(a->config, picture_size(l->dataset), &stream, src, to);
        src = to;
    }
}

/* A view: the sample after the augmentations of one picture, and what is mixed into it after the same ones.  picture
 * NULL: not wanted.  Returns the sample's share. */
static int32_t show(const lyne_loader *l, uint64_t sample, uint32_t view, lyne_mix *mix, uint8_t *scratch,
                    uint8_t *picture) {
    const size_t bytes = picture_bytes(l->dataset), n = l->augment.n - lyne_count_mixing(l->augment);
    uint8_t *own = mix->how ? scratch + 2 * bytes : picture, *partner = scratch + 3 * bytes;
    if (picture) show_one(l, sample, n, lyne_stream_at(l->view_seed, LYNE_FOR_AUGMENT, view, sample), scratch, own);
    if (!mix->how) return LYNE_WHOLE;
    if (picture)
        show_one(l, mix->partner, n, lyne_stream_at(l->view_seed, LYNE_FOR_PARTNER, view, sample), scratch, partner);
    return ((const lyne_augmentation *)mix->how->row)
        ->mix(mix->how->config, picture_size(l->dataset), &mix->stream, own, partner, picture);
}

static void tokens_of(const lyne_dataset *d, uint64_t sample, int32_t *token) {
    const uint16_t *from = d->tokens + (int64_t)sample * d->sequence.length;
    for (int64_t k = 0; k < d->sequence.length; k++) token[k] = from[k];
}

static void fill_row(const lyne_loader *l, const lyne_batch *b, int64_t row, uint64_t sample, uint32_t view,
                     uint8_t *scratch) {
    const lyne_dataset *d = l->dataset;
    const int64_t rows = lyne_sequence_rows(&d->sequence);
    for (int64_t k = 0; k < rows; k++) {
        const uint64_t id = sample * (uint64_t)rows + (uint64_t)k;
        if (b->sample) b->sample[row * rows + k] = id;
        if (b->view) b->view[row * rows + k] = view;
        if (b->label) b->label[row * rows + k] = d->labels[id];
    }
    if (d->sequence.length) {
        if (b->picture) tokens_of(d, sample, (int32_t *)b->picture + row * d->sequence.length);
        return;
    }
    uint8_t *picture = b->picture ? (uint8_t *)b->picture + (size_t)row * picture_bytes(d) : NULL;
    if (!picture && !b->mix) return;
    const uint64_t partners = (uint64_t)(l->partners ? l->partners->n : d->n);
    lyne_mix mix = lyne_mix_draw(l->augment, l->view_seed, sample, view, partners);
    if (l->partners) mix.partner = l->partners->id[mix.partner];
    const int32_t share = show(l, sample, view, &mix, scratch, picture);
    if (b->mix) {
        b->mix[2 * row] = d->labels[mix.how ? mix.partner : sample];
        b->mix[2 * row + 1] = share;
    }
}

static bool worth_threads(const lyne_loader *l, const lyne_batch *b) {
    return b->picture && (size_t)b->n * picture_bytes(l->dataset) >= PARALLEL_BYTES;
}

static uint8_t *my_scratch(const lyne_loader *l) {
    return l->scratch + (size_t)omp_get_thread_num() * SCRATCH_PICTURES * picture_bytes(l->dataset);
}

int64_t lyne_loader_shown(const lyne_loader *l) {
    return l->only ? l->only->n : l->dataset->n;
}

void lyne_loader_training(const lyne_loader *l, uint64_t position, lyne_batch *b) {
    uint64_t n = (uint64_t)lyne_loader_shown(l);
#pragma omp parallel for schedule(static) num_threads(l->n_threads) if (worth_threads(l, b))
    for (int64_t row = 0; row < b->n; row++) {
        uint64_t p = position + (uint64_t)row, epoch = p / n;
        uint32_t view = (uint32_t)(l->views ? epoch % l->views : epoch);
        uint64_t sample = lyne_permute(l->order_seed, (uint32_t)epoch, n, p % n);
        if (l->only) sample = l->only->id[sample];
        fill_row(l, b, row, sample, view, my_scratch(l));
    }
}

void lyne_loader_records(const lyne_loader *l, uint64_t first, lyne_batch *b) {
    uint64_t views = l->views ? l->views : 1, last = (uint64_t)l->dataset->n * views - 1;
#pragma omp parallel for schedule(static) num_threads(l->n_threads) if (worth_threads(l, b))
    for (int64_t row = 0; row < b->n; row++) {
        uint64_t record = first + (uint64_t)row < last ? first + (uint64_t)row : last;
        fill_row(l, b, row, record / views, (uint32_t)(record % views), my_scratch(l));
    }
}

lyne_digest lyne_loader_views_digest(const lyne_loader *l) {
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_hash_text(&h, l->augment.n ? "views" : "none");
    if (l->augment.n) {
        lyne_hash_u64(&h, l->view_seed);
        lyne_hash_u64(&h, l->views);
    }
    if (l->partners && lyne_count_mixing(l->augment))
        lyne_hash_bytes(&h, l->partners->id, (size_t)l->partners->n * sizeof *l->partners->id);
    for (size_t i = 0; i < l->augment.n; i++) lyne_instance_hash(&h, &l->augment.item[i]);
    return lyne_hash_finish(&h);
}
