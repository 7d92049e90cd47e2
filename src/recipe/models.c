/* recipe/models.c -- see models.h. */
#include "recipe/models.h"
#include "stages/stage.h"

/* kept: for each path of keep_f32, whether some model has it. */
static void note_kept(const lyne_recipe *r, const lyne_graph *g, bool *kept) {
    for (size_t k = 0; k < r->keep_f32.n; k++)
        for (int i = 0; i < lyne_graph_n_nodes(g) && !kept[k]; i++)
            kept[k] = lyne_path_within(lyne_graph_node(g, i)->path, r->keep_f32.item[k]);
}

/* The network behind a stage, if it trains one; false if that could not be built. */
static bool check_model(lyne_recipe *r, size_t stage, bool *kept, lyne_diagnostics *out) {
    const lyne_stage *row = (const lyne_stage *)r->stage[stage].kind.row;
    if (!row || !row->model) return true;
    lyne_mark place;
    lyne_network net;
    lyne_error err = {0};
    const bool built = lyne_recipe_build(r, stage, &net, &place, &err) == LYNE_OK;
    if (built)
        note_kept(r, net.graph, kept);
    else
        lyne_diagnose(out, place, err.status, "%s: model: %s", r->stage[stage].name, err.text);
    lyne_network_deinit(&net);
    return built;
}

void lyne_models_check(lyne_recipe *r, const lyne_yaml *tree, const lyne_filler *f) {
    const lyne_yaml *written = lyne_yaml_get(tree, "keep_f32");
    bool built = true, *kept = lyne_arena_alloc(f->arena, r->keep_f32.n * sizeof *kept);
    for (size_t i = 0; kept && i < r->n_stages; i++) built &= check_model(r, i, kept, f->out);
    for (size_t k = 0; kept && built && written && k < r->keep_f32.n && k < written->n; k++)
        if (!kept[k])
            lyne_diagnose(f->out, written->item[k]->mark, LYNE_ERECIPE,
                          "keep_f32: no model here has a node or a block '%s'; `lyne show` lists them",
                          r->keep_f32.item[k]);
    if (!kept) f->out->out_of_memory = true;
}
