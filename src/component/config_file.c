/* component/config_file.c -- which files a recipe may name, and who else may name any. */
#include "base/file.h"
#include "component/config.h"

bool lyne_config_may_name(const lyne_filler *f, const lyne_field *field, const char *where, const lyne_yaml *node) {
    lyne_error err = {0};
    if (f->n_folders == 0 || (node->mark.source && node->mark.source->assigned)) return true;
    if (lyne_file_within(node->text, f->folder, f->n_folders, &err) == LYNE_OK) return true;
    lyne_diagnose(f->out, node->mark, LYNE_ERECIPE, "%s: %s = %s; --set may name it", where, field->name, err.text);
    return false;
}
