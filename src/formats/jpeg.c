/* formats/jpeg.c -- libjpeg-turbo decodes.  Its warnings (data that end early, or make no sense) are failures here, and
 * so is a progressive file of more scans than any encoder writes, which would take minutes. */
#include "formats/picture.h"

#include <turbojpeg.h>

lyne_status lyne_jpeg_decode(const char *name, const uint8_t *bytes, size_t size, lyne_pixels want, uint8_t *dst,
                             lyne_error *err) {
    int width, height, subsampling, colours;
    lyne_status status = LYNE_OK;
    tjhandle h = tjInitDecompress();
    if (!h) return lyne_fail_memory(err, name);
    if (tjDecompressHeader3(h, bytes, size, &width, &height, &subsampling, &colours) != 0)
        status = lyne_fail(err, LYNE_EDATA, "%s: is no JPEG that can be read: %s", name, tjGetErrorStr2(h));
    else if (width != want.width || height != want.height)
        status = lyne_picture_misfit(name, height, width, want, err);
    else if (tjDecompress2(h, bytes, size, dst, want.width, 0, want.height, want.channels == 1 ? TJPF_GRAY : TJPF_RGB,
                           TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS) != 0)
        status = lyne_fail(err, LYNE_EDATA, "%s: is damaged or cut short: %s", name, tjGetErrorStr2(h));
    tjDestroy(h);
    return status;
}
