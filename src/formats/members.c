/* formats/members.c -- see members.h.  libarchive reads the tar and zstd; gzip has its checksum compared in gzip.c. */
#include "formats/members.h"

#include "base/file.h"
#include "formats/gzip.h"
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

void lyne_members_free(lyne_members *m) {
    if (!m) return;
    lyne_arena_free(&m->arena);
    lyne_free(m->item);
    lyne_free(m->bytes);
    *m = (lyne_members){0};
}

/* Room for one more member of that size; its bytes follow. */
static lyne_status add(lyne_members *m, const char *path, const char *folder, size_t folder_length, const char *name,
                       size_t size, lyne_members_limit limit, lyne_error *err) {
    size_t all;
    if (size == 0) return lyne_fail(err, LYNE_EDATA, "%s: %.*s/%s is empty", path, (int)folder_length, folder, name);
    if (size > limit.member)
        return lyne_fail(err, LYNE_EDATA, "%s: %.*s/%s has %zu bytes; at most %zu are allowed", path,
                         (int)folder_length, folder, name, size, limit.member);
    if (!lyne_size_add(m->n_bytes, size, &all) || all > limit.bytes || m->n == limit.count)
        return lyne_fail(err, LYNE_EDATA, "%s: holds more than %zu files or %zu bytes, which is all that is allowed",
                         path, limit.count, limit.bytes);
    if (!lyne_grow(&m->item, &m->item_capacity, m->n + 1, sizeof *m->item) ||
        !lyne_grow(&m->bytes, &m->bytes_capacity, all, 1))
        return lyne_fail_memory(err, path);
    /* Members of one folder often follow each other, in a folder always. */
    const lyne_member *last = m->n ? &m->item[m->n - 1] : NULL;
    const bool again = last && strncmp(last->folder, folder, folder_length) == 0 && last->folder[folder_length] == '\0';
    const lyne_member new = {.folder = again ? last->folder : lyne_arena_strndup(&m->arena, folder, folder_length),
                             .name = lyne_arena_strndup(&m->arena, name, strlen(name)),
                             .at = m->n_bytes,
                             .size = size};
    if (!new.folder || !new.name) return lyne_fail_memory(err, path);
    m->item[m->n++] = new;
    m->n_bytes = all;
    return LYNE_OK;
}

/* ---- a tar ---- */

static lyne_status broken(const char *path, struct archive *a, lyne_error *err) {
    const char *why = archive_error_string(a);
    return lyne_fail(err, LYNE_EDATA, "%s: is no tar, damaged, or cut short: %s", path, why ? why : "it ends early");
}

/* Whether a part of a path, up to the next slash, leads somewhere else. */
static bool is_part(const char *part, size_t length) {
    return length > 0 && !(length == 1 && part[0] == '.') && !(length == 2 && part[0] == '.' && part[1] == '.');
}

/* A member that is a file: its name taken apart and its bytes copied. */
static lyne_status read_file(lyne_members *m, const char *path, struct archive *a, struct archive_entry *entry,
                             const char *name, lyne_members_limit limit, lyne_error *err) {
    const char *plain = strncmp(name, "./", 2) == 0 ? name + 2 : name, *slash = strchr(plain, '/');
    const size_t folder = slash ? (size_t)(slash - plain) : 0;
    if (!slash || strchr(slash + 1, '/') || !is_part(plain, folder) || !is_part(slash + 1, strlen(slash + 1)))
        return lyne_fail(err, LYNE_EDATA, "%s: \"%s\" is not FOLDER/NAME, as every file in it should be", path, name);
    const la_int64_t size = archive_entry_size(entry);
    if (!archive_entry_size_is_set(entry) || size < 0)
        return lyne_fail(err, LYNE_EDATA, "%s: \"%s\" has no size", path, name);
    lyne_status status = add(m, path, plain, folder, slash + 1, (size_t)size, limit, err);
    for (size_t at = 0; status == LYNE_OK && at < (size_t)size;) {
        la_ssize_t n = archive_read_data(a, m->bytes + m->n_bytes - (size_t)size + at, (size_t)size - at);
        if (n <= 0) return broken(path, a, err);
        at += (size_t)n;
    }
    return status;
}

static lyne_status read_entry(lyne_members *m, const char *path, struct archive *a, struct archive_entry *entry,
                              lyne_members_limit limit, lyne_error *err) {
    const char *name = archive_entry_pathname(entry);
    if (!name) name = archive_entry_pathname_utf8(entry);
    if (!name || !*name) return lyne_fail(err, LYNE_EDATA, "%s: has a member without a name", path);
    if (*name == '/') return lyne_fail(err, LYNE_EDATA, "%s: \"%s\" is an absolute path", path, name);
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strcspn(part, "/") == 2 && memcmp(part, "..", 2) == 0)
            return lyne_fail(err, LYNE_EDATA, "%s: \"%s\" leads out of its folder", path, name);
    }
    const bool link = archive_entry_hardlink(entry) || archive_entry_symlink(entry);
    if (!link && archive_entry_filetype(entry) == AE_IFDIR) return LYNE_OK;
    if (link || archive_entry_filetype(entry) != AE_IFREG)
        return lyne_fail(err, LYNE_EDATA, "%s: \"%s\" is a link, a device or the like, not a file", path, name);
    return read_file(m, path, a, entry, name, limit, err);
}

static lyne_status read_entries(lyne_members *m, const char *path, const void *bytes, size_t size,
                                lyne_members_limit limit, lyne_error *err) {
    struct archive_entry *entry;
    struct archive *a = archive_read_new();
    if (!a) return lyne_fail_memory(err, path);
    lyne_status status = LYNE_OK;
    if (archive_read_support_filter_zstd(a) != ARCHIVE_OK || archive_read_support_format_tar(a) != ARCHIVE_OK ||
        archive_read_open_memory(a, bytes, size) != ARCHIVE_OK)
        status = broken(path, a, err);
    while (status == LYNE_OK) {
        const int got = archive_read_next_header(a, &entry);
        if (got == ARCHIVE_EOF) break;
        /* a warning is about the spelling of a name, which is checked here anyway */
        status =
            got == ARCHIVE_OK || got == ARCHIVE_WARN ? read_entry(m, path, a, entry, limit, err) : broken(path, a, err);
    }
    archive_read_free(a);
    return status;
}

static lyne_status read_tar(lyne_members *m, const char *path, lyne_members_limit limit, lyne_error *err) {
    lyne_map map;
    lyne_status status = lyne_map_open(&map, path, err);
    if (status != LYNE_OK) return status;
    if (map.size >= 2 && map.data[0] == 0x1F && map.data[1] == 0x8B) {
        /* a member costs at most 1.5 KiB of tar besides its bytes, extended headers included */
        unsigned char *plain = NULL;
        size_t size = 0, most, heads;
        if (!lyne_size_mul(limit.count, 1536, &heads) || !lyne_size_add(heads, limit.bytes, &most)) most = SIZE_MAX;
        status = lyne_inflate(path, most, &plain, &size, err);
        if (status == LYNE_OK) status = read_entries(m, path, plain, size, limit, err);
        lyne_free(plain);
    } else {
        limit.bytes = limit.bytes < lyne_inflate_most(map.size) ? limit.bytes : lyne_inflate_most(map.size);
        status = read_entries(m, path, map.data, map.size, limit, err);
    }
    lyne_map_close(&map);
    return status;
}

/* ---- a folder ---- */

static lyne_status read_folder(lyne_members *m, const char *root, const char *folder, lyne_members_limit limit,
                               lyne_error *err) {
    char **names = NULL;
    size_t n = 0;
    lyne_arena scratch = {0};
    const char *path = lyne_arena_printf(&scratch, "%s/%s", root, folder);
    lyne_status status = path ? lyne_file_within(path, &root, 1, err) : lyne_fail_memory(err, root);
    if (status == LYNE_OK) status = lyne_directory_list(path, &names, &n, err);
    for (size_t i = 0; status == LYNE_OK && i < n; i++) {
        char *data = NULL;
        size_t size = 0;
        const char *file = lyne_arena_printf(&scratch, "%s/%s", path, names[i]);
        status = file ? lyne_file_read(file, limit.member, &data, &size, err) : lyne_fail_memory(err, root);
        if (status == LYNE_OK) status = add(m, root, folder, strlen(folder), names[i], size, limit, err);
        if (status == LYNE_OK) memcpy(m->bytes + m->n_bytes - size, data, size);
        lyne_free(data);
    }
    lyne_names_free(names, n);
    lyne_arena_free(&scratch);
    return status;
}

static lyne_status read_folders(lyne_members *m, const char *path, lyne_members_limit limit, lyne_error *err) {
    char **names = NULL;
    size_t n = 0;
    lyne_status status = lyne_directory_list(path, &names, &n, err);
    for (size_t i = 0; status == LYNE_OK && i < n; i++) status = read_folder(m, path, names[i], limit, err);
    lyne_names_free(names, n);
    return status;
}

lyne_status lyne_members_read(lyne_members *m, const char *path, lyne_members_limit limit, lyne_error *err) {
    uint64_t size;
    *m = (lyne_members){0};
    const bool file = lyne_file_size(path, &size, NULL) == LYNE_OK;
    lyne_status status = file ? read_tar(m, path, limit, err) : read_folders(m, path, limit, err);
    if (status != LYNE_OK) lyne_members_free(m);
    return status;
}
