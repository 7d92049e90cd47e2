/* data/pictures.c -- JPEG and PNG pictures, one folder a class, in a tar (plain, gzip, zstd) or on disk.
 *
 *     CLASS/NAME.jpg, .jpeg or .png, all of the described size
 *
 * They are decoded once, when the split is opened, by all threads; after that a picture is bytes in memory.  The ids of
 * samples are the order of the tar; in a folder, bytewise by class and name.  A class is known by the name of its
 * folder and numbered by its place in `folders`, so a split that lacks one cannot shift the others. */
#include "data/dataset.h"
#include "formats/members.h"
#include "formats/picture.h"

#include <string.h>
#include <strings.h>

static const size_t max_picture = (size_t)1 << 26; /* bytes of one file, 64 MiB: more than 100 megapixels need */

typedef struct pictures_config {
    const char *file[LYNE_N_SPLITS];
    int64_t count[LYNE_N_SPLITS];
    int64_t channels, height, width, max_bytes;
    lyne_texts folders;
} pictures_config;

#define WHERE(split, label)                                                                                            \
    {.name = label,                                                                                                    \
     .type = LYNE_FIELD_TEXT,                                                                                          \
     .help = "a tar, looked for as it is and with .gz, or a folder",                                                   \
     .fallback = LYNE_REQUIRED,                                                                                        \
     .offset = offsetof(pictures_config, file[split])}
#define WHOLE(label, text, where, least, most, otherwise)                                                              \
    {.name = label,                                                                                                    \
     .type = LYNE_FIELD_INT,                                                                                           \
     .help = text,                                                                                                     \
     .fallback = otherwise,                                                                                            \
     .offset = offsetof(pictures_config, where),                                                                       \
     LYNE_RANGE(least, most)}
static const lyne_field fields[] = {
    WHERE(LYNE_TRAIN, "train"),
    WHERE(LYNE_TEST, "test"),
    WHOLE("n_train", "how many there must be, so that a tar cut short is noticed; 0: any", count[LYNE_TRAIN], 0, 1e12,
          "0"),
    WHOLE("n_test", "the same of the test pictures", count[LYNE_TEST], 0, 1e12, "0"),
    WHOLE("channels", "3: RGB, 1: grey; pictures of the other kind are converted", channels, 1, 3, "3"),
    WHOLE("height", "of every picture [pixels]", height, 1, 65500, LYNE_REQUIRED),
    WHOLE("width", "of every picture [pixels]", width, 1, 65500, LYNE_REQUIRED),
    WHOLE("max_bytes", "what the files and the decoded pictures may come to, each [bytes]", max_bytes, 1, 1e15,
          "17179869184"),
    LYNE_ENTRY(TEXTS, pictures_config, folders,
               "names of the folders of the classes, bytewise ascending, which is the order of their numbers",
               LYNE_REQUIRED),
    LYNE_FIELDS_END,
};

static const char *check(const void *config) {
    const pictures_config *c = config;
    if (c->channels == 2) return "channels is 1 or 3";
    if (c->folders.n < 1 || c->folders.n > 256) return "folders has between 1 and 256 names";
    for (size_t i = 1; i < c->folders.n; i++)
        if (strcmp(c->folders.item[i - 1], c->folders.item[i]) >= 0)
            return "folders are sorted bytewise (capitals first) and named once each";
    return NULL;
}

static int class_of(const pictures_config *c, const char *folder) {
    size_t from = 0, to = c->folders.n;
    while (from < to) {
        const size_t at = (from + to) / 2;
        const int order = strcmp(folder, c->folders.item[at]);
        if (order == 0) return (int)at;
        *(order < 0 ? &to : &from) = order < 0 ? at : at + 1;
    }
    return -1;
}

static bool is_picture(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && dot != name && (!strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg") || !strcasecmp(dot, ".png"));
}

static lyne_status label_all(const pictures_config *c, const char *path, const lyne_members *m, lyne_split split,
                             uint8_t *labels, lyne_error *err) {
    if (m->n == 0) return lyne_fail(err, LYNE_EDATA, "%s: holds no picture", path);
    if (c->count[split] && (size_t)c->count[split] != m->n)
        return lyne_fail(err, LYNE_EDATA, "%s: holds %zu pictures where %lld are described: is it cut short?", path,
                         m->n, (long long)c->count[split]);
    for (size_t i = 0; i < m->n; i++) {
        const lyne_member *file = &m->item[i];
        const int label = class_of(c, file->folder);
        if (label < 0)
            return lyne_fail(err, LYNE_EDATA, "%s: %s/%s: there is no class \"%s\" among the %zu described", path,
                             file->folder, file->name, file->folder, c->folders.n);
        if (!is_picture(file->name))
            return lyne_fail(err, LYNE_EDATA, "%s: %s/%s: its name ends neither in .jpg, .jpeg nor .png", path,
                             file->folder, file->name);
        labels[i] = (uint8_t)label;
    }
    return LYNE_OK;
}

/* The failure that is reported is that of the first bad picture, however many threads there are. */
static lyne_status decode_all(const pictures_config *c, const char *path, const lyne_members *m, uint8_t *pictures,
                              lyne_error *err) {
    const lyne_pixels want = {(int)c->channels, (int)c->height, (int)c->width};
    const size_t picture = (size_t)(c->channels * c->height * c->width);
    const int64_t n = (int64_t)m->n;
    int64_t first_bad = n;
#pragma omp parallel for schedule(dynamic, 64) reduction(min : first_bad)
    for (int64_t i = 0; i < n; i++) {
        const lyne_member *file = &m->item[i];
        uint8_t *to = pictures + (size_t)i * picture;
        if (i < first_bad && lyne_picture_decode("", m->bytes + file->at, file->size, want, to, NULL) != LYNE_OK)
            first_bad = i;
    }
    if (first_bad == n) return LYNE_OK;
    const lyne_member *file = &m->item[first_bad];
    lyne_arena scratch = {0};
    const char *name = lyne_arena_printf(&scratch, "%s: %s/%s", path, file->folder, file->name);
    lyne_status status = name ? lyne_picture_decode(name, m->bytes + file->at, file->size, want, pictures, err)
                              : lyne_fail_memory(err, path);
    lyne_arena_free(&scratch);
    return status != LYNE_OK ? status : lyne_fail_memory(err, path); /* it could be decoded now: memory was short */
}

static lyne_status fill(lyne_dataset *d, const pictures_config *c, const lyne_data_paths *paths, lyne_members *m,
                        lyne_error *err) {
    const char *path;
    const size_t most = (size_t)c->max_bytes, picture = (size_t)(c->channels * c->height * c->width);
    lyne_status status = lyne_find_data(paths, c->file[d->split], &d->arena, &path, err);
    if (status != LYNE_OK) return status;
    const lyne_members_limit limit = {
        .bytes = most, .member = max_picture < most ? max_picture : most, .count = most / picture};
    status = lyne_members_read(m, path, limit, err);
    if (status != LYNE_OK) return status;
    uint8_t *labels = d->owned[1] = lyne_alloc(m->n, 1);
    if (!labels) return lyne_fail_memory(err, path);
    status = label_all(c, path, m, d->split, labels, err);
    if (status != LYNE_OK) return status;
    uint8_t *pictures = d->owned[0] = lyne_alloc(m->n, picture);
    if (!pictures) return lyne_fail_memory(err, path);
    d->n = (int64_t)m->n;
    d->labels = labels;
    d->pictures = pictures;
    return decode_all(c, path, m, pictures, err);
}

static lyne_status open_split(lyne_dataset *d, const void *config, lyne_split split, const lyne_data_paths *paths,
                              lyne_error *err) {
    const pictures_config *c = config;
    lyne_members members = {0};
    *d = (lyne_dataset){.split = split,
                        .channels = c->channels,
                        .height = c->height,
                        .width = c->width,
                        .n_classes = (int64_t)c->folders.n};
    lyne_status status = fill(d, c, paths, &members, err);
    lyne_members_free(&members);
    return status;
}

const lyne_format lyne_dataset_pictures = {
    .component = {.kind = LYNE_DATASET,
                  .name = "pictures",
                  .help = "JPEG and PNG pictures, a folder a class, in a tar (plain, gzip, zstd) or on disk",
                  .example =
                      "{pictures: {train: train.tar, test: test.tar, height: 32, width: 32, folders: [cat, dog]}}",
                  .config_size = sizeof(pictures_config),
                  .fields = fields,
                  .check = check},
    .open = open_split,
};
