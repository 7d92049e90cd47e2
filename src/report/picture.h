/* report/picture.h -- the graph of a model as a picture. */
#ifndef LYNE_REPORT_PICTURE_H
#define LYNE_REPORT_PICTURE_H

#include "base/text.h"
#include "lyne/graph.h"

/** For Graphviz: `dot -Tsvg`. */
void lyne_picture_dot(const lyne_graph *g, lyne_text *out);
/** SVG by itself: a node on each line, what skips lines drawn as an arc at the side. */
void lyne_picture_svg(const lyne_graph *g, lyne_text *out);

/** Text inside XML. */
void lyne_picture_escape(lyne_text *out, const char *text);

#endif
