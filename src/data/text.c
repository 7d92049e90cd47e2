/* data/text.c -- a text as windows of characters, each labelled with the one behind it, for models of language.
 *
 * A token is a byte of the file, numbered by the place of its value among those that occur, as in "sorted(set(text))".  The
 * last `test` share of the file is the test split.  Window i of a split begins at its byte i * length, so windows do not
 * overlap, and the last one ends before the last byte, which is only a label. */
#include "data/dataset.h"
#include "formats/gzip.h"

#include <string.h>

static const size_t max_file = (size_t)1 << 31; /* bytes unpacked */

typedef struct text_config {
    const char *file;
    int64_t length;
    double test;
} text_config;

static const lyne_field fields[] = {
    LYNE_ENTRY(TEXT, text_config, file, "name of the text, looked for as it is and with .gz", LYNE_REQUIRED),
    LYNE_INT(text_config, length, "characters in a window", "128", 1, 65536),
    LYNE_FLOAT(text_config, test, "share of the file, at its end, that is the test split", "0.1", 0.0001, 0.9),
    LYNE_FIELDS_END};

/* Which number each byte has; returns how many there are. */
static int64_t number_bytes(const unsigned char *text, size_t size, uint8_t number[256]) {
    bool occurs[256] = {false};
    int64_t n = 0;
    for (size_t i = 0; i < size; i++) occurs[text[i]] = true;
    for (int v = 0; v < 256; v++)
        if (occurs[v]) number[v] = (uint8_t)n++;
    return n;
}

static lyne_status cut(lyne_dataset *d, const unsigned char *text, size_t size, const uint8_t number[256],
                       lyne_error *err) {
    const size_t length = (size_t)d->sequence.length, n = size ? (size - 1) / length : 0;
    size_t total;
    if (n == 0)
        return lyne_fail(err, LYNE_EDATA, "the %s split has %zu characters, and a window takes %zu and one behind it",
                         lyne_split_name(d->split), size, length);
    if (!lyne_size_mul(n, length, &total)) return lyne_fail_memory(err, "a text");
    uint16_t *tokens = d->owned[0] = lyne_alloc(total, sizeof *tokens);
    uint8_t *labels = d->owned[1] = lyne_alloc(total, sizeof *labels);
    if (!tokens || !labels) return lyne_fail_memory(err, "a text");
    for (size_t i = 0; i < total; i++) {
        tokens[i] = number[text[i]];
        labels[i] = number[text[i + 1]];
    }
    d->n = (int64_t)n;
    d->tokens = tokens;
    d->labels = labels;
    return LYNE_OK;
}

static lyne_status open_split(lyne_dataset *d, const void *config, lyne_split split, const lyne_data_paths *paths,
                              lyne_error *err) {
    const text_config *c = config;
    unsigned char *text = NULL;
    size_t size = 0;
    const char *path = NULL;
    *d = (lyne_dataset){.split = split, .sequence = {.length = c->length, .labelled = true}};
    lyne_status status = lyne_find_data(paths, c->file, &d->arena, &path, err);
    if (status == LYNE_OK) status = lyne_inflate(path, max_file, &text, &size, err);
    if (status == LYNE_OK) {
        uint8_t number[256] = {0};
        const size_t train = (size_t)((double)size * (1 - c->test));
        d->n_classes = d->sequence.vocabulary = number_bytes(text, size, number);
        status =
            cut(d, split == LYNE_TRAIN ? text : text + train, split == LYNE_TRAIN ? train : size - train, number, err);
        if (status != LYNE_OK) lyne_error_context(err, "%s", path);
    }
    lyne_free(text);
    return status;
}

const lyne_format lyne_dataset_text = {
    .component = {.kind = LYNE_DATASET,
                  .name = "text",
                  .help = "a text in windows of characters, each labelled with the one behind it",
                  .example = "{text: {file: input.txt, length: 128, test: 0.1}}",
                  .config_size = sizeof(text_config),
                  .fields = fields},
    .open = open_split,
};
