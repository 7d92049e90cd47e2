/* component/expression.h -- whole-number arithmetic in a recipe: `2 * filters`, `stride > 1`. */
#ifndef LYNE_COMPONENT_EXPRESSION_H
#define LYNE_COMPONENT_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name that stands for a value: the text of a scalar, "16", "true", "0.5". */
typedef struct lyne_constant {
    const char *name, *text;
} lyne_constant;

typedef struct lyne_constants {
    size_t n;
    const lyne_constant *item;
} lyne_constants;

/** The last constant of a name, so that later ones hide earlier ones; NULL: none. */
const lyne_constant *lyne_constant_find(const lyne_constants *constants, const char *name, size_t length);

/** + - * / % (both rounding to zero), unary -, parentheses, and comparisons < <= > >= == != that give 0 or 1.  true and
 *  false are 1 and 0.  False, and why in `why`: a syntax error, an unknown name (then *name and *length say which, else
 *  *name is NULL), a name that is no whole number, a division by 0, a value that does not fit in 64 bits. */
bool lyne_expression(const char *text, const lyne_constants *constants, int64_t *out, char why[160], const char **name,
                     size_t *length);

#endif
