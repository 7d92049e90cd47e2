/* tests/graph/place.c -- memory by lifetime: what is alive together lies apart, and little is wasted. */
#include "base/random.h"
#include "graph/steps.h"

#include <criterion/criterion.h>
#include <limits.h>

enum { LINE = 64, MOST = 120, STEPS = 60 };

static int64_t draw(lyne_stream *s, int64_t lo, int64_t hi) {
    return lyne_stream_between(s, lo, hi);
}

/* Most are of a few steps, as a network's are; some live throughout, some are never touched, some are elsewhere. */
static void make(lyne_stream *s, lyne_storage *b, int n, char *elsewhere) {
    for (int i = 0; i < n; i++) {
        const int first = (int)draw(s, 0, STEPS - 1), last = first + (int)draw(s, 0, i % 5 ? 6 : STEPS);
        b[i] = (lyne_storage){.bytes = (size_t)draw(s, i % 11 ? 1 : 0, i % 3 ? 5000 : 100000),
                              .first = first,
                              .last = last < STEPS ? last : STEPS - 1};
        const int64_t kind = draw(s, 0, 19);
        if (kind == 0) b[i].whole = true;
        if (kind == 1) b[i].first = INT_MAX, b[i].last = -1;
        if (kind == 2) b[i].fixed = elsewhere, b[i].offset = 12345;
        if (kind == 3) b[i].whole = true, b[i].first = INT_MAX, b[i].last = -1;
    }
}

static bool placed(const lyne_storage *b) {
    return !b->fixed && (b->whole || b->first <= b->last);
}

static bool alive(const lyne_storage *b, int step) {
    return placed(b) && (b->whole || (b->first <= step && step <= b->last));
}

/* Bytes that any placement needs, counted in whole lines. */
static size_t lower_bound(const lyne_storage *b, int n) {
    size_t most = 0;
    for (int step = 0; step < STEPS; step++) {
        size_t sum = 0;
        for (int i = 0; i < n; i++)
            if (alive(&b[i], step)) sum += (b[i].bytes + LINE - 1) / LINE * LINE;
        if (sum > most) most = sum;
    }
    return most;
}

static void expect_apart(const lyne_storage *a, const lyne_storage *b, const char *what) {
    bool together = false;
    for (int step = 0; step < STEPS; step++) together |= alive(a, step) && alive(b, step);
    cr_assert(!together || a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset,
              "%s: [%zu, +%zu) and [%zu, +%zu) overlap", what, a->offset, a->bytes, b->offset, b->bytes);
}

Test(place, random_lifetimes) {
    double worst = 0, sum_ratio = 0;
    char elsewhere;
    enum { TURNS = 300 };
    for (int turn = 0; turn < TURNS; turn++) {
        lyne_stream s = lyne_stream_at(1, LYNE_FOR_CHECK, 0, (uint64_t)turn);
        lyne_storage b[MOST];
        const int n = (int)draw(&s, 1, MOST);
        make(&s, b, n, &elsewhere);
        size_t bytes, sum = 0;
        cr_assert_eq(lyne_place(b, n, STEPS, &bytes, NULL), LYNE_OK);
        for (int i = 0; i < n; i++) {
            if (b[i].fixed) cr_assert(b[i].fixed == &elsewhere && b[i].offset == 12345, "a fixed buffer was moved");
            if (!placed(&b[i])) continue;
            cr_assert(b[i].offset % LINE == 0 && b[i].offset + b[i].bytes <= bytes, "buffer %d of turn %d", i, turn);
            sum += (b[i].bytes + LINE - 1) / LINE * LINE;
            for (int k = 0; k < i; k++)
                if (placed(&b[k])) expect_apart(&b[i], &b[k], "random lifetimes");
        }
        cr_assert_leq(bytes, sum);
        const size_t least = lower_bound(b, n);
        if (least == 0) continue;
        const double ratio = (double)bytes / (double)least;
        sum_ratio += ratio;
        if (ratio > worst) worst = ratio;
    }
    cr_expect_lt(worst, 1.35, "%.3f times the lower bound", worst);
    cr_expect_lt(sum_ratio / TURNS, 1.03, "%.3f times the lower bound on average", sum_ratio / TURNS);
}

/* A chain, each value read by the next step: two of them are alive at a time, whatever the length. */
Test(place, a_chain_takes_two_buffers) {
    lyne_storage b[STEPS];
    for (int i = 0; i < STEPS; i++) b[i] = (lyne_storage){.bytes = 1000, .first = i, .last = i + 1};
    size_t bytes;
    cr_assert_eq(lyne_place(b, STEPS, STEPS + 1, &bytes, NULL), LYNE_OK);
    cr_expect_eq(bytes, 1024 + 1000);
}

Test(place, nothing_to_place) {
    size_t bytes = 1;
    cr_assert_eq(lyne_place(NULL, 0, 0, &bytes, NULL), LYNE_OK);
    cr_expect_eq(bytes, 0);
}

Test(place, the_same_on_each_call) {
    lyne_storage a[MOST], b[MOST];
    char elsewhere;
    size_t bytes[2];
    for (int k = 0; k < 2; k++) {
        lyne_stream s = lyne_stream_at(2, LYNE_FOR_CHECK, 0, 0);
        make(&s, k ? b : a, MOST, &elsewhere);
        cr_assert_eq(lyne_place(k ? b : a, MOST, STEPS, &bytes[k], NULL), LYNE_OK);
    }
    cr_expect_eq(bytes[0], bytes[1]);
    for (int i = 0; i < MOST; i++) cr_expect_eq(a[i].offset, b[i].offset);
}

Test(place, each_allocation_fails_once) {
    lyne_storage b[3] = {{.bytes = 10, .first = 0, .last = 1}, {.bytes = 20, .first = 1, .last = 2}, {.bytes = 5}};
    for (uint64_t n = 1; n <= 2; n++) {
        size_t bytes;
        lyne_error err = {0};
        lyne_memory_fail_at(n);
        cr_expect_eq(lyne_place(b, 3, 3, &bytes, &err), LYNE_ENOSPACE);
    }
    lyne_memory_fail_at(0);
}
