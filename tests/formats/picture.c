/* tests/formats/picture.c -- decoding: the pixels, other shapes, every truncation, every changed byte. */
#include "formats/picture.h"

#include "encode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { H = 12, W = 20, SIZE = H * W * 3, ROOM = 1 << 13 };
static const lyne_pixels rgb = {3, H, W}, grey = {1, H, W};
static uint8_t original[SIZE], bytes[ROOM], decoded[SIZE + 1];

static size_t jpeg(void) {
    slope(H, W, 10, original);
    return encode_jpeg(original, H, W, bytes, ROOM);
}
static size_t png(void) {
    slope(H, W, 10, original);
    return encode_png(original, H, W, PNG_FORMAT_RGB, bytes, ROOM);
}

Test(picture, png_is_exact) {
    lyne_error err = {0};
    const size_t n = png();
    decoded[SIZE] = 77;
    cr_assert_eq(lyne_picture_decode("p", bytes, n, rgb, decoded, &err), LYNE_OK, "%s", err.text);
    cr_expect_arr_eq(decoded, original, SIZE);
    cr_expect_eq(decoded[SIZE], 77);
}

Test(picture, jpeg_is_close) {
    lyne_error err = {0};
    const size_t n = jpeg();
    decoded[SIZE] = 77;
    cr_assert_eq(lyne_picture_decode("p", bytes, n, rgb, decoded, &err), LYNE_OK, "%s", err.text);
    for (int i = 0; i < SIZE; i++) cr_assert(abs(decoded[i] - original[i]) <= 6, "%d: %d", i, decoded[i]);
    cr_expect_eq(decoded[SIZE], 77);
}

Test(picture, grey) {
    lyne_error err = {0};
    for (int i = 0; i < H * W; i++) memset(original + 3 * i, i % 251, 3);
    size_t n = encode_png(original, H, W, PNG_FORMAT_RGB, bytes, ROOM);
    cr_assert_eq(lyne_picture_decode("p", bytes, n, grey, decoded, &err), LYNE_OK, "%s", err.text);
    for (int i = 0; i < H * W; i++) cr_assert_eq(decoded[i], i % 251);
    n = encode_jpeg(original, H, W, bytes, ROOM);
    decoded[H * W] = 77;
    cr_assert_eq(lyne_picture_decode("p", bytes, n, grey, decoded, &err), LYNE_OK, "%s", err.text);
    cr_expect_eq(decoded[H * W], 77);
}

Test(picture, refused) {
    lyne_error err = {0};
    static const lyne_pixels others[] = {{3, W, H}, {3, H + 1, W}, {3, H, W - 1}};
    for (int kind = 0; kind < 2; kind++) {
        const size_t n = kind ? png() : jpeg();
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            err = (lyne_error){0};
            cr_expect_eq(lyne_picture_decode("cat/1.jpg", bytes, n, others[i], decoded, &err), LYNE_EDATA);
            cr_expect(strstr(err.text, "cat/1.jpg: is 12 x 20 pixels (height x width) where "), "%s", err.text);
        }
    }
    err = (lyne_error){0};
    cr_expect_eq(lyne_picture_decode("p", (const uint8_t *)"GIF89a", 6, rgb, decoded, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "p: begins neither as a JPEG nor as a PNG (6 bytes)"), "%s", err.text);
    static uint8_t rgba[H * W * 4];
    err = (lyne_error){0};
    const size_t n = encode_png(rgba, H, W, PNG_FORMAT_RGBA, bytes, ROOM);
    cr_expect_eq(lyne_picture_decode("p", bytes, n, rgb, decoded, &err), LYNE_EDATA);
    cr_expect(strstr(err.text, "p: is transparent"), "%s", err.text);
}

/* Texts say nothing of the pixels: where they stand, packed or not, and whole or not. */
Test(picture, texts_in_a_png) {
    static const char *const names[] = {"tEXt", "zTXt", "iTXt"};
    static uint8_t with[ROOM + 64], whole[SIZE];
    enum { HEADER = 33, TEXT = 12 + 20 };
    const size_t n = png();
    cr_assert_eq(lyne_picture_decode("p", bytes, n, rgb, whole, NULL), LYNE_OK);
    for (size_t i = 0; i < 3; i++) {
        lyne_error err = {0};
        memcpy(with, bytes, HEADER);
        memset(with + HEADER, 1, TEXT);
        memcpy(with + HEADER, (const uint8_t[]){0, 0, 0, TEXT - 12}, 4);
        memcpy(with + HEADER + 4, names[i], 4);
        memcpy(with + HEADER + TEXT, bytes + HEADER, n - HEADER);
        memset(decoded, 0, SIZE);
        cr_assert_eq(lyne_picture_decode("p", with, n + TEXT, rgb, decoded, &err), LYNE_OK, "%s: %s", names[i],
                     err.text);
        cr_expect_arr_eq(decoded, whole, SIZE);
        for (size_t cut = HEADER; cut < HEADER + TEXT + 12; cut++) {
            uint8_t *copy = malloc(cut); /* so that a sanitizer sees reading on */
            memcpy(copy, with, cut);
            cr_expect_eq(lyne_picture_decode("p", copy, cut, rgb, decoded, NULL), LYNE_EDATA, "%s, %zu", names[i], cut);
            free(copy);
        }
        memset(with + HEADER, 0xFF, 4); /* longer than the file, and than a chunk may be */
        cr_expect_eq(lyne_picture_decode("p", with, n + TEXT, rgb, decoded, NULL), LYNE_EDATA, "%s", names[i]);
    }
}

/* Of this process, with what it asked for and never touched. */
static size_t most_address_space(void) {
    char line[256];
    size_t kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    cr_assert_not_null(status);
    while (fgets(line, sizeof line, status) && sscanf(line, "VmPeak: %zu kB", &kilobytes) != 1) continue;
    fclose(status);
    cr_assert_gt(kilobytes, 0);
    return kilobytes;
}

/* A chunk that says that it has 2 GiB, where the file ends behind its name or somewhat later. */
Test(picture, chunks_of_a_png_that_is_cut) {
    static const char *const names[] = {"tEXt", "zTXt", "iTXt", "iCCP", "eXIf", "sPLT", "pCAL", "IDAT", "mine"};
    enum { HEADER = 33 };
    const size_t before = most_address_space();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        png();
        memcpy(bytes + HEADER, (const uint8_t[]){0x7F, 0xFF, 0xFF, 0xFF}, 4);
        memcpy(bytes + HEADER + 4, names[i], 4);
        for (size_t more = 0; more < 40; more++) {
            lyne_error err = {0};
            cr_expect_eq(lyne_picture_decode("p", bytes, HEADER + 8 + more, rgb, decoded, &err), LYNE_EDATA);
            cr_expect(strncmp(err.text, "p: ", 3) == 0, "%s", err.text);
        }
        cr_expect_lt(most_address_space() - before, 512 << 10, "%s: kilobytes", names[i]);
    }
}

/* 30 bytes that ask for 65,500 x 65,500 pixels. */
Test(picture, bombs) {
    static const uint8_t header[] = {0xFF, 0xD8, 0xFF, 0xC0, 0,    17, 8, 0xFF, 0xDC, 0xFF, 0xDC, 3,
                                     1,    0x11, 0,    2,    0x11, 0,  3, 0x11, 0,    0xFF, 0xDA, 0};
    lyne_error err = {0};
    cr_expect_eq(lyne_picture_decode("p", header, sizeof header, rgb, decoded, &err), LYNE_EDATA);
    const size_t n = png();
    memset(bytes + 16, 0x7F, 4); /* the width of IHDR, whose checksum then fails as well */
    err = (lyne_error){0};
    cr_expect_eq(lyne_picture_decode("p", bytes, n, rgb, decoded, &err), LYNE_EDATA);
}

Test(picture, every_truncation_and_change) {
    for (int kind = 0; kind < 2; kind++) {
        const size_t n = kind ? png() : jpeg();
        /* without the marker at its end a JPEG has all its pixels, and without IEND a PNG: that may pass */
        for (size_t cut = 0; cut < n - 12; cut++) {
            lyne_error err = {0};
            uint8_t *copy = malloc(cut + 1); /* so that a sanitizer sees reading on */
            memcpy(copy, bytes, cut);
            cr_expect_eq(lyne_picture_decode("p", copy, cut, rgb, decoded, &err), LYNE_EDATA, "%d: cut at %zu of %zu",
                         kind, cut, n);
            cr_expect(strncmp(err.text, "p: ", 3) == 0, "%s", err.text);
            free(copy);
        }
        for (size_t i = 0; i < n; i++) {
            lyne_error err = {0};
            bytes[i] ^= 0x55;
            const lyne_status status = lyne_picture_decode("p", bytes, n, rgb, decoded, &err);
            cr_expect(status == LYNE_OK || status == LYNE_EDATA, "%s", err.text);
            bytes[i] ^= 0x55;
        }
    }
}
