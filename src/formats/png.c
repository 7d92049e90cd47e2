/* formats/png.c -- libpng decodes, by its simplified interface: 8 bits a channel, sRGB, palettes expanded. */
#include "formats/picture.h"

#include <png.h>

lyne_status lyne_png_decode(const char *name, const uint8_t *bytes, size_t size, lyne_pixels want, uint8_t *dst,
                            lyne_error *err) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    lyne_status status = LYNE_OK;
    if (!png_image_begin_read_from_memory(&image, bytes, size))
        return lyne_fail(err, LYNE_EDATA, "%s: is no PNG that can be read: %s", name, image.message);
    if (image.height != (png_uint_32)want.height || image.width != (png_uint_32)want.width) {
        status = lyne_picture_misfit(name, image.height, image.width, want, err);
    } else if (image.format & PNG_FORMAT_FLAG_ALPHA) {
        status = lyne_fail(err, LYNE_EDATA, "%s: is transparent in places; flatten it onto a background", name);
    } else {
        image.format = want.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
        if (!png_image_finish_read(&image, NULL, dst, 0, NULL))
            status = lyne_fail(err, LYNE_EDATA, "%s: is damaged or cut short: %s", name, image.message);
    }
    png_image_free(&image);
    return status;
}
