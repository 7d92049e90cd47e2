/* report/picture.c -- nodes come in an order in which sources precede users, so one below the other is a drawing. */
#include "report/picture.h"
#include "graph/op.h"
#include <string.h>

/* Pixels; LETTER is more than one of a path takes. */
enum { ROW = 30, BOX = 22, LEFT = 20, LETTER = 7, PATH = 204, REST = 316, LANE = 14, LANES = 24 };

static const char *op_name(const lyne_node *n) {
    return n->op ? n->op->component.name : "input";
}

static int64_t parameters_of(const lyne_node *n) {
    int64_t sum = 0;
    for (int i = 0; i < n->n_params; i++) {
        const lyne_param *p = lyne_graph_param(n->graph, n->param[i]);
        if (p->role != LYNE_STATE) sum += lyne_shape_size(&p->shape);
    }
    return sum;
}

/* Text inside quotes of dot. */
static void quote(lyne_text *out, const char *text) {
    for (const char *p = text; *p; p++) lyne_text_add(out, "%s%c", *p == '"' || *p == '\\' ? "\\" : "", *p);
}

void lyne_picture_dot(const lyne_graph *g, lyne_text *out) {
    char shape[LYNE_SHAPE_TEXT];
    lyne_text_add(out, "digraph model {\n  node [shape=box, fontname=\"sans-serif\", fontsize=10]\n");
    for (int i = 0; i < lyne_graph_n_nodes(g); i++) {
        const lyne_node *n = lyne_graph_node(g, i);
        lyne_text_add(out, "  n%d [label=\"", i);
        quote(out, n->path);
        lyne_text_add(out, "\\n%s %s\"]\n", op_name(n), lyne_shape_print(&n->shape, shape));
        for (int k = 0; k < n->n_src; k++) lyne_text_add(out, "  n%d -> n%d\n", n->src[k]->index, i);
    }
    lyne_text_add(out, "}\n");
}

void lyne_picture_escape(lyne_text *out, const char *text) {
    for (const char *p = text; *p; p++) {
        const char *entity = *p == '<'   ? "&lt;"
                             : *p == '>' ? "&gt;"
                             : *p == '&' ? "&amp;"
                             : *p == '"' ? "&quot;"
                                         : NULL;
        if (entity)
            lyne_text_add(out, "%s", entity);
        else
            lyne_text_add(out, "%c", *p);
    }
}

/* Ops of a kind have a colour: those with weights, norms, what joins, the rest. */
static const char *colour_of(const lyne_node *n) {
    const char *op = op_name(n);
    if (!n->op) return "#e0e0e0";
    if (strstr(op, "norm")) return "#dff0d8";
    if (n->n_params) return "#d6e6f7";
    return n->n_src > 1 ? "#fbe3c6" : "#ffffff";
}

/* The lane of an arc from line a to line b: the innermost that is free there. */
static int lane_of(int busy_until[LANES], int a, int b) {
    for (int lane = 0; lane < LANES; lane++)
        if (busy_until[lane] <= a) {
            busy_until[lane] = b;
            return lane;
        }
    return LANES - 1;
}

static int last_reader(const lyne_graph *g, int i) {
    int last = -1;
    for (int k = i + 1; k < lyne_graph_n_nodes(g); k++)
        for (int s = 0; s < lyne_graph_node(g, k)->n_src; s++)
            if (lyne_graph_node(g, k)->src[s]->index == i) last = k;
    return last;
}

/* Arcs begin at x.  Longer ones lie outside: lanes are given away from the end, where the inner arcs begin first. */
static void add_arcs(const lyne_graph *g, int i, int x, int busy[LANES], lyne_text *out) {
    const int y = ROW * i + ROW;
    int lane = -1;
    for (int k = i + 2; k < lyne_graph_n_nodes(g); k++)
        for (int s = 0; s < lyne_graph_node(g, k)->n_src; s++) {
            if (lyne_graph_node(g, k)->src[s]->index != i) continue;
            if (lane < 0) lane = lane_of(busy, i, last_reader(g, i));
            const int to = ROW * k + ROW, side = x + LANE * (lane + 1);
            lyne_text_add(out,
                          "<path d=\"M%d %d H%d Q%d %d %d %d V%d Q%d %d %d %d H%d\" class=\"e\" "
                          "marker-end=\"url(#a)\"/>\n",
                          x, y, side - 6, side, y, side, y + 6, to - 6, side, to, side - 6, to, x + 2);
        }
}

static void add_node(const lyne_graph *g, int i, int path, int busy[LANES], lyne_text *out) {
    const lyne_node *node = lyne_graph_node(g, i);
    const int y = ROW * i + ROW, width = path + REST;
    char shape[LYNE_SHAPE_TEXT], parameters[16];
    lyne_text_add(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\" fill=\"%s\" stroke=\"#888\"/>\n",
                  LEFT, y - BOX / 2, width, BOX, colour_of(node));
    lyne_text_add(out, "<text x=\"%d\" y=\"%d\">", LEFT + 8, y + 4);
    lyne_picture_escape(out, node->path);
    lyne_text_add(out, "</text><text x=\"%d\" y=\"%d\">%s</text>", LEFT + path + 16, y + 4, op_name(node));
    lyne_text_add(out, "<text x=\"%d\" y=\"%d\" class=\"r\">%s</text>", LEFT + path + 236, y + 4,
                  lyne_shape_print(&node->shape, shape));
    lyne_human((double)parameters_of(node), parameters);
    if (parameters_of(node))
        lyne_text_add(out, "<text x=\"%d\" y=\"%d\" class=\"r\">%s</text>", LEFT + width - 8, y + 4, parameters);
    lyne_text_add(out, "\n");
    for (int k = 0; k < node->n_src; k++)
        if (node->src[k]->index == i - 1)
            lyne_text_add(out, "<path d=\"M%d %dV%d\" class=\"e\" marker-end=\"url(#a)\"/>\n", LEFT + width / 2,
                          y - ROW + BOX / 2, y - BOX / 2);
    add_arcs(g, i, LEFT + width, busy, out);
}

void lyne_picture_svg(const lyne_graph *g, lyne_text *out) {
    const int n = lyne_graph_n_nodes(g);
    int busy[LANES] = {0}, lanes = 0, path = PATH;
    lyne_text nodes = {0};
    for (int i = 0; i < n; i++) {
        const int needs = LETTER * (int)strlen(lyne_graph_node(g, i)->path);
        if (needs > path) path = needs;
    }
    for (int i = 0; i < n; i++) add_node(g, i, path, busy, &nodes);
    while (lanes < LANES && busy[lanes]) lanes++;
    lyne_text_add(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                  "font-family=\"sans-serif\" font-size=\"11\">\n"
                  "<style>.e{fill:none;stroke:#555}.r{text-anchor:end;fill:#444}</style>\n"
                  "<marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
                  "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#555\"/></marker>\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                  path + REST + LANE * lanes + 2 * LEFT, ROW * n + ROW);
    if (nodes.data) lyne_text_bytes(out, nodes.data, nodes.length);
    out->failed |= nodes.failed;
    lyne_text_add(out, "</svg>\n");
    lyne_text_free(&nodes);
}
