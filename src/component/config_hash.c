/* component/config_hash.c -- everything in a config that can change a result, as a fingerprint.
 *
 * Values, not texts: `4`, `4.0` and a default of 4 are the same.  Choices and components count by name, so the order of
 * a table of names is free to change. */
#include "component/config.h"
#include "component/layers.h"
#include "component/origin.h"

static void hash_value(lyne_hash *h, const lyne_field *field, const void *value) {
    switch (field->type) {
    case LYNE_FIELD_BOOL:
        lyne_hash_u64(h, *(const bool *)value);
        break;
    case LYNE_FIELD_INT:
        lyne_hash_u64(h, *(const uint64_t *)value);
        break;
    case LYNE_FIELD_FLOAT:
        lyne_hash_double(h, *(const double *)value);
        break;
    case LYNE_FIELD_TEXT:
        lyne_hash_text(h, *(const char *const *)value);
        break;
    case LYNE_FIELD_CHOICE:
        lyne_hash_text(h, field->choices[*(const int *)value]);
        break;
    case LYNE_FIELD_INTS: {
        const lyne_ints *list = value;
        lyne_hash_u64(h, list->n);
        for (size_t i = 0; i < list->n; i++) lyne_hash_u64(h, (uint64_t)list->item[i]);
        break;
    }
    case LYNE_FIELD_FLOATS: {
        const lyne_floats *list = value;
        lyne_hash_u64(h, list->n);
        for (size_t i = 0; i < list->n; i++) lyne_hash_double(h, list->item[i]);
        break;
    }
    case LYNE_FIELD_TEXTS: {
        const lyne_texts *list = value;
        lyne_hash_u64(h, list->n);
        for (size_t i = 0; i < list->n; i++) lyne_hash_text(h, list->item[i]);
        break;
    }
    case LYNE_FIELD_GROUP:
        lyne_config_hash(h, field->fields, value);
        break;
    case LYNE_FIELD_COMPONENT:
        lyne_instance_hash(h, value);
        break;
    case LYNE_FIELD_COMPONENTS: {
        const lyne_instances *list = value;
        lyne_hash_u64(h, list->n);
        for (size_t i = 0; i < list->n; i++) lyne_instance_hash(h, &list->item[i]);
        break;
    }
    case LYNE_FIELD_STAGE:
    case LYNE_FIELD_TAP:
        lyne_hash_text(h, ((const lyne_reference *)value)->name);
        break;
    case LYNE_FIELD_STAGES: {
        const lyne_references *list = value;
        lyne_hash_u64(h, list->n);
        for (size_t i = 0; i < list->n; i++) lyne_hash_text(h, list->item[i].name);
        break;
    }
    case LYNE_FIELD_LAYERS:
        lyne_layers_hash(h, value);
        break;
    case LYNE_FIELD_TREE: /* whoever reads the tree hashes what it means */
        break;
    }
}

lyne_references lyne_config_references(const lyne_field *field, const void *config) {
    const void *value = (const char *)config + field->offset;
    if (field->type == LYNE_FIELD_STAGES) return *(const lyne_references *)value;
    const lyne_reference *one = field->type == LYNE_FIELD_STAGE ? value : NULL;
    return (lyne_references){one && one->name, one};
}

void lyne_config_hash(lyne_hash *h, const lyne_field *fields, const void *config) {
    for (const lyne_field *field = fields; field && field->name; field++) {
        if (field->inert) continue;
        lyne_hash_text(h, field->name);
        hash_value(h, field, (const char *)config + field->offset);
    }
    lyne_hash_text(h, NULL); /* the end, which no name looks like */
}

void lyne_instance_hash(lyne_hash *h, const lyne_instance *instance) {
    lyne_hash_text(h, instance->row ? instance->row->name : NULL);
    if (!instance->row) return;
    lyne_hash_text(h, lyne_kind_name(instance->row->kind));
    const lyne_origin *origin = lyne_origin_of(instance->row);
    if (origin) lyne_hash_digest(h, origin->digest);
    lyne_config_hash(h, instance->row->fields, instance->config);
}
