/* formats/png.c -- libpng decodes, by its simplified interface: 8 bits a channel, sRGB, palettes expanded.
 *
 * It would also unpack and keep the texts of a picture, up to 1,000 of 8 MB each, 8 kB of the file making one, and ask for
 * 2 GiB for a chunk that says it has them where the file ends.  So packed texts, which say nothing of the pixels, and a
 * chunk that is cut short, but for pixels, are left out before it sees them. */
#include "base/memory.h"
#include "formats/picture.h"

#include <png.h>
#include <string.h>

enum { SIGNATURE = 8, AROUND = 12 /* bytes of a chunk beside its data: length, name, checksum */ };

static bool is_called(const uint8_t *chunk, const char *name) {
    return memcmp(chunk + 4, name, 4) == 0;
}

/* The chunks that libpng is to see, to `out` (NULL: only counted).  The bytes there are. */
static size_t keep_chunks(const uint8_t *bytes, size_t size, uint8_t *out) {
    size_t kept = SIGNATURE;
    if (out) memcpy(out, bytes, SIGNATURE);
    for (size_t at = SIGNATURE, n; size - at >= AROUND; at += n) {
        const uint8_t *chunk = bytes + at;
        n = AROUND + (size_t)png_get_uint_32(chunk);
        const bool is_cut = n > size - at;
        if (is_cut) n = size - at;
        if (is_called(chunk, "zTXt") || is_called(chunk, "iTXt") || (is_cut && !is_called(chunk, "IDAT"))) continue;
        if (out) memcpy(out + kept, chunk, n);
        kept += n;
    }
    return kept;
}

static lyne_status decode(const char *name, const uint8_t *bytes, size_t size, lyne_pixels want, uint8_t *dst,
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

lyne_status lyne_png_decode(const char *name, const uint8_t *bytes, size_t size, lyne_pixels want, uint8_t *dst,
                            lyne_error *err) {
    const size_t kept = keep_chunks(bytes, size, NULL);
    if (kept == size) return decode(name, bytes, size, want, dst, err);
    uint8_t *copy = lyne_alloc(kept, 1);
    if (!copy) return lyne_fail_memory(err, name);
    keep_chunks(bytes, size, copy);
    const lyne_status status = decode(name, copy, kept, want, dst, err);
    lyne_free(copy);
    return status;
}
