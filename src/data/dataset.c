/* data/dataset.c -- what all data-set formats share: looking for files, the digest, the description's fields. */
#include "data/dataset.h"
#include "base/file.h"
#include "base/text.h"

#include <string.h>

enum { MAX_SIDE = 65536 };

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

/* ---- opening ---- */

static bool within(int64_t v, int64_t lo, int64_t hi) {
    return v >= lo && v <= hi;
}

/* Whether all samples together are of a size that there can be. */
static bool fits(int64_t n, int64_t a, int64_t b, int64_t c) {
    size_t bytes;
    return lyne_size_mul((size_t)n, (size_t)(a * b * c), &bytes) && bytes <= SIZE_MAX / 4;
}

/* What of the counts and shapes cannot be; NULL: nothing. */
static const char *shape_problem(const lyne_dataset *d) {
    const lyne_sequence *s = &d->sequence;
    if (d->n < 1) return "there are none";
    if (!within(d->n_classes, 1, 256)) return "n_classes is not from 1 to 256";
    if (!d->labels) return "they have no labels";
    if (s->length == 0) {
        if (!within(d->channels, 1, MAX_SIDE) || !within(d->height, 1, MAX_SIDE) || !within(d->width, 1, MAX_SIDE))
            return "channels, height and width are not from 1 to 65536";
        if (!fits(d->n, d->channels, d->height, d->width)) return "n is too large";
        return d->pictures ? NULL : "they have no pictures";
    }
    if (!within(s->length, 1, MAX_SIDE)) return "the length of a sequence is not from 1 to 65536";
    if (!within(s->vocabulary, 1, MAX_SIDE)) return "the vocabulary is not from 1 to 65536";
    if (!fits(d->n, s->length, 1, 1)) return "n is too large";
    return d->tokens ? NULL : "they have no tokens";
}

/* Built-in formats promise this; a plug-in's are code of somebody who has yet to learn it. */
static lyne_status check_samples(const lyne_dataset *d, lyne_error *err) {
    const char *problem = shape_problem(d);
    if (problem) return lyne_fail(err, LYNE_EDATA, "%s samples: %s", lyne_split_name(d->split), problem);
    const int64_t n = d->n * lyne_sequence_rows(&d->sequence), n_tokens = d->n * d->sequence.length;
    for (int64_t i = 0; i < n; i++)
        if (d->labels[i] >= d->n_classes)
            return lyne_fail(err, LYNE_EDATA,
                             "%s samples: label %lld is %d, and with n_classes = %lld it must be below",
                             lyne_split_name(d->split), (long long)i, d->labels[i], (long long)d->n_classes);
    for (int64_t i = 0; i < n_tokens; i++)
        if (d->tokens[i] >= d->sequence.vocabulary)
            return lyne_fail(err, LYNE_EDATA,
                             "%s samples: token %lld is %d, and with a vocabulary of %lld it must be below",
                             lyne_split_name(d->split), (long long)i, d->tokens[i], (long long)d->sequence.vocabulary);
    return LYNE_OK;
}

lyne_status lyne_dataset_open(lyne_dataset *d, const lyne_format *format, const void *config, lyne_split split,
                              const lyne_data_paths *paths, lyne_error *err) {
    *d = (lyne_dataset){0};
    lyne_status status = format->open(d, config, split, paths, err);
    if (status == LYNE_OK) {
        d->name = paths->dataset;
        d->split = split;
        status = check_samples(d, err);
    }
    if (status == LYNE_OK)
        d->digest = lyne_dataset_digest(d);
    else
        lyne_dataset_close(d);
    return status;
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

/* A file that was found: links in it stay within the folders that the user gave, or those of the data set in them. */
static lyne_status check_links(const lyne_data_paths *paths, const char *path, lyne_arena *arena, const char **out,
                               lyne_error *err) {
    lyne_status status = LYNE_EDATA;
    lyne_error why = {0};
    for (size_t i = 0; i < paths->n && status == LYNE_EDATA; i++) {
        const char *own = lyne_arena_printf(arena, "%s/%s", paths->directory[i], paths->dataset);
        const char *const folder[] = {paths->directory[i], own};
        why = (lyne_error){0};
        status = own ? lyne_file_within(path, folder, 2, &why) : lyne_fail_memory(&why, path);
    }
    if (status != LYNE_OK)
        return lyne_fail(err, status, "%s; give the folder it leads to with --data DIR as well", why.text);
    char *target = lyne_file_target(path);
    *out = target ? lyne_arena_strndup(arena, target, strlen(target)) : NULL;
    lyne_free(target);
    return *out ? LYNE_OK : lyne_fail_memory(err, path);
}

static lyne_status not_found(const lyne_data_paths *paths, const char *file, lyne_error *err) {
    lyne_text places = {0};
    for (size_t i = 0; i < paths->n; i++) {
        const char *directory = paths->directory[i];
        lyne_text_add(&places, "%s%s/%s, %s", i ? ", " : "", directory, paths->dataset, directory);
    }
    const lyne_status status =
        places.failed
            ? lyne_fail_memory(err, "a message")
            : lyne_fail(err, LYNE_EDATA,
                        "%s: %s%s%s%s: name the folder that holds it with --data DIR (`lyne labels`: --folder "
                        "DIR) or in LYNE_DATA, and see datasets/%s.yaml for where to get it",
                        file, paths->n ? "neither it nor " : "there is no folder to look in", paths->n ? file : "",
                        paths->n ? ".gz is in " : "", paths->n ? places.data : "", paths->dataset);
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
            lyne_error why = {0};
            uint64_t size;
            if (lyne_file_exists(path)) return check_links(paths, path, arena, out, err);
            if (lyne_file_size(path, &size, &why) != LYNE_OK && lyne_may_be_good(&why))
                return lyne_fail(err, why.status, "%s", why.text);
        }
    return not_found(paths, file, err);
}

/* ---- datasets/NAME.yaml ---- */

static const char *const token_labels[] = {[LYNE_LABEL_ONE] = "one", [LYNE_LABEL_EACH] = "each", NULL};
static const lyne_field token_fields[] = {
    LYNE_INT(lyne_description_tokens, length, "tokens in a sample", "0", 0, 65536),
    LYNE_INT(lyne_description_tokens, vocabulary, "how many there are: numbers are below it", "0", 0, 65536),
    LYNE_ENTRY_WITH(CHOICE, lyne_description_tokens, labels, "one for the sample, or each token has one", "one",
                    .choices = token_labels),
    LYNE_FIELDS_END};

const lyne_field lyne_description_fields[] = {
    {.name = "lyne_dataset",
     .type = LYNE_FIELD_INT,
     .help = "version of this file's format: 1",
     .fallback = LYNE_REQUIRED,
     .offset = offsetof(lyne_description, version),
     LYNE_RANGE(1, 1)},
    LYNE_ENTRY(TEXT, lyne_description, name, "as a recipe says it, and the folder its files lie in", LYNE_REQUIRED),
    LYNE_ENTRY_WITH(TEXT, lyne_description, title, "what it is, one line for reports", LYNE_UNSET, .inert = true),
    LYNE_ENTRY_WITH(COMPONENT, lyne_description, format, "how its files are read", LYNE_REQUIRED, .kind = LYNE_DATASET),
    LYNE_ENTRY_WITH(INTS, lyne_description, picture, "channels, height and width of a picture", "[]",
                    LYNE_RANGE(1, 65536)),
    LYNE_ENTRY_WITH(GROUP, lyne_description, tokens, "instead of picture: what a sequence of tokens is", LYNE_UNSET,
                    .fields = token_fields),
    LYNE_ENTRY_WITH(FLOATS, lyne_description, mean,
                    "mean of the training pixels, for each channel or one for all [0..1]", "[]", LYNE_RANGE(0, 1)),
    LYNE_ENTRY_WITH(FLOATS, lyne_description, sd, "their standard deviation, for each channel or one for all [0..1]",
                    "[]", LYNE_RANGE(1e-6, 1)),
    LYNE_ENTRY(TEXTS, lyne_description, classes, "names of the classes in the order of their numbers", LYNE_REQUIRED),
    LYNE_FIELDS_END,
};
