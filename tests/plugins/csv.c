/* csv.c -- a data set from text files: a line for each sample, `label,pixel,pixel,...`, pixels 0 to 255 row by row, grey. */
#include <errno.h>
#include <lyne/plugin.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_SAMPLES = 1000000 };

typedef struct csv_config {
    const char *file[LYNE_N_SPLITS];
    int64_t height, width, n_classes;
} csv_config;

static const lyne_field fields[] = {{.name = "train",
                                     .type = LYNE_FIELD_TEXT,
                                     .help = "file of the training samples",
                                     .fallback = "train.csv",
                                     .offset = offsetof(csv_config, file[LYNE_TRAIN])},
                                    {.name = "test",
                                     .type = LYNE_FIELD_TEXT,
                                     .help = "file of the test samples",
                                     .fallback = "test.csv",
                                     .offset = offsetof(csv_config, file[LYNE_TEST])},
                                    LYNE_INT(csv_config, height, "of a picture [pixels]", "4", 1, 256),
                                    LYNE_INT(csv_config, width, "of a picture [pixels]", "4", 1, 256),
                                    LYNE_INT(csv_config, n_classes, "labels are below it", "2", 2, 256),
                                    LYNE_FIELDS_END};

/* A number from 0 to 255 and what stands behind it, `end` or, at the end of a line, a newline. */
static int number(FILE *f, int end, uint8_t *out) {
    int value, behind;
    if (fscanf(f, "%3d", &value) != 1 || value < 0 || value > 255) return 0;
    behind = getc(f);
    *out = (uint8_t)value;
    return behind == end || (end == '\n' && behind == EOF);
}

static lyne_status read_lines(lyne_dataset *d, FILE *f, const char *path, lyne_error *err) {
    const int64_t area = d->height * d->width;
    uint8_t *labels = d->owned[0], *pictures = d->owned[1];
    for (int c; (c = getc(f)) != EOF; d->n++) {
        ungetc(c, f);
        if (d->n == MAX_SAMPLES) return lyne_fail(err, LYNE_EDATA, "%s: more than %d lines", path, MAX_SAMPLES);
        int fine = number(f, ',', &labels[d->n]);
        for (int64_t k = 0; k < area && fine; k++)
            fine = number(f, k + 1 < area ? ',' : '\n', &pictures[d->n * area + k]);
        if (!fine)
            return lyne_fail(err, LYNE_EDATA, "%s:%lld: expects a label and %lld pixels, numbers from 0 to 255", path,
                             (long long)d->n + 1, (long long)area);
    }
    return LYNE_OK;
}

static lyne_status open_split(lyne_dataset *d, const void *config, lyne_split split, const lyne_data_paths *paths,
                              lyne_error *err) {
    const csv_config *c = config;
    const char *path;
    if (lyne_find_data(paths, c->file[split], &d->arena, &path, err) != LYNE_OK) return LYNE_EDATA;
    *d = (lyne_dataset){
        .channels = 1, .height = c->height, .width = c->width, .n_classes = c->n_classes, .arena = d->arena};
    d->labels = d->owned[0] = lyne_alloc(MAX_SAMPLES, 1); /* pages that nobody writes to cost nothing */
    d->pictures = d->owned[1] = lyne_alloc(MAX_SAMPLES, (size_t)(c->height * c->width));
    if (!d->labels || !d->pictures) return lyne_fail_memory(err, path);
    FILE *f = fopen(path, "r");
    if (!f) return lyne_fail_errno(err, path, "open");
    const lyne_status status = read_lines(d, f, path, err);
    fclose(f);
    return status;
}

static const lyne_format csv = {.component = {.kind = LYNE_DATASET,
                                              .name = "csv",
                                              .help = "grey pictures in text files, a line each",
                                              .example = "{csv: {train: train.csv, test: test.csv}}",
                                              .config_size = sizeof(csv_config),
                                              .fields = fields},
                                .open = open_split};

LYNE_PLUGIN("1.0", &csv.component);
