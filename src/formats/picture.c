/* formats/picture.c -- see picture.h. */
#include "formats/picture.h"

#include <string.h>

lyne_status lyne_picture_misfit(const char *name, long long height, long long width, lyne_pixels want,
                                lyne_error *err) {
    return lyne_fail(err, LYNE_EDATA, "%s: is %lld x %lld pixels (height x width) where %d x %d are described", name,
                     height, width, want.height, want.width);
}

lyne_status lyne_picture_decode(const char *name, const uint8_t *bytes, size_t size, lyne_pixels want, uint8_t *dst,
                                lyne_error *err) {
    static const uint8_t jpeg[] = {0xFF, 0xD8, 0xFF}, png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    if (size >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        return lyne_jpeg_decode(name, bytes, size, want, dst, err);
    if (size >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        return lyne_png_decode(name, bytes, size, want, dst, err);
    return lyne_fail(err, LYNE_EDATA, "%s: begins neither as a JPEG nor as a PNG (%zu bytes)", name, size);
}
