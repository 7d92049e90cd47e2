/* tests/graph/weights_file.c -- model.safetensors: the same numbers come back, and nothing else is taken for them.
 *
 * That PyTorch opens such a file was seen with safetensors.torch.load_file of safetensors 0.8 and torch 2.13. */
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
    strcpy(directory, "/tmp/lyne-graph-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
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

/* A model that an earlier version wrote; made anew by LYNE_MAKE_GOLDEN=1 test_graph, which no change of the code asks for. */
Test(weights_file, of_an_earlier_version) {
    static const char golden[] = LYNE_SOURCE_DIR "/tests/golden/model.safetensors";
    lyne_graph *g = model();
    lyne_weights *w = new_weights(g, 1), *read = new_weights(g, 2);
    for (size_t i = 0; i < w->n_trained; i++) w->value[i] = w->value[i] == 0 ? 0 : (float)i / 8;
    lyne_error err = {0};
    if (getenv("LYNE_MAKE_GOLDEN"))
        cr_assert_eq(lyne_weights_save(w, golden, "teacher", &err), LYNE_OK, "%s", err.text);
    cr_assert_eq(lyne_weights_load(read, golden, &err), LYNE_OK, "%s", err.text);
    cr_expect_arr_eq(w->value, read->value, w->n_values * sizeof(float));
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

Test(weights_file, any_changed_byte_of_the_numbers_is_found) {
    lyne_graph *g = model();
    lyne_weights *w = new_weights(g, 1);
    save(w);
    char *bytes;
    size_t n;
    lyne_digest digest;
    cr_assert_eq(lyne_file_read(path, 1 << 20, &bytes, &n, NULL), LYNE_OK);
    const size_t numbers_at = n - (12 + 3 + 2) * sizeof(float);
    for (size_t i = numbers_at; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            lyne_error err = {0};
            bytes[i] = (char)(bytes[i] ^ 1 << bit);
            cr_assert_eq(lyne_file_commit(path, bytes, n, NULL), LYNE_OK);
            cr_assert_eq(lyne_weights_load(w, path, &err), LYNE_EDATA, "byte %zu, bit %d", i, bit);
            cr_assert(strstr(err.text, path) && strstr(err.text, "is damaged"), "%s", err.text);
            cr_assert_eq(lyne_weights_file_digest(path, &digest, NULL), LYNE_EDATA, "byte %zu, bit %d", i, bit);
            bytes[i] = (char)(bytes[i] ^ 1 << bit);
        }
    for (size_t cut = 0; cut < n; cut += 5) {
        cr_assert_eq(lyne_file_commit(path, bytes, cut, NULL), LYNE_OK);
        cr_assert_eq(lyne_weights_load(w, path, NULL), LYNE_EDATA, "cut at %zu", cut);
    }
    lyne_free(bytes);
    lyne_weights_free(w);
    lyne_graph_free(g);
}

/* Of the whole file, header and all: a flipped bit is refused, or stands in what is said about the model (its `format`,
 * `lyne`, or the name of a key) and the numbers are those that were saved.  Every length but the whole is refused. */
Test(weights_file, every_flipped_bit_and_every_length) {
    lyne_graph *g = model();
    lyne_weights *saved = new_weights(g, 1), *w = new_weights(g, 2);
    save(saved);
    uint64_t size, passed = 0;
    cr_assert_eq(lyne_file_size(path, &size, NULL), LYNE_OK);
    const size_t bytes = saved->n_values * sizeof(float);
    const int fd = open(path, O_RDWR);
    for (uint64_t bit = 0; bit < 8 * size; bit++) {
        unsigned char was;
        cr_assert_eq(pread(fd, &was, 1, (off_t)(bit / 8)), 1);
        const unsigned char other = (unsigned char)(was ^ 1 << bit % 8);
        cr_assert_eq(pwrite(fd, &other, 1, (off_t)(bit / 8)), 1);
        memset(w->value, 0, bytes);
        const lyne_status status = lyne_weights_load(w, path, NULL);
        cr_assert(status == LYNE_EDATA || (status == LYNE_OK && memcmp(w->value, saved->value, bytes) == 0),
                  "bit %d of byte %d", (int)(bit % 8), (int)(bit / 8));
        passed += status == LYNE_OK;
        cr_assert_eq(pwrite(fd, &was, 1, (off_t)(bit / 8)), 1);
    }
    cr_expect_lt(passed, 8 * strlen("formatptlyne.digestlyneteacher"), "%d flips were taken", (int)passed);
    for (uint64_t n = size; n-- > 0;) {
        cr_assert_eq(ftruncate(fd, (off_t)n), 0);
        cr_assert_eq(lyne_weights_load(w, path, NULL), LYNE_EDATA, "cut to %d", (int)n);
    }
    close(fd);
    lyne_weights_free(saved);
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
