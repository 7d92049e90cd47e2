/* train/metrics.c -- metrics.jsonl. */
#include "train/metrics.h"
#include "formats/json.h"
#include <stdio.h>

lyne_status lyne_metrics_open(lyne_metrics *m, const char *directory, uint64_t keep, lyne_error *err) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/metrics.jsonl", directory) >= (int)sizeof path)
        return lyne_fail(err, LYNE_EOTHER, "%.100s...: the path is too long", directory);
    return lyne_jsonl_open(&m->file, path, keep, err);
}

lyne_status lyne_metrics_write(lyne_metrics *m, const lyne_epoch *e, lyne_error *err) {
    json_t *line = json_object(), *loss = json_object();
    lyne_json_set_real(line, "epoch", e->epoch);
    json_object_set_new(line, "step", json_integer((json_int_t)e->step));
    lyne_json_set_real(line, "lr", e->learning_rate);
    for (int i = 0; i < e->n_terms; i++) lyne_json_set_real(loss, e->term_name[i], e->term[i]);
    json_object_set_new(line, "loss", loss);
    lyne_json_set_real(line, "train_accuracy", e->accuracy);
    if (e->validation_errors >= 0)
        json_object_set_new(line, "validation_errors", json_integer((json_int_t)e->validation_errors));
    lyne_json_set_real(line, "seconds", e->seconds);
    return lyne_jsonl_write(&m->file, line, err);
}

lyne_status lyne_metrics_sync(lyne_metrics *m, uint64_t *bytes, lyne_error *err) {
    *bytes = m->file.file.size;
    return lyne_jsonl_sync(&m->file, err);
}

void lyne_metrics_close(lyne_metrics *m) {
    lyne_jsonl_close(&m->file);
}
