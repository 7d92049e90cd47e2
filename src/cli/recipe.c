/* cli/recipe.c -- a recipe and its diagnostics on stderr. */
#include "cli/recipe.h"
#include "base/text.h"
#include "cli/wrap.h"
#include "graph/op.h"
#include "report/progress.h"
#include "train/features.h"
#include <stdlib.h>
#include <string.h>

void lyne_cli_print(lyne_diagnostics *d) {
    lyne_display display;
    lyne_display_init(&display, false);
    lyne_diagnostics_print(d, stderr, display.colour);
    lyne_diagnostics_free(d);
}

lyne_status lyne_cli_read(lyne_recipe *recipe, const char *path, const char *const *set, size_t n_set,
                          const lyne_registry *registry) {
    lyne_diagnostics diagnostics = {0};
    const lyne_status status = lyne_recipe_read(recipe, path, set, n_set, registry, &diagnostics);
    lyne_cli_print(&diagnostics);
    return status;
}

void lyne_cli_advise(const lyne_recipe *recipe) {
    lyne_diagnostics diagnostics = {0};
    for (size_t i = 0; i < lyne_recipe_count(recipe); i++) lyne_recipe_advise(lyne_recipe_at(recipe, i), &diagnostics);
    lyne_cli_print(&diagnostics);
}

static lyne_status print_adapter(const char *stage, const lyne_node *n, lyne_error *err) {
    char from[LYNE_SHAPE_TEXT], to[LYNE_SHAPE_TEXT];
    int64_t parameters = 0;
    lyne_text text = {0};
    for (int i = 0; i < n->n_params; i++)
        parameters += lyne_shape_size(&lyne_graph_param(n->graph, n->param[i])->shape);
    lyne_text_add(&text,
                  "%s: %s: %s takes %s from %s to %s (batch of 2), %lld parameters that are no part of the model",
                  stage, n->path, n->op->component.name, n->src[0]->path, lyne_shape_print(&n->src[0]->shape, from),
                  lyne_shape_print(&n->shape, to), (long long)parameters);
    if (text.failed) return lyne_fail_memory(err, "an adapter");
    lyne_cli_wrap(stdout, printf("  "), 4, text.data);
    lyne_text_free(&text);
    return LYNE_OK;
}

lyne_status lyne_cli_print_adapters(lyne_recipe *r, lyne_error *err) {
    lyne_status status = LYNE_OK;
    for (size_t i = 0; i < r->n_stages && status == LYNE_OK; i++) {
        if (!((const lyne_stage *)r->stage[i].kind.row)->model) continue;
        lyne_network net;
        lyne_mark place;
        status = lyne_recipe_build(r, i, &net, &place, err);
        for (int k = 0; status == LYNE_OK && k < lyne_graph_n_nodes(net.graph); k++) {
            const lyne_node *n = lyne_graph_node(net.graph, k);
            if (strncmp(n->path, LYNE_ADAPTER_SCOPE ".", sizeof LYNE_ADAPTER_SCOPE) == 0 && n->n_src == 1)
                status = print_adapter(r->stage[i].name, n, err);
        }
        lyne_network_deinit(&net);
    }
    return status;
}
