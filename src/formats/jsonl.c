/* formats/jsonl.c -- each line is one write, so a reader of a live file sees whole lines. */
#include "formats/jsonl.h"

#include "base/memory.h"
#include "base/text.h"
#include "formats/json.h"

lyne_status lyne_jsonl_open(lyne_jsonl *log, const char *path, uint64_t keep, lyne_error *err) {
    return lyne_append_open(&log->file, path, keep, err);
}

lyne_status lyne_jsonl_write(lyne_jsonl *log, json_t *object, lyne_error *err) {
    char *dump = lyne_json_dump(object, JSON_REAL_PRECISION(9));
    lyne_text line = {0};
    if (dump) lyne_text_add(&line, "%s\n", dump);
    lyne_free(dump);
    json_decref(object);
    lyne_status status = !dump || line.failed ? lyne_fail_memory(err, log->file.path)
                                              : lyne_append_write(&log->file, line.data, line.length, err);
    lyne_text_free(&line);
    return status;
}

lyne_status lyne_jsonl_sync(lyne_jsonl *log, lyne_error *err) {
    return lyne_append_sync(&log->file, err);
}

void lyne_jsonl_close(lyne_jsonl *log) {
    if (log) lyne_append_close(&log->file);
}
