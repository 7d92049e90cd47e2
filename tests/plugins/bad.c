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

/* A data set and two augmentations; -DROW=format and so on for one of them in place of the model. */
#ifndef OPEN
#define OPEN open_split
#endif
#ifndef APPLY
#define APPLY apply
#endif
#ifndef MIX
#define MIX NULL
#endif
#ifndef MIX_FIELD
#define MIX_FIELD LYNE_MIX_FIELDS
#endif
#ifndef CHANGE_DATA
#define CHANGE_DATA
#endif
#ifndef CHANGE_PICTURE
#define CHANGE_PICTURE
#endif
#ifndef ROW
#define ROW model
#endif

lyne_status open_split(lyne_dataset *d, const void *c, lyne_split split, const lyne_data_paths *paths,
                       lyne_error *err) {
    static const uint8_t pictures[8] = {1, 2, 3, 4, 5, 6, 7, 8}, labels[2] = {0, 1};
    (void)c, (void)split, (void)paths, (void)err;
    *d = (lyne_dataset){
        .n = 2, .channels = 1, .height = 2, .width = 2, .n_classes = 2, .pictures = pictures, .labels = labels};
    CHANGE_DATA;
    return LYNE_OK;
}

int drawn;
void apply(const void *c, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    (void)c, (void)stream, drawn++;
    for (int64_t i = 0; i < size.channels * size.height * size.width; i++) dst[i] = src[i];
    CHANGE_PICTURE;
}
int32_t mix(const void *c, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, const uint8_t *partner,
            uint8_t *dst) {
    (void)c, (void)size, (void)stream, (void)src, (void)partner, (void)dst;
    return LYNE_WHOLE;
}

const lyne_format format = {.component = {.kind = LYNE_DATASET, .name = NAME, .help = HELP}, .open = OPEN};
const lyne_augmentation augmentation = {
    .component = {.kind = LYNE_AUGMENTATION, .name = NAME, .help = HELP}, .apply = APPLY, .mix = MIX};
static const lyne_field mix_fields[] = {MIX_FIELD, LYNE_FIELDS_END};
const lyne_augmentation mixing = {.component = {.kind = LYNE_AUGMENTATION,
                                                .name = NAME,
                                                .help = HELP,
                                                .config_size = sizeof(lyne_mix_config),
                                                .fields = mix_fields},
                                  .mix = mix};

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
LYNE_PLUGIN("1.0", &ROW.component);
#endif
