/* component/yaml_error.c -- libyaml's complaints translated.
 *
 * libyaml names the rule of the grammar that failed; a reader wants to know what to change, and where: often that is
 * where the broken thing began (libyaml's "context") and not where the parser gave up. */
#include "component/yaml_error.h"
#include "base/utf8.h"
#include <string.h>

typedef struct translation {
    const char *problem; /* libyaml's, its beginning */
    bool at_context;     /* the mark: where the thing began, not where it failed */
    const char *text;
} translation;

static const translation translations[] = {
    {"found a tab character", false, "a tab cannot indent; use spaces"},
    {"found character that cannot start", false, "a value cannot start with this character; put it in quotes"},
    {"could not find expected ':'", true, "this key has no ':' after it"},
    {"mapping values are not allowed", false,
     "a ':' cannot stand here: the indentation is wrong, or a text with ': ' in it needs quotes"},
    {"mapping keys are not allowed", false, "a key cannot stand here; it belongs on a line of its own"},
    {"block sequence entries are not allowed", false,
     "a list cannot start here: put its '-' on a line of its own, or write [a, b]"},
    {"found unexpected end of stream", true, "this quote is not closed"},
    {"found unexpected document indicator", true, "this quote is not closed"},
    {"found unknown escape", false, "unknown escape; in 'single quotes' a backslash is only a backslash"},
    {"did not find expected hexdecimal", false, "this escape needs hexadecimal digits"},
    {"did not find expected alphabetic", false, "a name is expected after '&' or '*'; a text with them needs quotes"},
    {"did not find expected '-'", false, "a list item, '- ', is expected here; is the indentation right?"},
    {"did not find expected node content", false, "a value is expected here"},
    {"did not find expected <document start>", false, "the document has ended before this line"},
    {"found undefined tag handle", false, "tags such as !name are not used here; write the plain value"},
};

lyne_mark lyne_yaml_mark(const lyne_source *source, size_t skip, yaml_mark_t place) {
    size_t column = place.column + 1;
    if (place.line == 0) column += lyne_utf8_count(source->text, source->text + skip);
    return (lyne_mark){source, (int)place.line + 1, (int)column, 1};
}

/* Bytes that are no text have no line in libyaml, only an offset from where it began. */
static void explain_bytes(const yaml_parser_t *parser, const lyne_source *source, size_t skip, lyne_diagnostics *out) {
    lyne_mark mark = {source, 1, 1, 1};
    const char *p = source->text, *stop = p + source->size;
    const char *at = parser->problem_offset < source->size - skip ? p + skip + parser->problem_offset : stop;
    while (p < at) {
        uint32_t c;
        p += lyne_utf8_next(p, stop, &c);
        mark.column++;
        if (!lyne_utf8_is_break(c) || (c == '\r' && p < stop && *p == '\n')) continue;
        mark.line++;
        mark.column = 1;
    }
    if (strstr(parser->problem, "UTF-8") || at == stop)
        lyne_diagnose(out, mark, LYNE_ERECIPE, "this is not UTF-8 text (byte 0x%02X)",
                      at < stop ? (unsigned char)*at : 0);
    else
        lyne_diagnose(out, mark, LYNE_ERECIPE, "a control character (0x%02X) does not belong in a text",
                      (unsigned)parser->problem_value);
}

/* `[` or `{` without its end: shown where it was opened if the parser ran on to another line. */
static bool explain_flow(const yaml_parser_t *parser, lyne_mark opened, lyne_mark failed, lyne_diagnostics *out) {
    bool list = strcmp(parser->problem, "did not find expected ',' or ']'") == 0;
    if (!list && strcmp(parser->problem, "did not find expected ',' or '}'") != 0) return false;
    const char *what = list ? "list" : "map", *end = list ? "]" : "}";
    if (opened.line != failed.line)
        lyne_diagnose(out, opened, LYNE_ERECIPE, "this %s is not closed: ',' or '%s' is missing before line %d", what,
                      end, failed.line);
    else
        lyne_diagnose(out, failed, LYNE_ERECIPE, "',' or '%s' is expected here, in the %s opened at column %d", end,
                      what, opened.column);
    return true;
}

/* The place, counted by libyaml in characters, in the text. */
static char character_at(const lyne_source *source, size_t skip, yaml_mark_t place) {
    const char *p = source->text + skip, *end = source->text + source->size;
    uint32_t c;
    for (size_t i = 0; i < place.index && p < end; i++) p += lyne_utf8_next(p, end, &c);
    return *p;
}

void lyne_yaml_explain(const yaml_parser_t *parser, const lyne_source *source, size_t skip, lyne_diagnostics *out) {
    if (parser->error == YAML_MEMORY_ERROR) {
        out->out_of_memory = true;
        return;
    }
    if (parser->error == YAML_READER_ERROR) {
        explain_bytes(parser, source, skip, out);
        return;
    }
    lyne_mark failed = lyne_yaml_mark(source, skip, parser->problem_mark);
    lyne_mark began = parser->context ? lyne_yaml_mark(source, skip, parser->context_mark) : failed;
    if (explain_flow(parser, began, failed, out)) return;
    char here = character_at(source, skip, parser->problem_mark);
    if (here == '\t') {
        lyne_diagnose(out, failed, LYNE_ERECIPE, "a tab cannot indent; use spaces");
        return;
    }
    if (here == '\0' && strcmp(parser->problem, "did not find expected node content") == 0) {
        lyne_diagnose(out, failed, LYNE_ERECIPE,
                      "the text ends where a value is expected; is a '[' or '{' not closed?");
        return;
    }
    if (strcmp(parser->problem, "did not find expected key") == 0) {
        lyne_diagnose(out, failed, LYNE_ERECIPE,
                      "this is neither a key of the map that begins on line %d nor part of the value before it; is the "
                      "indentation right?",
                      began.line);
        return;
    }
    for (size_t i = 0; i < sizeof translations / sizeof *translations; i++) {
        const translation *t = &translations[i];
        if (strncmp(parser->problem, t->problem, strlen(t->problem)) != 0) continue;
        lyne_diagnose(out, t->at_context ? began : failed, LYNE_ERECIPE, "%s", t->text);
        return;
    }
    lyne_diagnose(out, failed, LYNE_ERECIPE, "not YAML: %s %s", parser->context ? parser->context : "",
                  parser->problem);
}
