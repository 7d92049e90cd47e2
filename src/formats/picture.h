/* formats/picture.h -- a JPEG or PNG, decoded into pixels of a shape that is known beforehand. */
#ifndef LYNE_FORMATS_PICTURE_H
#define LYNE_FORMATS_PICTURE_H

#include "lyne/status.h"
#include <stddef.h>
#include <stdint.h>

/* What a picture has to be. */
typedef struct lyne_pixels {
    int channels, height, width; /* channels: 1 grey, 3 RGB; what is stored otherwise is converted */
} lyne_pixels;

/** Decode `size` bytes into dst, (H, W, C) u8, all of it written.  Which of the two it is, its first bytes say.  Height
 *  and width are compared with what the header says before a pixel is decoded, so a small file cannot ask for much
 *  memory.  LYNE_EDATA, with `name` in front: another shape, neither of the two, damaged, cut short, or transparent.
 *  Safe from several threads. */
lyne_status lyne_picture_decode(const char *name, const uint8_t *bytes, size_t size, lyne_pixels want, uint8_t *dst,
                                lyne_error *err);

/* The two behind it, for bytes that begin as they should. */
lyne_status lyne_jpeg_decode(const char *name, const uint8_t *bytes, size_t size, lyne_pixels want, uint8_t *dst,
                             lyne_error *err);
lyne_status lyne_png_decode(const char *name, const uint8_t *bytes, size_t size, lyne_pixels want, uint8_t *dst,
                            lyne_error *err);
/** The failure of a picture whose header says another size. */
lyne_status lyne_picture_misfit(const char *name, long long height, long long width, lyne_pixels want, lyne_error *err);

#endif
