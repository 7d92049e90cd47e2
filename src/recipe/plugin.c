/* recipe/plugin.c -- see plugin.h. */
#include "recipe/plugin.h"
#include "base/file.h"
#include "component/origin.h"
#include "lyne/plugin.h"
#include "recipe/builtin.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 256 /* of one plug-in; more is a list that does not end */ };

#define NAME(type) #type,
static const char *const struct_names[] = {LYNE_PLUGIN_STRUCTS(NAME)};
static const size_t struct_sizes[] = {LYNE_PLUGIN_STRUCTS(LYNE_PLUGIN_SIZE)};
enum { N_STRUCTS = LYNE_PLUGIN_STRUCTS(LYNE_PLUGIN_ONE) };

/* ---- what a row of a kind must have ---- */

/* Configs of losses and schedules begin with a shared struct, whose fields the program reads. */
static bool begins_with(const lyne_component *row, const char *field, size_t size) {
    for (const lyne_field *f = row->fields; f && f->name; f++)
        if (strcmp(f->name, field) == 0)
            return f->type == LYNE_FIELD_FLOAT && f->offset == 0 && row->config_size >= size;
    return false;
}

static const char *op_problem(const lyne_op *op) {
    if (op->n_src < 0 || op->n_src > LYNE_MAX_SRC) return "n_src is not from 0 to LYNE_MAX_SRC";
    if (!op->shape) return "it has no shape";
    return op->emit ? NULL : "it has no emit";
}

static const char *optimizer_problem(const lyne_optimizer *o) {
    if (o->n_slots < 0 || o->n_slots > LYNE_MAX_SLOTS) return "n_slots is not from 0 to LYNE_MAX_SLOTS";
    for (int i = 0; i < o->n_slots; i++)
        if (!o->slot_name[i]) return "a slot has no name";
    if (!o->lr) return "it has no lr";
    return o->step ? NULL : "it has no step";
}

static const char *loss_problem(const lyne_loss *loss) {
    if (!begins_with(&loss->component, "weight", sizeof(lyne_loss_config)))
        return "its config must begin with lyne_loss_config and its fields with LYNE_LOSS_FIELDS";
    if (loss->reads_features && loss->component.config_size < sizeof(lyne_feature_loss_config))
        return "it reads features, so its config must begin with lyne_feature_loss_config";
    return loss->build ? NULL : "it has no build";
}

static const char *schedule_problem(const lyne_schedule *s) {
    if (!begins_with(&s->component, "warmup", sizeof(lyne_schedule_config)))
        return "its config must begin with lyne_schedule_config and its fields with LYNE_SCHEDULE_FIELDS";
    return s->factor ? NULL : "it has no factor";
}

static const char *augmentation_problem(const lyne_augmentation *a) {
    if (!a->apply == !a->mix) return "it must have apply or mix, and not both";
    if (a->mix && !begins_with(&a->component, "probability", sizeof(lyne_mix_config)))
        return "it mixes, so its config must begin with lyne_mix_config and its fields with LYNE_MIX_FIELDS";
    return NULL;
}

const char *lyne_row_problem(const lyne_component *row) {
    if (!row->help || !*row->help) return "it has no help";
    switch (row->kind) {
    case LYNE_OP:
        return op_problem((const lyne_op *)row);
    case LYNE_MODEL:
        return ((const lyne_model *)row)->build ? NULL : "it has no build";
    case LYNE_LOSS:
        return loss_problem((const lyne_loss *)row);
    case LYNE_OPTIMIZER:
        return optimizer_problem((const lyne_optimizer *)row);
    case LYNE_SCHEDULE:
        return schedule_problem((const lyne_schedule *)row);
    case LYNE_DATASET:
        return ((const lyne_format *)row)->open ? NULL : "it has no open";
    case LYNE_AUGMENTATION:
        return augmentation_problem((const lyne_augmentation *)row);
    default:
        return "a plug-in brings models, ops, losses, optimizers, schedules, data sets and augmentations";
    }
}

/* ---- loading ---- */

/* NULL after a failure. */
static const lyne_plugin *open_object(const char *path, lyne_error *err) {
    char *real = realpath(path, NULL); /* dlopen would look for a bare name in the system's folders */
    void *object = real ? dlopen(real, RTLD_NOW | RTLD_LOCAL) : NULL;
    const lyne_plugin *entry = object ? dlsym(object, "lyne_plugin_entry") : NULL;
    if (!real)
        lyne_fail_errno(err, path, "open");
    else if (!object)
        lyne_fail(err, LYNE_EDATA, "%s: cannot be loaded as a plug-in: %s", path, dlerror());
    else if (!entry)
        lyne_fail(err, LYNE_EDATA,
                  "%s: not a plug-in of Lyne: it has no symbol lyne_plugin_entry, which LYNE_PLUGIN of "
                  "lyne/plugin.h makes",
                  path);
    free(real);
    return entry;
}

/* Whether it was compiled with headers that mean the same as ours. */
static lyne_status check_entry(const lyne_plugin *entry, const char *path, lyne_error *err) {
    static const char cure[] = "build it again with the headers of lyne " LYNE_VERSION;
    if (entry->abi != LYNE_PLUGIN_ABI)
        return lyne_fail(err, LYNE_EDATA, "%s: made for version %u of the plug-in interface, this is version %d; %s",
                         path, (unsigned)entry->abi, LYNE_PLUGIN_ABI, cure);
    if (entry->n_sizes != N_STRUCTS)
        return lyne_fail(err, LYNE_EDATA,
                         "%s: made for a Lyne that shares %u structs with plug-ins, this one shares %d; "
                         "%s",
                         path, (unsigned)entry->n_sizes, N_STRUCTS, cure);
    for (int i = 0; i < N_STRUCTS; i++)
        if (entry->size[i] != struct_sizes[i])
            return lyne_fail(err, LYNE_EDATA, "%s: made for a Lyne whose %s has %zu bytes, here it has %zu; %s", path,
                             struct_names[i], entry->size[i], struct_sizes[i], cure);
    return LYNE_OK;
}

/* A name that another row has. */
static lyne_status check_name(const lyne_rows *rows, const lyne_component *row, lyne_error *err) {
    if ((unsigned)row->kind >= LYNE_N_KINDS || !row->name) return LYNE_OK; /* the registry says what is wrong */
    const lyne_component *other = lyne_registry_find(rows->registry, row->kind, row->name);
    if (!other) return LYNE_OK;
    const lyne_origin *origin = lyne_origin_of(other);
    return lyne_fail(err, LYNE_EDATA, "%s '%s': there is one of this name already, %s%s", lyne_kind_name(row->kind),
                     row->name, origin ? "from " : "built in", origin ? origin->path : "");
}

static lyne_status add_rows(lyne_rows *rows, const lyne_plugin *entry, size_t *n, lyne_error *err) {
    for (*n = 0; entry->rows[*n]; ++*n) {
        const lyne_component *row = entry->rows[*n];
        if (*n == MAX_ROWS) return lyne_fail(err, LYNE_EDATA, "more than %d rows; the list ends with NULL", MAX_ROWS);
        if (check_name(rows, row, err) != LYNE_OK) return LYNE_EDATA;
        if (!lyne_grow(&rows->item, &rows->capacity, rows->n + 1, sizeof *rows->item))
            return lyne_fail_memory(err, "a plug-in");
        rows->item[rows->n++] = row;
    }
    return *n ? LYNE_OK : lyne_fail(err, LYNE_EDATA, "it brings no row");
}

static lyne_status join(lyne_rows *rows, const lyne_plugin *entry, size_t *n, lyne_error *err) {
    lyne_registry *registry;
    const size_t before = rows->n;
    lyne_status status = add_rows(rows, entry, n, err);
    if (status == LYNE_OK) status = lyne_registry_new(rows->item, rows->n, &registry, err);
    if (status == LYNE_OK) {
        for (size_t i = before; i < rows->n && status == LYNE_OK; i++) {
            const char *problem = lyne_row_problem(rows->item[i]);
            if (problem)
                status = lyne_fail(err, LYNE_EDATA, "%s '%s': %s", lyne_kind_name(rows->item[i]->kind),
                                   rows->item[i]->name, problem);
        }
        if (status == LYNE_OK) {
            lyne_registry_free(rows->registry);
            rows->registry = registry;
            return LYNE_OK;
        }
        lyne_registry_free(registry);
    }
    rows->n = before;
    return status;
}

lyne_status lyne_rows_load(lyne_rows *rows, const char *path, lyne_error *err) {
    lyne_map map = {0};
    lyne_error local = {0};
    if (!err) err = &local;
    lyne_origin origin = {0};
    char *target = lyne_file_target(path);
    lyne_status status = target ? lyne_map_open(&map, target, err) : lyne_fail_memory(err, "a plug-in");
    lyne_free(target);
    if (status != LYNE_OK) return lyne_error_context(err, "plug-in");
    origin.digest = lyne_digest_of(map.data, map.size);
    lyne_map_close(&map);
    const lyne_plugin *entry = open_object(path, err);
    if (!entry) return err->status;
    status = check_entry(entry, path, err);
    if (status != LYNE_OK) return status;
    origin.version = entry->version;
    origin.rows = entry->rows;
    origin.path = lyne_strdup(path);
    status = origin.path ? join(rows, entry, &origin.n_rows, err) : lyne_fail_memory(err, "a plug-in");
    if (status == LYNE_OK && !lyne_origin_add(&origin))
        status = lyne_fail(err, LYNE_EDATA, "more than %d plug-ins", LYNE_MAX_ORIGINS);
    if (status == LYNE_OK) return LYNE_OK;
    lyne_free((void *)origin.path);
    if (status == LYNE_EOTHER)
        err->status = status = LYNE_EDATA; /* the registry's refusal of a built-in row is EOTHER */
    lyne_error_context(err, "%s", path);
    return status;
}

lyne_status lyne_rows_init(lyne_rows *rows, lyne_error *err) {
    *rows = (lyne_rows){0};
    if (!lyne_grow(&rows->item, &rows->capacity, lyne_n_builtin_rows, sizeof *rows->item))
        return lyne_fail_memory(err, "the components");
    memcpy(rows->item, lyne_builtin_rows, lyne_n_builtin_rows * sizeof *rows->item);
    rows->n = lyne_n_builtin_rows;
    return lyne_registry_new(rows->item, rows->n, &rows->registry, err);
}

void lyne_rows_free(lyne_rows *rows) {
    lyne_registry_free(rows->registry);
    lyne_free(rows->item);
    *rows = (lyne_rows){0};
}
