/* data/dataset.c -- what all data-set formats share: looking for files, the digest, the description's fields. */
#include "data/dataset.h"
#include "base/file.h"
#include "base/text.h"

#include <string.h>

const char *const lyne_split_names[] = {"train", "test", "validation", NULL};

const char *lyne_split_name(lyne_split split) {
    return lyne_split_names[split];
}

void lyne_dataset_close(lyne_dataset *d) {
    if (!d) return;
    for (size_t i = 0; i < sizeof d->owned / sizeof *d->owned; i++) lyne_free(d->owned[i]);
    lyne_arena_free(&d->arena);
    *d = (lyne_dataset){0};
}

lyne_digest lyne_dataset_digest(const lyne_dataset *d) {
    const int64_t number[] = {d->n, d->channels, d->height, d->width, d->n_classes};
    lyne_hash h;
    lyne_hash_init(&h);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) lyne_hash_u64(&h, (uint64_t)number[i]);
    lyne_hash_bytes(&h, d->labels, (size_t)(d->n * lyne_sequence_rows(&d->sequence)));
    if (d->sequence.length) {
        const int64_t sequence[] = {d->sequence.length, d->sequence.vocabulary, d->sequence.labelled};
        for (int i = 0; i < 3; i++) lyne_hash_u64(&h, (uint64_t)sequence[i]);
        lyne_hash_bytes(&h, d->tokens, (size_t)(d->n * d->sequence.length) * sizeof *d->tokens);
        return lyne_hash_finish(&h);
    }
    lyne_hash_bytes(&h, d->pictures, (size_t)(d->n * d->height * d->width * d->channels));
    return lyne_hash_finish(&h);
}

/* ---- looking for files ---- */

/* Whether a path stays inside the folder it is appended to. */
static bool stays_inside(const char *file) {
    if (*file == '/' || *file == '\0') return false;
    for (const char *part = file; part; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        if (length == 2 && memcmp(part, "..", 2) == 0) return false;
    }
    return true;
}

static lyne_status not_found(const lyne_data_paths *paths, const char *file, lyne_error *err) {
    lyne_text places = {0};
    for (size_t i = 0; i < paths->n; i++) {
        const char *directory = paths->directory[i];
        lyne_text_add(&places, "%s%s/%s, %s", i ? ", " : "", directory, paths->dataset, directory);
    }
    lyne_status status =
        paths->n == 0 ? lyne_fail(err, LYNE_EDATA,
                                  "%s: there is no folder to look in: name one in LYNE_DATA or with --data DIR (`lyne "
                                  "labels`: --folder DIR)",
                                  file)
        : places.failed
            ? lyne_fail_memory(err, "a message")
            : lyne_fail(err, LYNE_EDATA,
                        "%s: neither it nor %s.gz is in %s: give the folder that holds it with --data DIR or in "
                        "LYNE_DATA, and see datasets/%s.yaml for where to get it",
                        file, file, places.data, paths->dataset);
    lyne_text_free(&places);
    return status;
}

lyne_status lyne_find_data(const lyne_data_paths *paths, const char *file, lyne_arena *arena, const char **out,
                           lyne_error *err) {
    if (!stays_inside(file))
        return lyne_fail(err, LYNE_EDATA, "\"%s\": a data file is named relative to its folder and without \"..\"",
                         file);
    for (size_t i = 0; i < paths->n; i++)
        for (int place = 0; place < 4; place++) {
            const char *dataset = place < 2 ? paths->dataset : "", *suffix = place % 2 ? ".gz" : "";
            const char *path = lyne_arena_printf(arena, "%s/%s%s%s%s", paths->directory[i], dataset,
                                                 *dataset ? "/" : "", file, suffix);
            if (!path) return lyne_fail_memory(err, "the path of a data file");
            if (lyne_file_exists(path)) return *out = path, LYNE_OK;
        }
    return not_found(paths, file, err);
}

/* ---- datasets/NAME.yaml ---- */

static const char *const token_labels[] = {[LYNE_LABEL_ONE] = "one", [LYNE_LABEL_EACH] = "each", NULL};
static const lyne_field token_fields[] = {{.name = "length",
                                           .type = LYNE_FIELD_INT,
                                           .help = "tokens in a sample",
                                           .fallback = "0",
                                           .offset = offsetof(lyne_description_tokens, length),
                                           LYNE_RANGE(0, 65536)},
                                          {.name = "vocabulary",
                                           .type = LYNE_FIELD_INT,
                                           .help = "how many there are: numbers are below it",
                                           .fallback = "0",
                                           .offset = offsetof(lyne_description_tokens, vocabulary),
                                           LYNE_RANGE(0, 65536)},
                                          {.name = "labels",
                                           .type = LYNE_FIELD_CHOICE,
                                           .help = "one for the sample, or each token has one",
                                           .fallback = "one",
                                           .offset = offsetof(lyne_description_tokens, labels),
                                           .choices = token_labels},
                                          LYNE_FIELDS_END};

const lyne_field lyne_description_fields[] = {
    {.name = "lyne_dataset",
     .type = LYNE_FIELD_INT,
     .help = "version of this file's format: 1",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_description, version),
     LYNE_RANGE(1, 1)},
    {.name = "name",
     .type = LYNE_FIELD_TEXT,
     .help = "as a recipe says it, and the folder its files lie in",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_description, name)},
    {.name = "title",
     .type = LYNE_FIELD_TEXT,
     .help = "what it is, one line for reports",
     .fallback = LYNE_UNSET,
     .offset = offsetof(lyne_description, title),
     .inert = true},
    {.name = "format",
     .type = LYNE_FIELD_COMPONENT,
     .help = "how its files are read",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_description, format),
     .kind = LYNE_DATASET},
    {.name = "picture",
     .type = LYNE_FIELD_INTS,
     .help = "channels, height and width of a picture",
     .fallback = "[]",
     .offset = offsetof(lyne_description, picture),
     LYNE_RANGE(1, 65536)},
    {.name = "tokens",
     .type = LYNE_FIELD_GROUP,
     .help = "instead of picture: what a sequence of tokens is",
     .fallback = LYNE_UNSET,
     .offset = offsetof(lyne_description, tokens),
     .fields = token_fields},
    {.name = "mean",
     .type = LYNE_FIELD_FLOATS,
     .help = "mean of the training pixels, for each channel or one for all [0..1]",
     .fallback = "[]",
     .offset = offsetof(lyne_description, mean),
     LYNE_RANGE(0, 1)},
    {.name = "sd",
     .type = LYNE_FIELD_FLOATS,
     .help = "their standard deviation, for each channel or one for all [0..1]",
     .fallback = "[]",
     .offset = offsetof(lyne_description, sd),
     LYNE_RANGE(1e-6, 1)},
    {.name = "classes",
     .type = LYNE_FIELD_TEXTS,
     .help = "names of the classes in the order of their numbers",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_description, classes)},
    LYNE_FIELDS_END,
};
