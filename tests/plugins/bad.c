/* What a plug-in can do wrong, one way for each -DWRONG_...; run.sh has what is said about it. */
#include <lyne/ops.h>
#include <lyne/plugin.h>

typedef struct config {
    int64_t units;
} config;

#ifndef FIELD
#define FIELD .name = "units", .type = LYNE_FIELD_INT, .help = "units", .fallback = "8", LYNE_RANGE(1, 100)
#endif
#ifndef NAME
#define NAME "bad"
#endif
#ifndef HELP
#define HELP "a plug-in"
#endif
#ifndef KIND
#define KIND LYNE_MODEL
#endif
#ifndef BUILD
#define BUILD build
#endif

static const lyne_field fields[] = {{FIELD}, LYNE_FIELDS_END};

static lyne_node *build(lyne_graph *g, const void *c, lyne_node *picture, int64_t n_classes) {
    (void)n_classes;
    return lyne_linear(g, "fc", lyne_flatten(g, "flatten", picture),
                       (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = ((const config *)c)->units});
}

static const lyne_model model = {
    .component = {.kind = KIND, .name = NAME, .help = HELP, .config_size = sizeof(config), .fields = fields},
    .build = BUILD};

#if defined WRONG_ABI
const lyne_plugin lyne_plugin_entry = {.abi = LYNE_PLUGIN_ABI + 1};
#elif defined WRONG_COUNT
const lyne_plugin lyne_plugin_entry = {.abi = LYNE_PLUGIN_ABI, .n_sizes = 3};
#elif defined WRONG_SIZE
#undef LYNE_PLUGIN_SIZE
#define LYNE_PLUGIN_SIZE(type) sizeof(type) + 8 * (sizeof(type) == sizeof(lyne_model) && #type[5] == 'm'),
LYNE_PLUGIN("1.0", &model.component);
#elif defined NO_ENTRY
extern const lyne_component *const unused;
const lyne_component *const unused = &model.component;
#elif defined NO_ROWS
LYNE_PLUGIN("1.0", NULL);
#elif defined UNDEFINED
lyne_status lyne_no_such_function(void);
void *const unused = (void *)lyne_no_such_function;
LYNE_PLUGIN("1.0", &model.component);
#else
LYNE_PLUGIN("1.0", &model.component);
#endif
