/* tests/power/labels.c -- whatever a loss of power leaves while a cache of soft labels takes the place of another: what
 * opens is the old one or the new one, each number of it, and the writer goes on to the new one without doing again what
 * was promised to be done. */
#include "../labels/cache.h"
#include "../scratch.h"
#include "disk.h"

static char to[64];
static lyne_labels_plan old, new;
static bytes whole[FILES];
static char from[64];

/* Each shard is promised once the next begins, the whole when finishing has returned. */
static void write_with_promises(void) {
    lyne_error err = {0};
    lyne_labels_writer *w = begun(&new);
    for (int shard = 1; shard <= SHARDS; shard++) {
        append_until(w, (uint64_t)(shard * PER_SHARD < RECORDS ? shard * PER_SHARD : RECORDS), 3);
        disk_promise();
    }
    cr_assert_eq(lyne_labels_finish(w, &err), LYNE_OK, "%s", err.text);
    disk_promise();
    lyne_labels_writer_free(w);
}

/* `old` holds the same numbers, so it is told by what its manifest says. */
static void look(const char *folder, size_t promises) {
    lyne_error err = {0};
    bool wrong;
    snprintf(root, sizeof root, "%s", folder);
    const lyne_status status = examine(&err, &wrong);
    cr_assert(status == LYNE_OK || (status == LYNE_EDATA && promises <= SHARDS), "%d promises: %s", (int)promises,
              err.text);
    cr_assert_not(wrong);
    if (status == LYNE_OK) {
        lyne_labels *labels = opened();
        const bool is_new = lyne_labels_match(labels, &new.identity, NULL) == LYNE_OK;
        cr_assert(is_new || lyne_labels_match(labels, &old.identity, NULL) == LYNE_OK);
        cr_assert(is_new || promises <= SHARDS);
        lyne_labels_close(labels);
    }
    new.directory = root;
    lyne_labels_writer *w = begun(&new);
    const uint64_t done = promises < SHARDS ? promises * PER_SHARD : RECORDS;
    cr_assert_leq(lyne_labels_left(w), RECORDS - done, "%d shards were promised", (int)promises);
    append_until(w, RECORDS, 3);
    cr_assert_eq(lyne_labels_finish(w, &err), LYNE_OK, "%s", err.text);
    lyne_labels_writer_free(w);
    for (int i = 0; i < FILES; i++) {
        const bytes b = get_file(file_names[i]);
        cr_assert(b.size == whole[i].size && memcmp(b.data, whole[i].data, b.size) == 0, "%s", file_names[i]);
        lyne_free(b.data);
    }
}

TestSuite(power_labels, .init = make_root, .fini = remove_root);

Test(power_labels, replaced) {
    strcpy(from, root);
    scratch_folder(to, sizeof to, "power");
    old = new = small_plan("f16");
    old.directory = new.directory = from;
    old.identity.teacher.low++;
    write_cache(&old);
    disk_record(from);
    write_with_promises();
    disk_stop();
    for (int i = 0; i < FILES; i++) whole[i] = get_file(file_names[i]);
    const size_t n = disk_states(to, 1500, look);
    cr_expect_geq(n, 1000, "%d states", (int)n);
    for (int i = 0; i < FILES; i++) lyne_free(whole[i].data);
    cr_assert_eq(lyne_directory_remove(from, NULL), LYNE_OK);
}
