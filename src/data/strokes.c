/* data/strokes.c -- digits drawn with a pen, made by arithmetic: a data set that needs no download.
 *
 * Sample i of a split is a function of (seed, split, i) and the fields below, so any part of it can be made anywhere
 * and asking for more samples leaves the first ones as they were.  Its class is i mod 10.  A glyph is a few strokes
 * through named points; a sample moves the points, bends the whole by a random affine map, draws it with a round pen
 * (coverage = 0.5 + radius - distance to the nearest segment, cut to 0..1), fades it and adds noise. */
#include "base/random.h"
#include "data/dataset.h"

#include <math.h>
#include <string.h>

enum { MAX_POINTS = 12, MAX_SIZE = 64, SUBDIVISIONS = 4, N_CLASSES = 10, MAX_VARIANTS = 2 };

typedef struct strokes_config {
    int64_t seed, samples[LYNE_N_SPLITS], size;
    double distortion, noise;
} strokes_config;

static const lyne_field fields[] = {
    LYNE_INT(strokes_config, seed, "another seed is another set of digits from the same hand", "1", 0, 1e15),
    {.name = "train",
     .type = LYNE_FIELD_INT,
     .help = "training samples",
     .fallback = "8000",
     .offset = offsetof(strokes_config, samples[LYNE_TRAIN]),
     LYNE_RANGE(1, 1e7)},
    {.name = "test",
     .type = LYNE_FIELD_INT,
     .help = "test samples",
     .fallback = "2000",
     .offset = offsetof(strokes_config, samples[LYNE_TEST]),
     LYNE_RANGE(1, 1e7)},
    LYNE_INT(strokes_config, size, "width and height [pixels]", "20", 12, MAX_SIZE),
    LYNE_FLOAT(strokes_config, distortion, "how far shapes stray from the glyph: 0 not at all, 1 as intended", "1", 0,
               2),
    LYNE_FLOAT(strokes_config, noise, "standard deviation of the noise on each pixel, where full ink is 1", "0.1", 0,
               1),
    LYNE_FIELDS_END,
};

/* ---- the glyphs ---- */

typedef struct point {
    float x, y;
} point;

/* Points are named a, b, c, ... in order; x to the right and y down, the glyph within -50..50.  A stroke is the names
 * of the points it goes through, smoothly; strokes are parted by spaces, so a corner is a point where two of them meet.
 * A stroke that ends where it began is closed. */
typedef struct glyph {
    const char *strokes;
    signed char point[MAX_POINTS][2];
} glyph;

static const glyph glyphs[N_CLASSES][MAX_VARIANTS] = {
    {{"abcdefgha", {{0, -48}, {21, -36}, {29, 0}, {21, 36}, {0, 48}, {-21, 36}, {-29, 0}, {-21, -36}}},
     {"abcdefghij",
      {{6, -44}, {22, -34}, {29, 0}, {20, 36}, {0, 47}, {-22, 34}, {-29, 0}, {-20, -35}, {-2, -47}, {12, -40}}}},
    {{"ab", {{3, -48}, {-3, 48}}}, {"ab bc", {{-20, -22}, {4, -48}, {2, 48}}}},
    {{"abcdef fg", {{-26, -28}, {-8, -47}, {18, -40}, {22, -14}, {0, 14}, {-28, 46}, {30, 46}}},
     {"abcdefg ghi", {{-24, -32}, {0, -48}, {24, -30}, {10, 2}, {-14, 36}, {-26, 44}, {-16, 32}, {8, 42}, {30, 44}}}},
    {{"abcde efghi", {{-26, -38}, {0, -48}, {23, -36}, {18, -12}, {-6, -2}, {22, 8}, {27, 30}, {2, 48}, {-28, 38}}},
     {"ab bc cdefg", {{-26, -46}, {24, -46}, {-4, -6}, {22, 4}, {26, 28}, {2, 48}, {-28, 38}}}},
    {{"ab bc de", {{12, -48}, {-30, 16}, {32, 16}, {12, -48}, {12, 48}}},
     {"abc de", {{-22, -46}, {-24, 2}, {24, 0}, {20, -48}, {18, 48}}}},
    {{"ab bc cdefg", {{26, -46}, {-20, -46}, {-24, -8}, {4, -14}, {27, 14}, {10, 46}, {-28, 40}}},
     {"ab cdefgh", {{-18, -44}, {28, -46}, {-18, -44}, {-22, -8}, {8, -12}, {28, 14}, {8, 46}, {-26, 42}}}},
    {{"abcdefgc", {{20, -46}, {-10, -24}, {-26, 14}, {-12, 46}, {16, 44}, {26, 20}, {2, 0}}},
     {"abcdefgh", {{8, -48}, {-18, -14}, {-26, 20}, {-4, 47}, {22, 32}, {16, 8}, {-8, 8}, {-24, 24}}}},
    {{"ab bc", {{-28, -46}, {28, -46}, {-8, 48}}}, {"ab bc de", {{-28, -44}, {28, -48}, {-4, 48}, {-14, 2}, {22, -2}}}},
    {{"abcdefgha", {{0, -2}, {-22, -24}, {0, -48}, {22, -24}, {0, -2}, {-26, 24}, {0, 48}, {26, 24}}},
     {"abcdefghi", {{18, -40}, {-10, -46}, {-18, -22}, {12, 4}, {24, 28}, {0, 48}, {-24, 28}, {-4, 0}, {22, -34}}}},
    {{"abcdea af", {{24, -20}, {4, -48}, {-22, -30}, {-18, -4}, {8, 0}, {18, 48}}},
     {"abcdeafg", {{25, -22}, {2, -48}, {-24, -26}, {-12, 0}, {14, -6}, {20, 26}, {-14, 48}}}},
};

/* ---- one sample ---- */

/* A number around 0, at most 1 away, more often near 0: the mean of two uniform ones. */
static float stray(lyne_stream *s) {
    float a = lyne_stream_uniform(s);
    return a + lyne_stream_uniform(s) - 1;
}

static float from_to(lyne_stream *s, float lo, float hi) {
    return lo + (hi - lo) * lyne_stream_uniform(s);
}

/* The glyph's points on the picture [pixels]: each strays on its own, then all are turned, leant, scaled and moved. */
static void place_points(const glyph *g, const strokes_config *c, lyne_stream *s, point out[MAX_POINTS]) {
    float d = (float)c->distortion, unit = (float)c->size * 0.0068f;
    float angle = 0.42f * d * stray(s), lean = 0.45f * d * stray(s);
    float wide = unit * (1 + 0.35f * d * stray(s)), high = unit * (1 + 0.25f * d * stray(s));
    float centre_x = (float)c->size * (0.5f + 0.11f * d * stray(s));
    float centre_y = (float)c->size * (0.5f + 0.11f * d * stray(s));
    float cosine = cosf(angle), sine = sinf(angle);
    for (int i = 0; i < MAX_POINTS; i++) {
        float x = wide * ((float)g->point[i][0] + 15 * d * stray(s));
        float y = high * ((float)g->point[i][1] + 15 * d * stray(s));
        x += lean * y;
        out[i] = (point){centre_x + cosine * x - sine * y, centre_y + sine * x + cosine * y};
    }
}

static float square_distance(point p, point a, point b) {
    float dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    float t = length > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    dx = a.x + t * dx - p.x;
    dy = a.y + t * dy - p.y;
    return dx * dx + dy * dy;
}

static int within(float v, int size) {
    return v<0 ? 0 : v>(float) size ? size : (int)v;
}

/* Lower the square distance to the nearest segment, of those pixels that the pen may reach. */
static void draw_segment(float *nearest, int size, float reach, point a, point b) {
    int left = within(fminf(a.x, b.x) - reach, size), right = within(fmaxf(a.x, b.x) + reach + 1, size);
    int top = within(fminf(a.y, b.y) - reach, size), bottom = within(fmaxf(a.y, b.y) + reach + 1, size);
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            float square = square_distance((point){(float)x + 0.5f, (float)y + 0.5f}, a, b);
            if (square < nearest[y * size + x]) nearest[y * size + x] = square;
        }
}

/* Between p1 and p2 on the smooth curve through four points (Catmull and Rom 1974), t from 0 to 1. */
static float curve(float p0, float p1, float p2, float p3, float t) {
    return p1 + 0.5f * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));
}

/* A stroke of n points, named by `names`. */
static void draw_stroke(float *nearest, int size, float reach, const point *points, const char *names, int n) {
    bool closed = n > 2 && names[0] == names[n - 1];
    for (int i = 0; i + 1 < n; i++) {
        int before = i > 0 ? i - 1 : closed ? n - 2 : 0, after = i + 2 < n ? i + 2 : closed ? 1 : n - 1;
        point p0 = points[names[before] - 'a'], p1 = points[names[i] - 'a'];
        point p2 = points[names[i + 1] - 'a'], p3 = points[names[after] - 'a'], from = p1;
        int steps = n > 2 ? SUBDIVISIONS : 1;
        for (int step = 1; step <= steps; step++) {
            float t = (float)step / (float)steps;
            point to = {curve(p0.x, p1.x, p2.x, p3.x, t), curve(p0.y, p1.y, p2.y, p3.y, t)};
            draw_segment(nearest, size, reach, from, to);
            from = to;
        }
    }
}

/* About normal, mean 0 and sd 1: the sum of the four bytes of a draw, within +-3.45. */
static float byte_noise(lyne_stream *s) {
    uint32_t bits = lyne_stream_bits(s);
    uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
    return ((float)sum - 510) / 147.8f;
}

static void draw_sample(const strokes_config *c, lyne_split split, int64_t i, uint8_t *picture) {
    lyne_stream s = lyne_stream_at((uint64_t)c->seed, LYNE_FOR_DATA, (uint32_t)split, (uint64_t)i);
    const glyph *g = &glyphs[i % N_CLASSES][lyne_stream_between(&s, 0, MAX_VARIANTS - 1)];
    int size = (int)c->size;
    float radius = (float)size * from_to(&s, 0.025f, 0.065f), ink = from_to(&s, 0.5f, 1), reach = radius + 0.5f;
    float noise = (float)c->noise;
    point points[MAX_POINTS];
    place_points(g, c, &s, points);
    float nearest[MAX_SIZE * MAX_SIZE];
    for (int k = 0; k < size * size; k++) nearest[k] = reach * reach;
    for (const char *stroke = g->strokes; *stroke;) {
        int n = (int)strcspn(stroke, " ");
        draw_stroke(nearest, size, reach, points, stroke, n);
        stroke += n + (stroke[n] == ' ');
    }
    for (int k = 0; k < size * size; k++) {
        float coverage = reach - sqrtf(nearest[k]);
        float value = 255 * (ink * fminf(coverage, 1) + noise * byte_noise(&s)) + 0.5f;
        picture[k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

/* ---- the row ---- */

static lyne_status open_split(lyne_dataset *d, const void *config, lyne_split split, const lyne_data_paths *paths,
                              lyne_error *err) {
    const strokes_config *c = config;
    (void)paths;
    int64_t n = c->samples[split], area = c->size * c->size;
    uint8_t *pictures = lyne_alloc((size_t)n, (size_t)area), *labels = lyne_alloc((size_t)n, 1);
    *d = (lyne_dataset){.n = n,
                        .channels = 1,
                        .height = c->size,
                        .width = c->size,
                        .n_classes = N_CLASSES,
                        .pictures = pictures,
                        .labels = labels,
                        .owned = {pictures, labels}};
    if (!pictures || !labels) return lyne_fail_memory(err, "the strokes data set");
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
        labels[i] = (uint8_t)(i % N_CLASSES);
        draw_sample(c, split, i, pictures + i * area);
    }
    return LYNE_OK;
}

const lyne_format lyne_dataset_strokes = {
    .component = {.kind = LYNE_DATASET,
                  .name = "strokes",
                  .help = "digits drawn with a pen, made by arithmetic: no files",
                  .example = "{strokes: {seed: 1, train: 8000, test: 2000}}",
                  .config_size = sizeof(strokes_config),
                  .fields = fields},
    .open = open_split,
};
