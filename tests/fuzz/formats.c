/* tests/fuzz/formats.c -- files of other programs. */
#include "base/file.h"
#include "base/memory.h"
#include "formats/gzip.h"
#include "formats/json.h"
#include "formats/members.h"
#include "formats/npy.h"
#include "formats/picture.h"
#include "formats/safetensors.h"
#include "fuzz.h"
#include <string.h>

static void run_safetensors(const uint8_t *data, size_t size) {
    lyne_safetensors s;
    fuzz_put("f", data, size);
    if (lyne_safetensors_open(&s, fuzz_path("f"), NULL) == LYNE_OK) {
        for (size_t i = 0; i < s.n; i++) fuzz_touch(s.tensor[i].data, s.tensor[i].bytes);
        for (size_t i = 0; i < s.n; i++) fuzz_touch(s.tensor[i].name, strlen(s.tensor[i].name));
        for (size_t i = 0; i < s.n_metadata; i++) fuzz_touch(s.metadata[i].value, strlen(s.metadata[i].value));
        const void *numbers;
        if (lyne_safetensors_get(&s, "fc.weight", LYNE_DTYPE_F32, 2, (const int64_t[]){2, 3}, &numbers, NULL) ==
            LYNE_OK)
            fuzz_touch(numbers, 2 * 3 * sizeof(float));
        const char *value = lyne_safetensors_metadata(&s, "lyne");
        if (value) fuzz_touch(value, strlen(value));
    }
    lyne_safetensors_close(&s);
}

static void seed_safetensors(void) {
    const float numbers[6] = {1, 2, 3, 4, 5, 6};
    const lyne_array tensors[] = {
        {.name = "fc.weight", .dtype = LYNE_DTYPE_F32, .rank = 2, .dims = {2, 3}, .data = numbers},
        {.name = "ids", .dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {3}, .data = numbers},
        {.name = "one", .dtype = LYNE_DTYPE_I64, .rank = 0, .data = numbers}};
    lyne_safetensors_write(fuzz_path("all"), tensors, 3, &(lyne_pair){"lyne", "1"}, 1, NULL);
    lyne_safetensors_write(fuzz_path("none"), NULL, 0, NULL, 0, NULL);
}

static void run_npy(const uint8_t *data, size_t size) {
    lyne_npy npy;
    fuzz_put("f", data, size);
    if (lyne_npy_open(&npy, fuzz_path("f"), NULL) == LYNE_OK) fuzz_touch(npy.array.data, npy.array.bytes);
    lyne_npy_close(&npy);
}

static void seed_npy(void) {
    const double numbers[6] = {0};
    lyne_npy_write(fuzz_path("f8"), &(lyne_array){.dtype = LYNE_DTYPE_F64, .rank = 2, .dims = {2, 3}, .data = numbers},
                   NULL);
    lyne_npy_write(fuzz_path("u1"), &(lyne_array){.dtype = LYNE_DTYPE_U8, .rank = 1, .dims = {5}, .data = numbers},
                   NULL);
}

static void run_json(const uint8_t *data, size_t size) {
    json_t *value, *inner;
    const char *text;
    int64_t whole;
    double real;
    lyne_digest digest;
    fuzz_put("f", data, size);
    if (lyne_json_load(fuzz_path("f"), 1 << 20, &value, NULL) == LYNE_OK && json_is_object(value)) {
        lyne_json_text(value, "a", &text, NULL);
        lyne_json_int(value, "a", 1, 9, &whole, NULL);
        lyne_json_real(value, "a", &real, NULL);
        lyne_json_digest(value, "a", &digest, NULL);
        lyne_json_array(value, "a", &inner, NULL);
        lyne_json_object(value, "a", &inner, NULL);
        lyne_json_save(fuzz_path("g"), value, NULL);
    }
    json_decref(value);
}

static void seed_json(void) {
    static const char *const texts[] = {"{\"a\": 3, \"b\": [1e3, true, null]}",
                                        "{\"a\": \"00000000000000000000000000000001\"}",
                                        "{\"a\": {\"c\": \"\\u00e9\\ud83d\\ude00\"}}"};
    for (int i = 0; i < 3; i++) fuzz_seed((const char[]){(char)('0' + i), 0}, texts[i], strlen(texts[i]));
}

static void run_gzip(const uint8_t *data, size_t size) {
    unsigned char *out;
    size_t n;
    fuzz_put("f", data, size);
    if (lyne_inflate(fuzz_path("f"), 1 << 20, &out, &n, NULL) == LYNE_OK) {
        fuzz_touch(out, n);
        lyne_free(out);
    }
}

static void run_tar(const uint8_t *data, size_t size) {
    lyne_members m;
    fuzz_put("f", data, size);
    if (lyne_members_read(&m, fuzz_path("f"), (lyne_members_limit){.bytes = 1 << 20, .member = 1 << 16, .count = 100},
                          NULL) == LYNE_OK)
        fuzz_touch(m.bytes, m.n_bytes);
    lyne_members_free(&m);
}

/* One member, ustar, by hand: its header and a block. */
static void seed_tar(void) {
    static char tar[512 * 4];
    memcpy(tar, "cat/1.png", 9);
    memcpy(tar + 100, "0000644\0000000000\0000000000\00000000000005\00000000000000", 48);
    memset(tar + 148, ' ', 8);
    tar[156] = '0';
    memcpy(tar + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (int i = 0; i < 512; i++) sum += (unsigned char)tar[i];
    for (int i = 0; i < 6; i++) tar[153 - i] = (char)('0' + (sum >> 3 * i & 7));
    tar[154] = 0;
    memcpy(tar + 512, "bytes", 5);
    fuzz_seed("tar", tar, sizeof tar);
}

/* The shape that is wanted comes from the bytes, the picture from the rest. */
static void run_picture(const uint8_t *data, size_t size) {
    static uint8_t pixels[3 * 64 * 64];
    if (size < 2) return;
    const lyne_pixels want = {.channels = data[0] & 128 ? 1 : 3, .height = 1 + data[0] % 64, .width = 1 + data[1] % 64};
    if (lyne_picture_decode("picture", data + 2, size - 2, want, pixels, NULL) == LYNE_OK)
        fuzz_touch(pixels, (size_t)(want.channels * want.height * want.width));
}

const fuzz_target fuzz_formats[] = {
    {"safetensors", "formats/safetensors.c", run_safetensors, seed_safetensors, false},
    {"npy", "formats/npy.c", run_npy, seed_npy, false},
    {"json", "formats/json.c", run_json, seed_json, false},
    {"gzip", "formats/gzip.c", run_gzip, NULL, false},
    {"tar", "formats/members.c", run_tar, seed_tar, false},
    {"picture", "formats/picture.c", run_picture, NULL, false},
    {.name = NULL},
};
