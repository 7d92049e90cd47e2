/* tests/formats/encode.h -- pictures to decode: a slope of colours as JPEG or PNG. */
#ifndef TESTS_FORMATS_ENCODE_H
#define TESTS_FORMATS_ENCODE_H

#include <criterion/criterion.h>
#include <png.h>
#include <stdint.h>
#include <string.h>
#include <turbojpeg.h>

/* Pixel (y, x) of a picture with a seed of its own; smooth, as JPEG likes it. */
static inline void slope(int height, int width, int seed, uint8_t *rgb) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, rgb += 3) {
            rgb[0] = (uint8_t)(seed + 4 * x);
            rgb[1] = (uint8_t)(seed + 4 * y);
            rgb[2] = (uint8_t)(200 - 2 * x - 2 * y);
        }
}

/* Into out, which has room; returns the size. */
static inline size_t encode_jpeg(const uint8_t *rgb, int height, int width, uint8_t *out, size_t room) {
    unsigned char *jpeg = NULL;
    unsigned long size = 0;
    tjhandle h = tjInitCompress();
    cr_assert(!tjCompress2(h, rgb, width, 0, height, TJPF_RGB, &jpeg, &size, TJSAMP_444, 98, TJFLAG_ACCURATEDCT));
    cr_assert(size <= room);
    memcpy(out, jpeg, size);
    tjFree(jpeg);
    tjDestroy(h);
    return size;
}

static inline size_t encode_png(const uint8_t *pixels, int height, int width, png_uint_32 format, uint8_t *out,
                                size_t room) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    png_alloc_size_t size = room;
    image.height = (png_uint_32)height;
    image.width = (png_uint_32)width;
    image.format = format;
    cr_assert(png_image_write_to_memory(&image, out, &size, 0, pixels, 0, NULL));
    return size;
}

#endif
