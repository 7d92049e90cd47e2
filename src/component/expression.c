/* component/expression.c -- precedence climbing over a few operators; every operation is checked for overflow. */
#include "component/expression.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

enum { MAX_NESTING = 32 };

typedef struct parser {
    const char *p;
    const lyne_constants *constants;
    char *why;
    const char *name;
    size_t length;
    int depth;
    bool failed;
} parser;

const lyne_constant *lyne_constant_find(const lyne_constants *constants, const char *name, size_t length) {
    for (size_t i = constants->n; i-- > 0;) {
        const lyne_constant *c = &constants->item[i];
        if (strlen(c->name) == length && memcmp(c->name, name, length) == 0) return c;
    }
    return NULL;
}

static int64_t fail(parser *p, const char *why) {
    if (!p->failed) snprintf(p->why, 160, "%s", why);
    p->failed = true;
    return 0;
}

static void skip_spaces(parser *p) {
    p->p += strspn(p->p, " \t");
}

static int64_t whole_of(parser *p, const char *text, const char *what) {
    int64_t v = 0;
    if (strcmp(text, "true") == 0) return 1;
    if (strcmp(text, "false") == 0) return 0;
    if (lyne_parse_int(text, &v)) return v;
    char why[160];
    snprintf(why, sizeof why, "%.40s is '%.40s', which is no whole number", what, text);
    return fail(p, why);
}

static int64_t word(parser *p) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    const size_t length = strspn(p->p, letters);
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)length, p->p);
    const char *begin = p->p;
    p->p += length;
    if (length >= sizeof text) return fail(p, "a word is too long");
    const bool is_number = *text >= '0' && *text <= '9';
    if (is_number || strcmp(text, "true") == 0 || strcmp(text, "false") == 0) return whole_of(p, text, "this");
    const lyne_constant *c = lyne_constant_find(p->constants, text, length);
    if (c) return whole_of(p, c->text, text);
    if (!p->failed) p->name = begin, p->length = length;
    return fail(p, "there is no such name");
}

static int64_t binary(parser *p, int least);

static int64_t operand(parser *p) {
    int64_t v = 0;
    skip_spaces(p);
    if (p->failed || ++p->depth > MAX_NESTING) return fail(p, "parentheses are nested too deep");
    if (*p->p == '-') {
        p->p++;
        v = operand(p);
        if (__builtin_sub_overflow((int64_t)0, v, &v)) fail(p, "the value does not fit in 64 bits");
    } else if (*p->p == '(') {
        p->p++;
        v = binary(p, 1);
        skip_spaces(p);
        if (*p->p != ')')
            fail(p, "a ')' is missing");
        else
            p->p++;
    } else if (*p->p && strspn(p->p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789")) {
        v = word(p);
    } else {
        fail(p, *p->p ? "a name or a whole number is expected" : "it ends where a name or a whole number is expected");
    }
    p->depth--;
    return v;
}

static const struct operator{
    const char *text;
    int precedence;
    enum { LESS_EQUAL, GREATER_EQUAL, EQUAL, NOT_EQUAL, LESS, GREATER, PLUS, MINUS, TIMES, OVER, REST } what;
}
operators[] = {{"<=", 1, LESS_EQUAL}, {">=", 1, GREATER_EQUAL}, {"==", 1, EQUAL}, {"!=", 1, NOT_EQUAL},
               {"<", 1, LESS},        {">", 1, GREATER},        {"+", 2, PLUS},   {"-", 2, MINUS},
               {"*", 3, TIMES},       {"/", 3, OVER},           {"%", 3, REST}};

static const struct operator* peek(parser *p) {
    skip_spaces(p);
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strncmp(p->p, operators[i].text, strlen(operators[i].text)) == 0) return &operators[i];
    return NULL;
}

static int64_t apply(parser *p, int what, int64_t a, int64_t b) {
    int64_t v = 0;
    bool overflow = false;
    switch (what) {
    case LESS_EQUAL:
        return a <= b;
    case GREATER_EQUAL:
        return a >= b;
    case EQUAL:
        return a == b;
    case NOT_EQUAL:
        return a != b;
    case LESS:
        return a < b;
    case GREATER:
        return a > b;
    case PLUS:
        overflow = __builtin_add_overflow(a, b, &v);
        break;
    case MINUS:
        overflow = __builtin_sub_overflow(a, b, &v);
        break;
    case TIMES:
        overflow = __builtin_mul_overflow(a, b, &v);
        break;
    default:
        if (b == 0) return fail(p, "it divides by 0");
        overflow = a == INT64_MIN && b == -1;
        if (!overflow) v = what == OVER ? a / b : a % b;
    }
    return overflow ? fail(p, "the value does not fit in 64 bits") : v;
}

/* Operators of precedence `least` and above, from the left. */
static int64_t binary(parser *p, int least) {
    int64_t v = operand(p);
    const struct operator* o;
    while (!p->failed && (o = peek(p)) && o->precedence >= least) {
        p->p += strlen(o->text);
        const int64_t right = binary(p, o->precedence + 1);
        if (!p->failed) v = apply(p, o->what, v, right);
    }
    return v;
}

bool lyne_expression(const char *text, const lyne_constants *constants, int64_t *out, char why[160], const char **name,
                     size_t *length) {
    parser p = {.p = text, .constants = constants, .why = why};
    const int64_t v = binary(&p, 1);
    skip_spaces(&p);
    if (!p.failed && *p.p) fail(&p, "an operator is expected between two values");
    *name = p.name;
    *length = p.length;
    if (!p.failed) *out = v;
    return !p.failed;
}
