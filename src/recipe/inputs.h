/* recipe/inputs.h -- all that the result of a job depends on, thing by thing.  Private to recipe/.
 *
 * Its fingerprint is the digest of this list, and result.json keeps the list, so that `lyne plan` can say which of them
 * is another now: "epochs: 40, now 20". */
#ifndef LYNE_RECIPE_INPUTS_H
#define LYNE_RECIPE_INPUTS_H

#include "component/config.h"

typedef struct lyne_input {
    const char *name;  /* "epochs", "model.mlp.hidden", "training pictures", "stage teacher" */
    const char *value; /* as YAML, or the digest of what is long                             */
} lyne_input;

/* Zeroed but for the arena is empty.  Everything in it lives in the arena. */
typedef struct lyne_inputs {
    lyne_arena *arena;
    size_t n, capacity;
    lyne_input *item;
    bool failed; /* memory ran out */
} lyne_inputs;

void lyne_inputs_text(lyne_inputs *in, const char *name, const char *value);
void lyne_inputs_digest(lyne_inputs *in, const char *name, lyne_digest value);
void lyne_inputs_number(lyne_inputs *in, const char *name, uint64_t value);
void lyne_inputs_floats(lyne_inputs *in, const char *name, const lyne_floats *list);
/** Every field that can change a result, with its default if it was left out: "model.mlp.hidden", under its full name. */
void lyne_inputs_instance(lyne_inputs *in, const char *name, const lyne_instance *instance);

lyne_digest lyne_inputs_fingerprint(const lyne_inputs *in);
/** As an object, NULL when memory is out. */
struct json_t *lyne_inputs_json(const lyne_inputs *in);
/** What differs from an earlier list: "epochs: 40, now 20; model.mlp.hidden: [8], now [16]", the first three and how many
 *  more; "" if nothing.  In the arena; NULL when memory is out. */
const char *lyne_inputs_differ(const lyne_inputs *in, const struct json_t *before);

#endif
