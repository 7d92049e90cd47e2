/* ops/pool.c -- see pool.h. */
#include "ops/pool.h"

const lyne_field lyne_pool_fields[] = {
    LYNE_INT(lyne_pool_config, kernel, "height and width of the window [pixels]", "2", 1, 1024),
    LYNE_INT(lyne_pool_config, stride, "step between windows, 0: as wide as the window [pixels]", "0", 0, 1024),
    LYNE_INT(lyne_pool_config, padding, "border around the picture that does not count, at most half a window [pixels]",
             "0", 0, 1024),
    LYNE_FIELDS_END};

int64_t lyne_pool_stride(const lyne_pool_config *c) {
    return c->stride ? c->stride : c->kernel;
}

lyne_status lyne_pool_shape(lyne_node *n, lyne_error *err) {
    const lyne_pool_config *c = n->config;
    const int64_t *src = n->src[0]->shape.dim;
    int64_t size[2];
    lyne_status status = lyne_check_picture(n, err);
    if (status != LYNE_OK) return status;
    if (2 * c->padding > c->kernel)
        return lyne_fail(err, LYNE_ERECIPE, "padding %lld is more than half of kernel %lld", (long long)c->padding,
                         (long long)c->kernel);
    status = lyne_window_slide(n, (lyne_window){c->kernel, lyne_pool_stride(c), c->padding, 1}, size, err);
    n->shape = LYNE_SHAPE(src[0], src[1], size[0], size[1]);
    return status;
}
