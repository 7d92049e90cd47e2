/* tests/formats/jsonl.c -- whole lines, resumed where they were synced. */
#include "formats/jsonl.h"

#include "formats/json.h"
#include "scratch.h"
#include <errno.h>
#include <math.h>

TestSuite(jsonl, .init = scratch_enter, .fini = scratch_leave);

static void check_content(const char *due) {
    size_t n;
    char *text = get(at("log"), &n);
    cr_assert_str_eq(text, due);
    lyne_free(text);
}

Test(jsonl, appends_and_resumes) {
    lyne_jsonl log;
    cr_assert_eq(lyne_jsonl_open(&log, at("log"), 0, NULL), LYNE_OK);
    cr_assert_eq(lyne_jsonl_write(&log, json_pack("{s:i, s:f}", "epoch", 1, "lr", 0.1), NULL), LYNE_OK);
    cr_assert_eq(lyne_jsonl_sync(&log, NULL), LYNE_OK);
    uint64_t synced = log.file.size;
    check_content("{\"epoch\": 1, \"lr\": 0.1}\n");
    cr_assert_eq(lyne_jsonl_write(&log, json_pack("{s:i}", "epoch", 2), NULL), LYNE_OK);
    lyne_jsonl_close(&log);
    lyne_jsonl_close(&log);
    cr_assert_eq(lyne_jsonl_open(&log, at("log"), synced, NULL), LYNE_OK);
    json_t *object = json_object();
    cr_assert_eq(lyne_json_set_real(object, "loss", NAN), 0);
    cr_assert_eq(lyne_jsonl_write(&log, object, NULL), LYNE_OK);
    lyne_jsonl_close(&log);
    check_content("{\"epoch\": 1, \"lr\": 0.1}\n{\"loss\": null, \"nonfinite\": true}\n");
    lyne_jsonl_close(NULL);
    lyne_jsonl_close(&(lyne_jsonl){0});
}

Test(jsonl, a_line_is_one_line) {
    lyne_jsonl log;
    cr_assert_eq(lyne_jsonl_open(&log, at("log"), 0, NULL), LYNE_OK);
    cr_assert_eq(lyne_jsonl_write(&log, json_pack("{s:s, s:[i, i]}", "text", "a\nb", "list", 1, 2), NULL), LYNE_OK);
    lyne_jsonl_close(&log);
    check_content("{\"text\": \"a\\nb\", \"list\": [1, 2]}\n");
}

Test(jsonl, failures_are_reported) {
    lyne_jsonl log;
    lyne_error err = {0};
    cr_assert_eq(lyne_jsonl_open(&log, at("no/log"), 0, &err), LYNE_EDATA);
    cr_assert(strstr(err.text, "no/log"), "%s", err.text);
    cr_assert_eq(lyne_jsonl_open(&log, at("log"), 0, NULL), LYNE_OK);
    cr_assert_eq(lyne_jsonl_write(&log, NULL, NULL), LYNE_ENOSPACE);
    lyne_memory_fail_at(1);
    cr_assert_eq(lyne_jsonl_write(&log, json_object(), NULL), LYNE_ENOSPACE);
    err = (lyne_error){0};
    lyne_file_fail_at(1, ENOSPC);
    cr_assert_eq(lyne_jsonl_write(&log, json_object(), &err), LYNE_ENOSPACE);
    cr_assert(strstr(err.text, at("log")), "%s", err.text);
    lyne_file_fail_at(1, EIO);
    cr_assert_eq(lyne_jsonl_sync(&log, NULL), LYNE_EDATA);
    lyne_jsonl_close(&log);
    check_content("");
}
