/* data/loader.c -- samples of a batch: which one, which view, and its pixels or tokens.  Each is made by one thread from its
 * coordinates alone, so the threads have nothing to agree on. */
#include "data/loader.h"
#include "component/config.h"

#include <omp.h>
#include <string.h>

/* Fewer bytes than this are made by one thread: waking the others takes longer. */
enum { PARALLEL_BYTES = 32768 };

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
    l->scratch = lyne_alloc((size_t)l->n_threads, 2 * picture_bytes(dataset) + 1);
    return l->scratch ? LYNE_OK : lyne_fail_memory(err, "the loader's pictures");
}

void lyne_loader_deinit(lyne_loader *l) {
    if (!l) return;
    lyne_free(l->scratch);
    *l = (lyne_loader){0};
}

/* The augmentations one after the other: from the data set through the two scratch pictures in turn, the last into dst.
 * All of them draw from one stream. */
static void show(const lyne_loader *l, uint64_t sample, uint32_t view, uint8_t *scratch, uint8_t *dst) {
    const lyne_dataset *d = l->dataset;
    size_t bytes = picture_bytes(d);
    const uint8_t *src = d->pictures + sample * bytes;
    if (l->augment.n == 0) {
        memcpy(dst, src, bytes);
        return;
    }
    lyne_picture_size size = {.channels = d->channels, .height = d->height, .width = d->width};
    lyne_stream stream = lyne_stream_at(l->view_seed, LYNE_FOR_AUGMENT, view, sample);
    for (size_t i = 0; i < l->augment.n; i++) {
        const lyne_instance *a = &l->augment.item[i];
        uint8_t *to = i + 1 == l->augment.n ? dst : scratch + i % 2 * bytes;
        ((const lyne_augmentation *)a->row)->apply(a->config, size, &stream, src, to);
        src = to;
    }
}

static void fill_row(const lyne_loader *l, const lyne_batch *b, int64_t row, uint64_t sample, uint32_t view,
                     uint8_t *scratch) {
    const lyne_dataset *d = l->dataset;
    const int64_t rows = lyne_sequence_rows(&d->sequence), length = d->sequence.length;
    for (int64_t k = 0; k < rows; k++) {
        const uint64_t id = sample * (uint64_t)rows + (uint64_t)k;
        if (b->sample) b->sample[row * rows + k] = id;
        if (b->view) b->view[row * rows + k] = view;
        if (b->label) b->label[row * rows + k] = d->labels[id];
    }
    if (!b->picture) return;
    if (length)
        for (int64_t k = 0; k < length; k++)
            ((int32_t *)b->picture)[row * length + k] = d->tokens[sample * (uint64_t)length + (uint64_t)k];
    else
        show(l, sample, view, scratch, (uint8_t *)b->picture + (size_t)row * picture_bytes(d));
}

static bool worth_threads(const lyne_loader *l, const lyne_batch *b) {
    return b->picture && (size_t)b->n * picture_bytes(l->dataset) >= PARALLEL_BYTES;
}

static uint8_t *my_scratch(const lyne_loader *l) {
    return l->scratch + (size_t)omp_get_thread_num() * 2 * picture_bytes(l->dataset);
}

void lyne_loader_training(const lyne_loader *l, uint64_t position, lyne_batch *b) {
    uint64_t n = (uint64_t)l->dataset->n;
#pragma omp parallel for schedule(static) num_threads(l->n_threads) if (worth_threads(l, b))
    for (int64_t row = 0; row < b->n; row++) {
        uint64_t p = position + (uint64_t)row, epoch = p / n;
        uint32_t view = (uint32_t)(l->views ? epoch % l->views : epoch);
        fill_row(l, b, row, lyne_permute(l->order_seed, (uint32_t)epoch, n, p % n), view, my_scratch(l));
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
    for (size_t i = 0; i < l->augment.n; i++) lyne_instance_hash(&h, &l->augment.item[i]);
    return lyne_hash_finish(&h);
}
