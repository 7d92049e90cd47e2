/* tests/graph/weights_file.c -- model.safetensors: the same numbers come back, and nothing else is taken for them.
 *
 * That PyTorch opens such a file was seen with safetensors.torch.load_file of safetensors 0.8 and torch 2.13. */
#include "../flip.h"
#include "../scratch.h"
#include "toys.h"

#include "formats/safetensors.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[64], path[128];

static void enter(void) {
    scratch_folder(directory, sizeof directory, "graph");
    snprintf(path, sizeof path, "%s/model.safetensors", directory);
}

static void leave(void) {
    lyne_memory_fail_at(0);
    cr_assert_eq(lyne_directory_remove(directory, NULL), LYNE_OK);
}

TestSuite(weights_file, .init = enter, .fini = leave);

static lyne_graph *model(void) {
    lyne_graph *g = new_graph(1);
    toy_param(g, "fc1", LYNE_SHAPE(4, 3));
    toy_state(g, "norm");
    toy_param(g, "fc2", LYNE_SHAPE(2));
    expect_sound(g);
    return g;
}

static void save(const lyne_weights *w) {
    lyne_error err = {0};
    cr_assert_eq(lyne_weights_save(w, path, "teacher", &err), LYNE_OK, "%s", err.text);
}

Test(weights_file, round_trip) {
    lyne_graph *g = model();
    lyne_weights *a = new_weights(g, 1), *b = new_weights(g, 2);
    value_of(a, "norm.weight")[1] = 1e-42f; /* denormal */
    value_of(a, "fc2.weight")[0] = -0.0f;
    save(a);
    lyne_error err = {0};
    const uint64_t version = b->version;
    cr_assert_eq(lyne_weights_load(b, path, &err), LYNE_OK, "%s", err.text);
    cr_expect_arr_eq(a->value, b->value, a->n_values * sizeof(float));
    cr_expect_gt(b->version, version, "copies must be refreshed");
    lyne_digest of_file;
    cr_assert_eq(lyne_weights_file_digest(path, &of_file, &err), LYNE_OK, "%s", err.text);
    cr_expect(lyne_digest_equal(of_file, lyne_weights_digest(a)));
    lyne_weights_free(a);
    lyne_weights_free(b);
    lyne_graph_free(g);
}

/* Models that earlier versions wrote: the first with a digest of the numbers alone, the second of the metadata too.
 * LYNE_MAKE_GOLDEN=1 test_graph makes the last anew, which no change of the code asks for. */
Test(weights_file, of_earlier_versions) {
    static const char *const golden[] = {LYNE_SOURCE_DIR "/tests/golden/model.safetensors",
                                         LYNE_SOURCE_DIR "/tests/golden/model_2.safetensors"};
    lyne_graph *g = model();
    lyne_weights *w = new_weights(g, 1), *read = new_weights(g, 2);
    for (size_t i = 0; i < w->n_trained; i++) w->value[i] = w->value[i] == 0 ? 0 : (float)i / 8;
    lyne_error err = {0};
    if (getenv("LYNE_MAKE_GOLDEN"))
        cr_assert_eq(lyne_weights_save(w, golden[1], "teacher", &err), LYNE_OK, "%s", err.text);
    for (int i = 0; i < 2; i++) {
        memset(read->value, 0, read->n_values * sizeof(float));
        cr_assert_eq(lyne_weights_load(read, golden[i], &err), LYNE_OK, "%s", err.text);
        cr_expect_arr_eq(w->value, read->value, w->n_values * sizeof(float));
    }
    lyne_weights_free(w);
    lyne_weights_free(read);
    lyne_graph_free(g);
}

Test(weights_file, what_is_in_it) {
    lyne_graph *g = model();
    lyne_weights *w = new_weights(g, 1);
    save(w);
    lyne_safetensors s;
    cr_assert_eq(lyne_safetensors_open(&s, path, NULL), LYNE_OK);
    cr_expect_eq(s.n, 3);
    cr_expect_str_eq(lyne_safetensors_metadata(&s, "lyne"), "teacher");
    cr_expect_str_eq(lyne_safetensors_metadata(&s, "format"), "pt"); /* without it transformers refuses the file */
    const void *data;
    cr_expect_eq(lyne_safetensors_get(&s, "fc1.weight", LYNE_DTYPE_F32, 2, (int64_t[]){4, 3}, &data, NULL), LYNE_OK);
    cr_expect_arr_eq(data, value_of(w, "fc1.weight"), 12 * sizeof(float));
    lyne_safetensors_close(&s);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

/* ---- refusals: a file of other tensors than the model's ---- */

static const float numbers[64] = {1, 2, 3};
static const float with_nan[64] = {1, 2, NAN}, with_infinity[64] = {-INFINITY};
#define FC1  {.name = "fc1.weight", .dtype = LYNE_DTYPE_F32, .rank = 2, .dims = {4, 3}, .data = numbers}
#define FC2  {.name = "fc2.weight", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {2}, .data = numbers}
#define NORM {.name = "norm.weight", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {3}, .data = numbers}

static const struct {
    const char *what;
    lyne_array tensor[4];
    size_t n;
    lyne_status load;
    const char *text;
} files[] = {
    {"all of it, in another order", {NORM, FC2, FC1}, 3, LYNE_OK, ""},
    {"missing", {FC1, FC2}, 2, LYNE_EDATA, "\"norm.weight\""},
    {"extra",
     {FC1, FC2, NORM, {.name = "fc9.weight", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {2}, .data = numbers}},
     4,
     LYNE_EDATA,
     "\"fc9.weight\""},
    {"another name",
     {FC1, {.name = "fc3.weight", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {2}, .data = numbers}, NORM},
     3,
     LYNE_EDATA,
     "\"fc2.weight\""},
    {"turned",
     {{.name = "fc1.weight", .dtype = LYNE_DTYPE_F32, .rank = 2, .dims = {3, 4}, .data = numbers}, FC2, NORM},
     3,
     LYNE_EDATA,
     "F32 (3, 4); it should be F32 (4, 3)"},
    {"flat",
     {{.name = "fc1.weight", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {12}, .data = numbers}, FC2, NORM},
     3,
     LYNE_EDATA,
     "F32 (12); it should be F32 (4, 3)"},
    {"whole numbers",
     {{.name = "fc1.weight", .dtype = LYNE_DTYPE_I32, .rank = 2, .dims = {4, 3}, .data = numbers}, FC2, NORM},
     3,
     LYNE_EDATA,
     "fc1.weight"},
    {"half as wide",
     {{.name = "fc1.weight", .dtype = LYNE_DTYPE_BF16, .rank = 2, .dims = {4, 3}, .data = numbers}, FC2, NORM},
     3,
     LYNE_EDATA,
     "fc1.weight"},
    {"NaN",
     {FC1, FC2, {.name = "norm.weight", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {3}, .data = with_nan}},
     3,
     LYNE_EDATA,
     "norm.weight[2] is not a finite number"},
    {"infinity",
     {FC1, {.name = "fc2.weight", .dtype = LYNE_DTYPE_F32, .rank = 1, .dims = {2}, .data = with_infinity}, NORM},
     3,
     LYNE_EDATA,
     "fc2.weight[0] is not a finite number"},
};

Test(weights_file, tensors_that_are_not_the_models) {
    lyne_graph *g = model();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        lyne_weights *w = new_weights(g, 1);
        const uint64_t version = w->version;
        lyne_error err = {0};
        cr_assert_eq(lyne_safetensors_write(path, files[i].tensor, files[i].n, NULL, 0, NULL), LYNE_OK);
        cr_expect_eq(lyne_weights_load(w, path, &err), files[i].load, "%s: %s", files[i].what, err.text);
        cr_expect(strstr(err.text, files[i].text), "%s: %s", files[i].what, err.text);
        if (files[i].load != LYNE_OK) {
            cr_expect(strstr(err.text, path), "%s: %s", files[i].what, err.text);
            cr_expect_eq(w->version, version, "%s", files[i].what);
        }
        lyne_weights_free(w);
    }
    lyne_graph_free(g);
}

/* Every flipped bit of the whole file, header and all, and every length but the whole is refused, with the file's name and,
 * where the file can be read at all, with what is damaged: its numbers, its metadata or the digest itself. */
Test(weights_file, every_flipped_bit_and_every_length) {
    lyne_graph *g = model();
    lyne_weights *w = new_weights(g, 1);
    save(w);
    uint64_t size, in_numbers = 0, in_metadata = 0;
    lyne_digest digest;
    cr_assert_eq(lyne_file_size(path, &size, NULL), LYNE_OK);
    const uint64_t numbers_at = size - (12 + 3 + 2) * sizeof(float);
    const int fd = open(path, O_RDWR);
    for (uint64_t bit = 0; bit < 8 * size; bit++) {
        lyne_error err = {0};
        flip_bit(fd, bit);
        cr_assert_eq(lyne_weights_load(w, path, &err), LYNE_EDATA, "bit %d of byte %d", (int)(bit % 8), (int)(bit / 8));
        cr_assert(strstr(err.text, path), "%s", err.text);
        cr_assert_eq(lyne_weights_file_digest(path, &digest, NULL), LYNE_EDATA, "bit %d", (int)bit);
        const bool of_numbers = strstr(err.text, "is damaged: its numbers");
        cr_assert(bit / 8 < numbers_at || of_numbers, "bit %d of byte %d: %s", (int)(bit % 8), (int)(bit / 8),
                  err.text);
        in_numbers += of_numbers;
        in_metadata += strstr(err.text, "is damaged: its metadata") != NULL;
        flip_bit(fd, bit);
    }
    cr_expect_geq(in_numbers, 8 * (size - numbers_at));
    cr_expect_geq(in_metadata, 6 * strlen("formatptlynelyne.digestteacher"), "%d flips", (int)in_metadata);
    cr_assert_eq(lyne_weights_load(w, path, NULL), LYNE_OK);
    for (uint64_t n = size; n-- > 0;) {
        lyne_error err = {0};
        cr_assert_eq(ftruncate(fd, (off_t)n), 0);
        cr_assert_eq(lyne_weights_load(w, path, &err), LYNE_EDATA, "cut to %d", (int)n);
        cr_assert(strstr(err.text, path), "%s", err.text);
    }
    close(fd);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

/* The same told in another way, as a tool does that reads a model and writes it again: the order of tensors and metadata. */
Test(weights_file, written_again_by_another_tool) {
    lyne_graph *g = model();
    lyne_weights *w = new_weights(g, 1);
    save(w);
    lyne_safetensors s;
    lyne_safetensors_writer to;
    cr_assert_eq(lyne_safetensors_open(&s, path, NULL), LYNE_OK);
    cr_assert(s.n == 3 && s.n_metadata == 3);
    const lyne_array turned[] = {s.tensor[2], s.tensor[0], s.tensor[1]};
    const lyne_pair metadata[] = {s.metadata[2], s.metadata[0], s.metadata[1], {"a", ""}};
    static const struct {
        size_t first, n;
        lyne_status status;
        const char *text;
    } rows[] = {
        {0, 3, LYNE_OK, ""}, /* digest, format, lyne */
        {0, 4, LYNE_EDATA, "its metadata do not have the digest"},
        {0, 2, LYNE_EDATA, "its metadata do not have the digest"},
        {1, 2, LYNE_EDATA, "its metadata have no lyne.digest"},
        {3, 1, LYNE_OK, ""}, /* nothing of ours */
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        lyne_error err = {0};
        cr_assert_eq(lyne_safetensors_begin(&to, path, turned, 3, metadata + rows[r].first, rows[r].n, NULL), LYNE_OK);
        for (int i = 0; i < 3; i++)
            cr_assert_eq(lyne_safetensors_append(&to, turned[i].data, turned[i].bytes, NULL), LYNE_OK);
        cr_assert_eq(lyne_safetensors_finish(&to, NULL), LYNE_OK);
        cr_expect_eq(lyne_weights_load(w, path, &err), rows[r].status, "row %zu: %s", r, err.text);
        cr_expect(strstr(err.text, rows[r].text), "row %zu: %s", r, err.text);
    }
    lyne_safetensors_close(&s);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

Test(weights_file, missing_file) {
    lyne_graph *g = model();
    lyne_weights *w = new_weights(g, 1);
    lyne_error err = {0};
    cr_expect_eq(lyne_weights_load(w, path, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, path), "%s", err.text);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

Test(weights_file, each_allocation_fails_once) {
    lyne_graph *g = model();
    lyne_weights *w = new_weights(g, 1);
    save(w);
    for (uint64_t i = 1;; i++) {
        const uint64_t before = lyne_memory_count();
        lyne_memory_fail_at(i);
        lyne_status saved = lyne_weights_save(w, path, NULL, NULL);
        if (lyne_memory_count() - before < i) break;
        cr_expect_eq(saved, LYNE_ENOSPACE, "saving, allocation %llu", (unsigned long long)i);
    }
    for (uint64_t i = 1;; i++) {
        const uint64_t before = lyne_memory_count();
        lyne_memory_fail_at(i);
        lyne_status loaded = lyne_weights_load(w, path, NULL);
        if (lyne_memory_count() - before < i) break;
        cr_expect_eq(loaded, LYNE_ENOSPACE, "loading, allocation %llu", (unsigned long long)i);
    }
    lyne_weights_free(w);
    lyne_graph_free(g);
}

/* As many parameters as a graph takes, with the longest entries that a header can have for each, are read back; and it takes
 * no more. */
Test(weights_file, as_many_as_can_be_read) {
    enum { MOST = 12000 };
    lyne_graph *g = new_graph(1);
    char name[64];
    lyne_error err = {0};
    for (int i = 0; i < MOST; i++) {
        snprintf(name, sizeof name, "layer%d.conv_with_a_name", i);
        cr_assert(toy_param(g, name, LYNE_SHAPE(1, 1, 1, 1)));
    }
    lyne_weights *w = new_weights(g, 1);
    save(w);
    cr_expect_eq(lyne_weights_load(w, path, &err), LYNE_OK, "%s", err.text);
    lyne_weights_free(w);
    cr_expect_null(toy_param(g, "one_more", LYNE_SHAPE(1)));
    lyne_graph_status(g, &err);
    cr_expect_str_eq(err.text, "one_more: a model has at most 12000 arrays of parameters, and this is one more");
    lyne_graph_free(g);
}
