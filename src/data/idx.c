/* data/idx.c -- the files of MNIST and its relatives (Yann LeCun's IDX), plain or gzip.
 *
 *     pictures  0x00000803 | n | height | width | bytes          or 0x00000804 | n | height | width | channels | bytes
 *     labels    0x00000801 | n | bytes
 *
 * Numbers are 32 bits, big-endian.  The numbers of the header decide nothing before they were compared with the length
 * of the file. */
#include "data/dataset.h"
#include "formats/gzip.h"

#include <string.h>

enum { PICTURES, LABELS, N_FILES };
enum { MAX_SIDE = 4096, MAX_CHANNELS = 16 };
static const size_t max_file = (size_t)1 << 36; /* bytes unpacked: 64 GiB */

typedef struct idx_config {
    const char *file[LYNE_N_SPLITS][N_FILES];
    const char *xxh128[LYNE_N_SPLITS][N_FILES];
    int64_t n_classes;
} idx_config;

#define NAME(label, split, kind)                                                                                       \
    {.name = label,                                                                                                    \
     .type = LYNE_FIELD_TEXT,                                                                                          \
     .help = "file name, looked for as it is and with .gz",                                                            \
     .fallback = LYNE_REQUIRED,                                                                                        \
     .offset = offsetof(idx_config, file[split][kind])}
#define DIGEST(label, split, kind)                                                                                     \
    {.name = label "_xxh128",                                                                                          \
     .type = LYNE_FIELD_TEXT,                                                                                          \
     .help = "XXH3-128 of that file unpacked; left out: not checked",                                                  \
     .fallback = LYNE_UNSET,                                                                                           \
     .offset = offsetof(idx_config, xxh128[split][kind])}

static const lyne_field fields[] = {
    NAME("train_pictures", LYNE_TRAIN, PICTURES),
    NAME("train_labels", LYNE_TRAIN, LABELS),
    NAME("test_pictures", LYNE_TEST, PICTURES),
    NAME("test_labels", LYNE_TEST, LABELS),
    DIGEST("train_pictures", LYNE_TRAIN, PICTURES),
    DIGEST("train_labels", LYNE_TRAIN, LABELS),
    DIGEST("test_pictures", LYNE_TEST, PICTURES),
    DIGEST("test_labels", LYNE_TEST, LABELS),
    LYNE_INT(idx_config, n_classes, "how many classes there are", "10", 1, 256),
    LYNE_FIELDS_END,
};

static const char *check(const void *config) {
    const idx_config *c = config;
    lyne_digest ignored;
    for (int split = 0; split < LYNE_N_SPLITS; split++)
        for (int kind = 0; kind < N_FILES; kind++)
            if (c->xxh128[split][kind] && !lyne_digest_parse(c->xxh128[split][kind], &ignored))
                return "an XXH3-128 is 32 digits 0-9a-f";
    return NULL;
}

/* ---- one file ---- */

/* A file in memory: its dimensions and the bytes behind its header. */
typedef struct idx_file {
    const char *path;
    unsigned char *bytes; /* to be freed */
    const unsigned char *data;
    int rank;
    int64_t dim[4];
} idx_file;

static uint32_t big_endian(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The dimensions, and that their product is what follows the header. */
static lyne_status parse(idx_file *f, size_t size, int min_rank, int max_rank, lyne_error *err) {
    uint32_t magic = size >= 4 ? big_endian(f->bytes) : 0;
    f->rank = (int)(magic & 0xFF);
    if (magic >> 8 != 8 || f->rank < min_rank || f->rank > max_rank)
        return lyne_fail(err, LYNE_EDATA,
                         "%s: does not begin with %s, so it is not an IDX file of bytes of the kind wanted here",
                         f->path, max_rank == 1 ? "00 00 08 01" : "00 00 08 03 or 00 00 08 04");
    size_t header = 4 + 4 * (size_t)f->rank, product = 1, whole;
    if (size < header)
        return lyne_fail(err, LYNE_EDATA, "%s: ends within its header: %zu bytes instead of %zu", f->path, size,
                         header);
    bool fits = true;
    for (int i = 0; i < f->rank; i++) {
        f->dim[i] = big_endian(f->bytes + 4 + 4 * i);
        fits = fits && lyne_size_mul(product, (size_t)f->dim[i], &product);
    }
    if (!fits || !lyne_size_add(header, product, &whole)) whole = SIZE_MAX; /* no file is as long */
    if (whole != size)
        return lyne_fail(err, LYNE_EDATA,
                         "%s: %zu bytes long, but its header speaks of %zu: it is damaged or cut short", f->path, size,
                         whole);
    f->data = f->bytes + header;
    return LYNE_OK;
}

static lyne_status verify(const idx_file *f, size_t size, const char *wanted, const char *dataset, lyne_error *err) {
    lyne_digest digest = lyne_digest_of(f->bytes, size);
    char found[LYNE_DIGEST_TEXT];
    lyne_digest_print(digest, found);
    if (!wanted || strcmp(found, wanted) == 0) return LYNE_OK;
    return lyne_fail(err, LYNE_EDATA,
                     "%s: is not the file that the data set %s describes: the XXH3-128 of its content is %s, not %s",
                     f->path, dataset, found, wanted);
}

/* On failure f->bytes may be set, and is the caller's as ever. */
static lyne_status load(idx_file *f, const char *name, const char *xxh128, bool pictures, lyne_dataset *d,
                        const lyne_data_paths *paths, lyne_error *err) {
    size_t size = 0;
    lyne_status status = lyne_find_data(paths, name, &d->arena, &f->path, err);
    if (status == LYNE_OK) status = lyne_inflate(f->path, max_file, &f->bytes, &size, err);
    if (status == LYNE_OK) status = parse(f, size, pictures ? 3 : 1, pictures ? 4 : 1, err);
    if (status == LYNE_OK) status = verify(f, size, xxh128, paths->dataset, err);
    return status;
}

/* ---- the two together ---- */

static lyne_status check_pair(const idx_file *pictures, const idx_file *labels, int64_t n_classes, lyne_error *err) {
    const int64_t *dim = pictures->dim, channels = pictures->rank == 4 ? dim[3] : 1;
    if (dim[0] == 0) return lyne_fail(err, LYNE_EDATA, "%s: holds no picture", pictures->path);
    if (dim[1] < 1 || dim[1] > MAX_SIDE || dim[2] < 1 || dim[2] > MAX_SIDE || channels < 1 || channels > MAX_CHANNELS)
        return lyne_fail(err, LYNE_EDATA, "%s: pictures of %lld x %lld x %lld (at most %d x %d x %d)", pictures->path,
                         (long long)dim[1], (long long)dim[2], (long long)channels, MAX_SIDE, MAX_SIDE, MAX_CHANNELS);
    if (dim[0] != labels->dim[0])
        return lyne_fail(err, LYNE_EDATA, "%s: %lld pictures, but %s has %lld labels", pictures->path,
                         (long long)dim[0], labels->path, (long long)labels->dim[0]);
    for (int64_t i = 0; i < dim[0]; i++)
        if (labels->data[i] >= n_classes)
            return lyne_fail(err, LYNE_EDATA, "%s: label %lld is %d, but with n_classes = %lld it must be below that",
                             labels->path, (long long)i, labels->data[i], (long long)n_classes);
    return LYNE_OK;
}

static lyne_status open_split(lyne_dataset *d, const void *config, lyne_split split, const lyne_data_paths *paths,
                              lyne_error *err) {
    const idx_config *c = config;
    *d = (lyne_dataset){.n_classes = c->n_classes};
    idx_file pictures = {0}, labels = {0};
    lyne_status status = load(&pictures, c->file[split][PICTURES], c->xxh128[split][PICTURES], true, d, paths, err);
    if (status == LYNE_OK)
        status = load(&labels, c->file[split][LABELS], c->xxh128[split][LABELS], false, d, paths, err);
    if (status == LYNE_OK) status = check_pair(&pictures, &labels, c->n_classes, err);
    d->owned[PICTURES] = pictures.bytes;
    d->owned[LABELS] = labels.bytes;
    if (status != LYNE_OK) return status;
    d->n = pictures.dim[0];
    d->height = pictures.dim[1];
    d->width = pictures.dim[2];
    d->channels = pictures.rank == 4 ? pictures.dim[3] : 1;
    d->pictures = pictures.data;
    d->labels = labels.data;
    return LYNE_OK;
}

const lyne_format lyne_dataset_idx = {
    .component = {.kind = LYNE_DATASET,
                  .name = "idx",
                  .help = "pictures and labels in IDX files, as MNIST's, plain or gzip",
                  .source = "LeCun, Cortes, Burges, The MNIST database of handwritten digits",
                  .example = "{idx: {train_pictures: train-images-idx3-ubyte, train_labels: train-labels-idx1-ubyte, "
                             "test_pictures: t10k-images-idx3-ubyte, test_labels: t10k-labels-idx1-ubyte}}",
                  .config_size = sizeof(idx_config),
                  .fields = fields,
                  .check = check},
    .open = open_split,
};
