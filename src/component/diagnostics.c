/* component/diagnostics.c -- collect what is wrong, put it in the order of the file, show it with its line and a caret.
 *
 * The texts quote what a user wrote, so nothing that could steer a terminal passes through. */
#include "component/diagnostics.h"
#include "base/text.h"
#include "base/utf8.h"
#include "component/yaml.h"
#include <stdarg.h>
#include <string.h>

enum { MAX_KEPT = 100, WINDOW = 100 /* characters of a long line that are shown */ };

static bool is_there(const lyne_diagnostics *d, lyne_mark mark, const char *text) {
    for (size_t i = 0; i < d->n; i++) {
        const lyne_mark *m = &d->item[i].mark;
        if (m->source && m->source == mark.source && m->line == mark.line && m->column == mark.column &&
            strcmp(d->item[i].text, text) == 0)
            return true;
    }
    return false;
}

void lyne_diagnose(lyne_diagnostics *d, lyne_mark mark, lyne_status status, const char *fmt, ...) {
    if (d->n == MAX_KEPT) {
        d->dropped++;
        return;
    }
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    char *text = length < 0 ? NULL : lyne_arena_alloc(&d->arena, (size_t)length + 1);
    bool said = false;
    if (text) {
        vsnprintf(text, (size_t)length + 1, fmt, again);
        lyne_one_line(text);
        said = is_there(d, mark, text);
    }
    if (said) {
        /* a block's mistake, met each time the block is used */
    } else if (text && lyne_grow(&d->item, &d->capacity, d->n + 1, sizeof *d->item)) {
        d->item[d->n++] = (lyne_diagnostic){mark, status, text};
    } else {
        d->out_of_memory = true;
    }
    va_end(again);
    va_end(args);
}

/* The place of a diagnostic's source among the sources, in the order they were met. */
static size_t source_rank(const lyne_diagnostics *d, const lyne_diagnostic *x) {
    size_t i = 0;
    while (d->item[i].mark.source != x->mark.source) i++;
    return i;
}

static bool stands_before(const lyne_diagnostics *d, const lyne_diagnostic *a, const lyne_diagnostic *b) {
    size_t ra = source_rank(d, a), rb = source_rank(d, b);
    if (ra != rb) return ra < rb;
    if (a->mark.line != b->mark.line) return a->mark.line < b->mark.line;
    return a->mark.column < b->mark.column;
}

/* The diagnostics in the order of the file: a stable order of at most 100. */
static size_t in_order(const lyne_diagnostics *d, const lyne_diagnostic *order[MAX_KEPT]) {
    for (size_t i = 0; i < d->n; i++) {
        size_t j = i;
        for (; j > 0 && stands_before(d, &d->item[i], order[j - 1]); j--) order[j] = order[j - 1];
        order[j] = &d->item[i];
    }
    return d->n;
}

lyne_status lyne_diagnostics_status(const lyne_diagnostics *d) {
    const lyne_diagnostic *order[MAX_KEPT];
    if (d->out_of_memory) return LYNE_ENOSPACE;
    return in_order(d, order) > 0 ? order[0]->status : LYNE_OK;
}

/* The line-th line of a source, without its end. */
static void find_line(const lyne_source *source, int line, const char **begin, const char **end) {
    const char *p = source->text, *stop = p + source->size;
    *begin = p;
    while (p < stop) {
        uint32_t c;
        size_t n = lyne_utf8_next(p, stop, &c);
        if (lyne_utf8_is_break(c)) {
            if (--line == 0) break;
            if (c == '\r' && p + 1 < stop && p[1] == '\n') n++;
            *begin = p + n;
        }
        p += n;
    }
    if (line > 1) *begin = stop;
    *end = p;
}

/* `n` characters from `column`, counting from 0, in which nothing steers the terminal. */
static void print_window(FILE *to, const char *p, const char *end, size_t column, size_t n) {
    for (size_t i = 0; p < end && i < column + n; i++) {
        uint32_t c;
        size_t bytes = lyne_utf8_next(p, end, &c);
        if (i >= column) {
            if (lyne_utf8_is_steering(c))
                fputc(' ', to);
            else if (c == LYNE_UTF8_BAD && bytes == 1)
                fputc('?', to);
            else
                fwrite(p, 1, bytes, to);
        }
        p += bytes;
    }
}

/*    31 |       loss: [{kd: {temperature: -2}}]
 *       |                                 ^^       the line and its caret; a long line is cut around the caret. */
static void print_source(const lyne_mark *mark, FILE *to, bool colour) {
    const char *begin, *end;
    find_line(mark->source, mark->line, &begin, &end);
    size_t n = lyne_utf8_count(begin, end), caret = (size_t)mark->column - 1, from = 0;
    if (n > WINDOW && caret > WINDOW / 2) from = caret - WINDOW / 2;
    const char *before = from > 0 ? "..." : "";
    size_t left = from < n ? n - from : 0, shown = left > WINDOW ? WINDOW : left;
    int digits = snprintf(NULL, 0, "%5d", mark->line);

    fprintf(to, "%*d | %s", digits, mark->line, before);
    print_window(to, begin, end, from, shown);
    fprintf(to, "%s\n%*s | %*s%s", from + shown < n ? "..." : "", digits, "", (int)(caret - from + strlen(before)), "",
            colour ? "\033[31m" : "");
    size_t length = mark->length > 1 ? (size_t)mark->length : 1, room = from + shown > caret ? from + shown - caret : 1;
    for (size_t i = 0; i < length && i < room; i++) fputc('^', to);
    fputs(colour ? "\033[0m\n" : "\n", to);
}

static void print_one(const lyne_diagnostic *x, FILE *to, bool colour) {
    const char *bold = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";
    const lyne_mark *mark = &x->mark;
    if (!mark->source) {
        fprintf(to, "%s\n", x->text);
    } else {
        fprintf(to, "%s%s:%d:%d:%s %s\n", bold, mark->source->name, mark->line, mark->column, plain, x->text);
        print_source(mark, to, colour);
    }
}

void lyne_diagnostics_print(const lyne_diagnostics *d, FILE *to, bool colour) {
    const lyne_diagnostic *order[MAX_KEPT];
    size_t n = in_order(d, order);
    for (size_t i = 0; i < n; i++) print_one(order[i], to, colour);
    if (d->dropped > 0) fprintf(to, "and %zu more\n", d->dropped);
    if (d->out_of_memory) fprintf(to, "out of memory: there may be more\n");
}

lyne_status lyne_diagnostics_error(const lyne_diagnostics *d, lyne_error *err) {
    const lyne_diagnostic *order[MAX_KEPT];
    if (d->out_of_memory) return lyne_fail_memory(err, "reading YAML");
    if (in_order(d, order) == 0) return LYNE_OK;
    const lyne_diagnostic *x = order[0];
    size_t more = d->n - 1 + d->dropped;
    char place[256] = "", rest[48] = "";
    if (x->mark.source)
        snprintf(place, sizeof place, "%.200s:%d:%d: ", x->mark.source->name, x->mark.line, x->mark.column);
    if (more > 0) snprintf(rest, sizeof rest, " (and %zu more)", more);
    return lyne_fail(err, x->status, "%s%s%s", place, x->text, rest);
}

void lyne_diagnostics_free(lyne_diagnostics *d) {
    if (!d) return;
    lyne_arena_free(&d->arena);
    lyne_free(d->item);
    *d = (lyne_diagnostics){0};
}
