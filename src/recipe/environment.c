/* recipe/environment.c -- see environment.h. */
#include "recipe/environment.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "component/origin.h"
#include "dnn/dnn.h"
#include "formats/json.h"
#include "stages/stage.h"
#include <omp.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LIMIT = 1 << 20 };

json_t *lyne_plugins_json(void) {
    size_t n;
    const lyne_origin *plugin = lyne_origins(&n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char digest[LYNE_DIGEST_TEXT];
        lyne_digest_print(plugin[i].digest, digest);
        json_t *j = json_pack("{s:s, s:s}", "file", plugin[i].path, "digest", digest);
        if (plugin[i].version) json_object_set_new(j, "version", json_string(plugin[i].version));
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *environment_json(void) {
    char date[LYNE_DATE_TEXT], cpu[LYNE_CPU_NAME];
    struct utsname system = {0};
    lyne_date(date);
    lyne_cpu_name(cpu);
    uname(&system);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:o}", "lyne", LYNE_VERSION, "date", date,
                     "cpu", cpu, "isa", lyne_isa_name(lyne_cpu_isa()), "onednn", dnn_version(), "onednn_isa", dnn_isa(),
                     "threads", omp_get_max_threads(), "cores", (int)sysconf(_SC_NPROCESSORS_ONLN), "system",
                     system.sysname, "release", system.release, "machine", system.machine, "plugins",
                     lyne_plugins_json());
}

lyne_status lyne_environment_save(const char *out, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_status status = lyne_path(path, out, "environment.json", err);
    if (status == LYNE_OK) {
        json_t *root = environment_json();
        status = lyne_json_save(path, root, err);
        json_decref(root);
    }
    return status;
}

bool lyne_environment_stands(const char *out) {
    char path[LYNE_PATH_MAX];
    json_t *root = NULL;
    if (lyne_path(path, out, "environment.json", NULL) != LYNE_OK) return false;
    const bool stands = lyne_json_load(path, LIMIT, &root, NULL) == LYNE_OK &&
                        json_is_string(json_object_get(root, "lyne")) &&
                        json_is_string(json_object_get(root, "onednn"));
    json_decref(root);
    return stands;
}

lyne_status lyne_environment_begin(const char *out, lyne_error *err) {
    char path[LYNE_PATH_MAX];
    lyne_status status = lyne_path(path, out, "log.txt", err);
    if (status == LYNE_OK) status = lyne_log_open(path, err);
    if (status == LYNE_OK)
        lyne_log_line("start: lyne %s, oneDNN %s, %s, %d threads, process %d", LYNE_VERSION, dnn_version(), dnn_isa(),
                      omp_get_max_threads(), (int)getpid());
    return status;
}

lyne_status lyne_environment_end(lyne_status status, lyne_error *err) {
    if (status == LYNE_OK)
        lyne_log_line("end");
    else
        lyne_log_line("end: status %d: %s", (int)status, err ? err->text : "");
    return lyne_log_close(status == LYNE_OK ? err : NULL);
}
