/* component/yaml_error.h -- what libyaml has against a text, in the words of somebody who is writing a recipe. */
#ifndef LYNE_COMPONENT_YAML_ERROR_H
#define LYNE_COMPONENT_YAML_ERROR_H

#include "component/yaml.h"
#include <yaml.h>

/** A place of the parser, which began to read `skip` bytes into the source, as a mark of one character. */
lyne_mark lyne_yaml_mark(const lyne_source *source, size_t skip, yaml_mark_t place);
/** The error at which the parser stopped, as one diagnostic. */
void lyne_yaml_explain(const yaml_parser_t *parser, const lyne_source *source, size_t skip, lyne_diagnostics *out);

#endif
