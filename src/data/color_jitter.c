/* data/color_jitter.c -- change brightness, contrast, saturation and hue by random factors, in a random order.
 *   brightness f x            contrast f x + (1 - f) mean(grey)       saturation f x + (1 - f) grey
 *   hue: turned by f of a full circle, in HSV                    grey = 0.2989 red + 0.587 green + 0.114 blue
 * The first three f are uniform in max(0, 1 - s)..1 + s, that of hue in -s..s, where s is the field; results are kept
 * within 0..255.  As torchvision's ColorJitter, but rounded once, at the end.  A picture that has not three channels is
 * all grey: it has no saturation or hue.
 * Draws: the four factors in this order, then the order of the steps by Fisher and Yates. */
#include "data/augmentation.h"

#include <math.h>

enum { BRIGHTNESS, CONTRAST, SATURATION, HUE, N_STEPS };

typedef struct jitter_config {
    double strength[N_STEPS];
} jitter_config;

#define STRENGTH(step, most)                                                                                           \
    .type = LYNE_FIELD_FLOAT, .fallback = "0", .offset = offsetof(jitter_config, strength) + (step) * sizeof(double),  \
    LYNE_RANGE(0, most)
static const lyne_field fields[] = {
    {.name = "brightness", .help = "the factor's farthest way from 1", STRENGTH(BRIGHTNESS, 100)},
    {.name = "contrast", .help = "the factor's farthest way from 1", STRENGTH(CONTRAST, 100)},
    {.name = "saturation", .help = "the factor's farthest way from 1", STRENGTH(SATURATION, 100)},
    {.name = "hue", .help = "the farthest turn in each direction [full circles]", STRENGTH(HUE, 0.5)},
    LYNE_FIELDS_END,
};

static const char *check(const void *config) {
    const jitter_config *c = config;
    for (int k = 0; k < N_STEPS; k++)
        if (c->strength[k] > 0) return NULL;
    return "nothing is changed; give brightness, contrast, saturation or hue, as in {brightness: 0.4}";
}

/* What was drawn for a picture. */
typedef struct jitter {
    float factor[N_STEPS];
    int step[N_STEPS]; /* in the order in which they are taken */
    float mean;        /* of grey, where contrast is changed   */
} jitter;

static jitter draw(const jitter_config *c, lyne_stream *stream) {
    jitter j = {.step = {BRIGHTNESS, CONTRAST, SATURATION, HUE}};
    for (int k = 0; k < N_STEPS; k++) {
        const double s = c->strength[k];
        j.factor[k] =
            (float)(k == HUE ? lyne_draw_between(stream, -s, s) : lyne_draw_between(stream, s < 1 ? 1 - s : 0, 1 + s));
    }
    for (int k = N_STEPS - 1; k > 0; k--) {
        const int64_t other = lyne_stream_between(stream, 0, k);
        const int step = j.step[k];
        j.step[k] = j.step[other];
        j.step[other] = step;
    }
    return j;
}

static float clamp(float v) {
    return v < 0 ? 0 : v > 255 ? 255 : v;
}

/* channels: 3 or 1, here and below. */
static float grey_of(const float *x, int channels) {
    return channels == 3 ? 0.2989f * x[0] + 0.587f * x[1] + 0.114f * x[2] : x[0];
}

/* RGB to HSV and back, hue turned: the sector of six that the hue is in says which channel is the largest, which the
 * smallest and on which side of the way between them the third is. */
static void turn_hue(float x[3], float turn) {
    const float max = fmaxf(fmaxf(x[0], x[1]), x[2]), min = fminf(fminf(x[0], x[1]), x[2]), range = max - min;
    if (!(range > 0)) return;
    float h = max == x[0]   ? (x[1] - x[2]) / range
              : max == x[1] ? 2 + (x[2] - x[0]) / range
                            : 4 + (x[0] - x[1]) / range; /* in sixths */
    h += 6 * turn;
    h -= 6 * floorf(h / 6);
    const int sector = h < 6 ? (int)h : 0;
    const float part = h < 6 ? h - (float)sector : 0, up = min + range * part, down = max - range * part;
    const float table[6][3] = {{max, up, min},   {down, max, min}, {min, max, up},
                               {min, down, max}, {up, min, max},   {max, min, down}};
    for (int c = 0; c < 3; c++) x[c] = table[sector][c];
}

/* One pixel through the steps before `end`. */
static void change(const jitter *j, int end, int channels, float *x) {
    for (int k = 0; k < end; k++) {
        const int step = j->step[k];
        const float f = j->factor[step];
        if (step == HUE) {
            if (channels == 3) turn_hue(x, f);
            continue;
        }
        if (step == SATURATION && channels != 3) continue;
        const float other = step == BRIGHTNESS ? 0 : step == CONTRAST ? j->mean : grey_of(x, channels);
        for (int c = 0; c < channels; c++) x[c] = clamp(f * x[c] + (1 - f) * other);
    }
}

/* The mean that contrast pulls to is that of the picture as it is when its turn comes. */
static float mean_before_contrast(const jitter *j, int64_t pixels, int channels, const uint8_t *src) {
    int end = 0;
    double sum = 0;
    while (j->step[end] != CONTRAST) end++;
    for (int64_t i = 0; i < pixels; i++, src += channels) {
        float x[3];
        for (int c = 0; c < channels; c++) x[c] = (float)src[c];
        change(j, end, channels, x);
        sum += (double)grey_of(x, channels);
    }
    return (float)(sum / (double)pixels);
}

static void apply(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    const int channels = size.channels == 3 ? 3 : 1;
    const int64_t pixels = size.height * size.width * size.channels / channels;
    jitter j = draw(config, stream);
    if (((const jitter_config *)config)->strength[CONTRAST] > 0)
        j.mean = mean_before_contrast(&j, pixels, channels, src);
    for (int64_t i = 0; i < pixels; i++, src += channels, dst += channels) {
        float x[3];
        for (int c = 0; c < channels; c++) x[c] = (float)src[c];
        change(&j, N_STEPS, channels, x);
        for (int c = 0; c < channels; c++) dst[c] = (uint8_t)(x[c] + 0.5f);
    }
}

const lyne_augmentation lyne_augmentation_color_jitter = {
    .component = {.kind = LYNE_AUGMENTATION,
                  .name = "color_jitter",
                  .help = "change brightness, contrast, saturation and hue by random factors",
                  .source = "Howard 2013, arXiv:1312.5402, section 2.2",
                  .example = "{color_jitter: {brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1}}",
                  .config_size = sizeof(jitter_config),
                  .fields = fields,
                  .check = check},
    .apply = apply,
};
