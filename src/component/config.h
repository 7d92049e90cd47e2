/* component/config.h -- a YAML map into a config struct, by the field table of its row. */
#ifndef LYNE_COMPONENT_CONFIG_H
#define LYNE_COMPONENT_CONFIG_H

#include "base/hash.h"
#include "base/text.h"
#include "component/expression.h"
#include "component/registry.h"
#include "component/yaml.h"

/* What filling needs.  Everything it makes lives in the arena. */
typedef struct lyne_filler {
    const lyne_registry *registry;
    lyne_arena *arena;
    lyne_diagnostics *out;
    int depth; /* of defaults within defaults; 0 for the caller */
    /* For LYNE_FIELD_LAYERS; the recipe's blocks (NULL: none), and what arithmetic may name, such as classes. */
    const lyne_yaml *blocks;
    lyne_constants constants;
    /* What a file may name (lyne_field.file) lies below one of them; n_folders 0: anything.  --set names what it likes. */
    const char *const *folder;
    size_t n_folders;
} lyne_filler;

/** Fill `config` (zeroed by the caller) from a map, or from defaults alone when map is NULL.  Reports every mistake:
 *  unknown key (with the nearest valid one, or the list of them), missing, wrong kind of value, out of range; `where`
 *  is the component's name for the messages ("kd: temperature = -2 is outside [0.01, 1000]"), `mark` where a missing
 *  field is reported.  True if this map brought no new diagnostic. */
bool lyne_config_fill(const lyne_filler *f, const lyne_field *fields, const char *where, lyne_mark mark,
                      const lyne_yaml *map, void *config);

/** The stages that a field names: those of a STAGE or STAGES, none of any other. */
lyne_references lyne_config_references(const lyne_field *field, const void *config);

/** Fill one field of `config` from its fallback, which is not LYNE_REQUIRED. */
bool lyne_config_default(const lyne_filler *f, const lyne_field *field, const char *where, void *config);

/** `name` or `{name: {fields}}` or `{name: ~}` of a kind. */
bool lyne_config_instance(const lyne_filler *f, lyne_kind kind, const char *where, const lyne_yaml *node,
                          lyne_instance *out);

/** Whether this node may name that file, by filler->folder; if not, it is said. */
bool lyne_config_may_name(const lyne_filler *f, const lyne_field *field, const char *where, const lyne_yaml *node);

/** Everything in a config that can change a result, into a hash: field names and values in table order, defaults
 *  included, inert fields, help texts and marks not.  So a default written out gives the same hash.  A stage reference
 *  adds its name only. */
void lyne_config_hash(lyne_hash *h, const lyne_field *fields, const void *config);
void lyne_instance_hash(lyne_hash *h, const lyne_instance *instance);

/** The same as flow YAML, `{temperature: 20, weight: 0.9}`; reading it back gives an equal config. */
void lyne_config_print(lyne_text *t, const lyne_field *fields, const void *config);
void lyne_instance_print(lyne_text *t, const lyne_instance *instance);
/** One value of them, which stands at `value`; ~ if it was left out and has no default. */
void lyne_field_print(lyne_text *t, const lyne_field *field, const void *value);

#endif
