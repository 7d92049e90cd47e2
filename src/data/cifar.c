/* data/cifar.c -- the binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009), plain or gzip.
 *
 *     a record   CIFAR-10: label | 32 x 32 red | green | blue        CIFAR-100: coarse label | fine label | the same
 *
 * A file is whole records and nothing else.  Of CIFAR-100 the fine labels are taken.  Planes become (H, W, C). */
#include "data/dataset.h"
#include "formats/gzip.h"

enum { SIDE = 32, CHANNELS = 3, PLANE = SIDE * SIDE, PIXELS = CHANNELS * PLANE };
static const size_t max_file = (size_t)1 << 33; /* bytes unpacked */

typedef struct cifar_config {
    lyne_texts file[LYNE_N_SPLITS];
    int64_t n_classes;
} cifar_config;

static const lyne_field fields[] = {
    {.name = "train",
     .type = LYNE_FIELD_TEXTS,
     .help = "file names of the training pictures in their order, looked for as they are and with .gz",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(cifar_config, file[LYNE_TRAIN])},
    {.name = "test",
     .type = LYNE_FIELD_TEXTS,
     .help = "the same of the test pictures",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(cifar_config, file[LYNE_TEST])},
    LYNE_INT(cifar_config, n_classes,
             "10: CIFAR-10; 100: CIFAR-100, whose records have a coarse label before the fine one", "10", 10, 100),
    LYNE_FIELDS_END,
};

static const char *check(const void *config) {
    const cifar_config *c = config;
    if (c->n_classes != 10 && c->n_classes != 100) return "n_classes is 10 or 100";
    return c->file[LYNE_TRAIN].n && c->file[LYNE_TEST].n ? NULL : "train and test name at least one file each";
}

/* Records of one file, appended. */
typedef struct cifar_data {
    uint8_t *pictures, *labels;
    size_t n, picture_capacity, label_capacity;
} cifar_data;

static void interleave(const uint8_t *planes, uint8_t *dst) {
    for (int i = 0; i < PLANE; i++)
        for (int c = 0; c < CHANNELS; c++) dst[i * CHANNELS + c] = planes[c * PLANE + i];
}

static lyne_status append(cifar_data *d, const char *path, const uint8_t *bytes, size_t size, int64_t n_classes,
                          lyne_error *err) {
    const size_t n_labels = n_classes == 100 ? 2 : 1, record = n_labels + PIXELS, n = size / record;
    size_t pixels, all;
    if (size == 0 || size % record)
        return lyne_fail(err, LYNE_EDATA,
                         "%s: %zu bytes are not a whole number of records of %zu bytes: it is damaged, cut short or of "
                         "another kind than n_classes = %lld says",
                         path, size, record, (long long)n_classes);
    if (!lyne_size_add(d->n, n, &all) || !lyne_size_mul(all, PIXELS, &pixels) ||
        !lyne_grow(&d->pictures, &d->picture_capacity, pixels, 1) || !lyne_grow(&d->labels, &d->label_capacity, all, 1))
        return lyne_fail_memory(err, path);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *from = bytes + i * record, label = from[n_labels - 1];
        if (label >= n_classes || (n_labels == 2 && from[0] >= 20))
            return lyne_fail(err, LYNE_EDATA, "%s: record %zu has the label %d, which is none of %s", path, i,
                             label >= n_classes ? label : from[0],
                             n_labels == 1        ? "10"
                             : label >= n_classes ? "100"
                                                  : "20 coarse ones");
        d->labels[d->n + i] = label;
        interleave(from + n_labels, d->pictures + (d->n + i) * PIXELS);
    }
    d->n = all;
    return LYNE_OK;
}

static lyne_status read_all(cifar_data *read, lyne_arena *arena, const cifar_config *c, lyne_split split,
                            const lyne_data_paths *paths, lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (size_t i = 0; status == LYNE_OK && i < c->file[split].n; i++) {
        unsigned char *bytes = NULL;
        size_t size = 0;
        const char *path = NULL;
        status = lyne_find_data(paths, c->file[split].item[i], arena, &path, err);
        if (status == LYNE_OK) status = lyne_inflate(path, max_file, &bytes, &size, err);
        if (status == LYNE_OK) status = append(read, path, bytes, size, c->n_classes, err);
        lyne_free(bytes);
    }
    return status;
}

static lyne_status open_split(lyne_dataset *d, const void *config, lyne_split split, const lyne_data_paths *paths,
                              lyne_error *err) {
    const cifar_config *c = config;
    cifar_data read = {0};
    *d = (lyne_dataset){.channels = CHANNELS, .height = SIDE, .width = SIDE, .n_classes = c->n_classes};
    lyne_status status = read_all(&read, &d->arena, c, split, paths, err);
    d->owned[0] = read.pictures;
    d->owned[1] = read.labels;
    if (status != LYNE_OK) return status;
    d->n = (int64_t)read.n;
    d->pictures = read.pictures;
    d->labels = read.labels;
    return LYNE_OK;
}

const lyne_format lyne_dataset_cifar = {
    .component = {.kind = LYNE_DATASET,
                  .name = "cifar",
                  .help = "the binary files of CIFAR-10 and CIFAR-100, plain or gzip",
                  .source = "Krizhevsky 2009, Learning multiple layers of features from tiny images",
                  .example = "{cifar: {train: [data_batch_1.bin], test: [test_batch.bin]}}",
                  .config_size = sizeof(cifar_config),
                  .fields = fields,
                  .check = check},
    .open = open_split,
};
