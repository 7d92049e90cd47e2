/* lyne/plugin.h -- a shared object that brings rows of its own: models, ops, losses, optimizers, schedules,
 * formats of data sets, augmentations.
 *
 *     #include <lyne/ops.h>
 *     #include <lyne/plugin.h>
 *
 *     static lyne_node *build(lyne_graph *g, const void *config, lyne_node *picture, int64_t n_classes) {
 *         return lyne_linear(g, "fc", lyne_flatten(g, "flatten", picture),
 *                            (lyne_linear_config){LYNE_LINEAR_DEFAULTS, .units = n_classes});
 *     }
 *     static const lyne_model tiny = {
 *         .component = {.kind = LYNE_MODEL, .name = "tiny", .help = "one linear layer", .example = "tiny"},
 *         .build = build};
 *     LYNE_PLUGIN("1.0", &tiny.component);
 *
 *     cc -shared -fPIC tiny.c $(pkg-config --cflags lyne) -o tiny.so
 *     lyne plugin tiny.so
 *     lyne run --plugin ./tiny.so recipe.yaml         (or LYNE_PLUGINS=./tiny.so:./other.so)
 *
 * It is linked with nothing of Lyne: what it calls is in the program that loads it.  From then on its rows are like those
 * that are built in: recipes name them, `lyne explain` shows them, their mistakes have line and column.  A plug-in is
 * loaded because the user said so, on the command line or in the environment, never because a recipe did.
 *
 * Rows, tables of fields and names are the plug-in's and stay where they are; functions are called from one thread unless
 * their header says otherwise.  A name that is taken, by a row that is built in or another plug-in's, is refused.  The
 * digest of the file goes into the fingerprint of every stage that uses one of its rows, so a plug-in that was built anew
 * makes those stages run again. */
#ifndef LYNE_PLUGIN_H
#define LYNE_PLUGIN_H

#include "lyne/augment.h"
#include "lyne/data.h"
#include "lyne/graph.h"
#include "lyne/loss.h"
#include "lyne/op.h"
#include "lyne/optim.h"

/* Goes up when a plug-in that still compiles would mean something else. */
#define LYNE_PLUGIN_ABI 1

/* The structs that a plug-in and the program share; each must be of one size to both. */
#define LYNE_PLUGIN_STRUCTS(X)                                                                                         \
    X(lyne_component)                                                                                                  \
    X(lyne_field)                                                                                                      \
    X(lyne_node)                                                                                                       \
    X(lyne_call)                                                                                                       \
    X(lyne_loss_inputs)                                                                                                \
    X(lyne_weights)                                                                                                    \
    X(lyne_update)                                                                                                     \
    X(lyne_op)                                                                                                         \
    X(lyne_model)                                                                                                      \
    X(lyne_loss)                                                                                                       \
    X(lyne_optimizer)                                                                                                  \
    X(lyne_schedule)                                                                                                   \
    X(lyne_data_paths)                                                                                                 \
    X(lyne_dataset)                                                                                                    \
    X(lyne_format)                                                                                                     \
    X(lyne_stream)                                                                                                     \
    X(lyne_augmentation)
#define LYNE_PLUGIN_SIZE(type) sizeof(type),
#define LYNE_PLUGIN_ONE(type)  +1

/* What the symbol lyne_plugin_entry is; LYNE_PLUGIN fills it. */
typedef struct lyne_plugin {
    uint32_t abi; /* the one member that is where it is in every version */
    uint32_t n_sizes;
    size_t size[LYNE_PLUGIN_STRUCTS(LYNE_PLUGIN_ONE)];
    const char *version;               /* the plug-in's own, for results.json */
    const lyne_component *const *rows; /* ends with NULL                      */
} lyne_plugin;

/** Once in a plug-in: its version and the components of its rows. */
#define LYNE_PLUGIN(version_text, ...)                                                                                 \
    __attribute__((visibility("default"))) extern const lyne_plugin lyne_plugin_entry;                                 \
    const lyne_plugin lyne_plugin_entry = {.abi = LYNE_PLUGIN_ABI,                                                     \
                                           .n_sizes = LYNE_PLUGIN_STRUCTS(LYNE_PLUGIN_ONE),                            \
                                           .size = {LYNE_PLUGIN_STRUCTS(LYNE_PLUGIN_SIZE)},                            \
                                           .version = (version_text),                                                  \
                                           .rows = (const lyne_component *const[]){__VA_ARGS__, NULL}}

#endif
