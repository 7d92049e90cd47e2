/* check/samples.c -- see samples.h. */
#include "check/samples.h"
#include "base/memory.h"
#include "base/random.h"
#include "check/row.h"
#include "data/dataset.h"
#include <stdio.h>
#include <string.h>

/* ---- data sets ---- */

/* Opened twice it must be the same. */
static lyne_status open_twice(lyne_dataset *d, const lyne_format *format, const void *config, lyne_split split,
                              const lyne_data_paths *paths, lyne_error *err) {
    lyne_dataset again;
    lyne_status status = lyne_dataset_open(d, format, config, split, paths, err);
    if (status != LYNE_OK) return status;
    status = lyne_dataset_open(&again, format, config, split, paths, err);
    if (status != LYNE_OK) return status;
    if (!lyne_digest_equal(d->digest, again.digest))
        status = lyne_fail(err, LYNE_EDATA, "%s samples: opened twice they are not the same", lyne_split_name(split));
    lyne_dataset_close(&again);
    return status;
}

static const char *difference(const lyne_dataset *a, const lyne_dataset *b) {
    if (a->channels != b->channels || a->height != b->height || a->width != b->width) return "of another size";
    if (a->sequence.length != b->sequence.length || a->sequence.vocabulary != b->sequence.vocabulary ||
        a->sequence.labelled != b->sequence.labelled)
        return "other sequences";
    return a->n_classes != b->n_classes ? "of another number of classes" : NULL;
}

static void describe(const lyne_dataset *train, const lyne_dataset *test, char *told) {
    const int n = snprintf(told, LYNE_CHECK_TOLD, "%lld training and %lld test samples, ", (long long)train->n,
                           (long long)test->n);
    char *rest = told + n;
    const size_t room = LYNE_CHECK_TOLD - (size_t)n;
    if (train->sequence.length)
        snprintf(rest, room, "%lld tokens below %lld each, %lld classes", (long long)train->sequence.length,
                 (long long)train->sequence.vocabulary, (long long)train->n_classes);
    else
        snprintf(rest, room, "pictures of %lld x %lld x %lld, %lld classes", (long long)train->channels,
                 (long long)train->height, (long long)train->width, (long long)train->n_classes);
}

lyne_status lyne_check_dataset(const lyne_format *format, const void *config, const lyne_data_paths *paths, char *told,
                               lyne_error *err) {
    lyne_dataset split[LYNE_N_SPLITS] = {{0}};
    lyne_status status = LYNE_OK;
    for (int i = 0; i < LYNE_N_SPLITS && status == LYNE_OK; i++)
        status = open_twice(&split[i], format, config, (lyne_split)i, paths, err);
    const char *problem = status == LYNE_OK ? difference(&split[LYNE_TRAIN], &split[LYNE_TEST]) : NULL;
    if (problem) status = lyne_fail(err, LYNE_EDATA, "its test samples are %s than the training samples", problem);
    if (status == LYNE_OK) describe(&split[LYNE_TRAIN], &split[LYNE_TEST], told);
    for (int i = 0; i < LYNE_N_SPLITS; i++) lyne_dataset_close(&split[i]);
    return status;
}

/* ---- augmentations ---- */

enum { VIEWS = 64, MARGIN = 4096 /* bytes around a picture that nobody may write */, SEED = 1 };
enum { BEFORE = 0xA5, OTHER = 0x5A /* what a picture that is to be written holds before */ };

/* One size of picture: two samples, and the first one's views. */
typedef struct trial {
    const lyne_augmentation *row;
    const void *config;
    lyne_picture_size size;
    size_t bytes;
    uint8_t *src[2], *copy[2], *view; /* view: VIEWS pictures, a margin around each */
    int32_t share[VIEWS];
} trial;

static uint8_t *view_at(const trial *t, int i) {
    return t->view + MARGIN + (size_t)i * (t->bytes + MARGIN);
}

static int32_t show(const trial *t, int i, uint8_t *dst) {
    lyne_stream stream = lyne_stream_at(SEED, LYNE_FOR_CHECK, (uint32_t)i, 0);
    if (t->row->mix) return t->row->mix(t->config, t->size, &stream, t->src[0], t->src[1], dst);
    t->row->apply(t->config, t->size, &stream, t->src[0], dst);
    return LYNE_WHOLE;
}

static const char *outside_problem(const trial *t) {
    for (int i = 0; i <= VIEWS; i++)
        for (const uint8_t *p = view_at(t, i) - MARGIN; p < view_at(t, i); p++)
            if (*p != BEFORE) return "it writes outside dst";
    return memcmp(t->src[0], t->copy[0], t->bytes) || memcmp(t->src[1], t->copy[1], t->bytes) ? "it writes into src"
                                                                                              : NULL;
}

/* Views in reverse order, over another background: what a function of (seed, sample, view) alone gives again. */
static const char *repeat_problem(const trial *t, uint8_t *again) {
    for (int i = VIEWS - 1; i >= 0; i--) {
        memset(again, OTHER, t->bytes);
        const int32_t share = show(t, i, again);
        if (share != t->share[i] || memcmp(again, view_at(t, i), t->bytes) != 0)
            return "the same view is another picture the second time: it keeps a state, or leaves bytes of dst as they "
                   "were";
        if (t->row->mix && show(t, i, NULL) != share) return "with dst NULL it draws another share";
    }
    return NULL;
}

static const char *threads_problem(const trial *t, uint8_t *again) {
    int wrong = 0;
#pragma omp parallel for schedule(static) reduction(+ : wrong) num_threads(4)
    for (int i = 0; i < VIEWS; i++) {
        uint8_t *mine = again + (size_t)i * t->bytes;
        wrong += show(t, i, mine) != t->share[i] || memcmp(mine, view_at(t, i), t->bytes) != 0;
    }
    return wrong ? "called from several threads at once it makes other pictures" : NULL;
}

static const char *trial_problem(trial *t, uint8_t *again, int *changed) {
    lyne_stream noise = lyne_stream_at(SEED, LYNE_FOR_CHECK, VIEWS, 0);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < t->bytes; i++) t->src[k][i] = (uint8_t)lyne_stream_bits(&noise);
        memcpy(t->copy[k], t->src[k], t->bytes);
    }
    memset(t->view, BEFORE, MARGIN + VIEWS * (t->bytes + MARGIN));
    for (int i = 0; i < VIEWS; i++) {
        t->share[i] = show(t, i, view_at(t, i));
        if (t->share[i] < 0 || t->share[i] > LYNE_WHOLE) return "its share is not from 0 to LYNE_WHOLE";
        *changed += memcmp(view_at(t, i), t->src[0], t->bytes) != 0;
    }
    const char *problem = outside_problem(t);
    if (!problem) problem = repeat_problem(t, again);
    return problem ? problem : threads_problem(t, again);
}

static lyne_status try_size(const lyne_augmentation *a, const void *config, lyne_picture_size size, int *changed,
                            lyne_error *err) {
    trial t = {.row = a, .config = config, .size = size, .bytes = (size_t)(size.channels * size.height * size.width)};
    uint8_t *pictures = lyne_alloc(4, t.bytes), *again = lyne_alloc(VIEWS, t.bytes);
    t.view = lyne_alloc(MARGIN + VIEWS * (t.bytes + MARGIN), 1);
    lyne_status status = pictures && again && t.view ? LYNE_OK : lyne_fail_memory(err, "pictures");
    for (size_t k = 0; k < 2 && status == LYNE_OK; k++) {
        t.src[k] = pictures + k * t.bytes;
        t.copy[k] = pictures + (k + 2) * t.bytes;
    }
    const char *problem = status == LYNE_OK ? trial_problem(&t, again, changed) : NULL;
    if (problem)
        status = lyne_fail(err, LYNE_EDATA, "on %lld x %lld x %lld: %s", (long long)size.channels,
                           (long long)size.height, (long long)size.width, problem);
    lyne_free(pictures);
    lyne_free(again);
    lyne_free(t.view);
    return status;
}

lyne_status lyne_check_augmentation(const lyne_augmentation *a, const void *config, char *told, lyne_error *err) {
    static const lyne_picture_size size[] = {{1, 28, 28}, {3, 32, 32}, {3, 5, 7}, {4, 1, 1}};
    enum { N = sizeof size / sizeof *size };
    int changed = 0;
    for (int i = 0; i < N; i++)
        if (try_size(a, config, size[i], &changed, err) != LYNE_OK) return err ? err->status : LYNE_EDATA;
    snprintf(told, LYNE_CHECK_TOLD, "%d views in %d sizes, %d%% of them changed", VIEWS * N, N,
             100 * changed / (VIEWS * N));
    return LYNE_OK;
}
