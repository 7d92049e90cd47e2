/* formats/members.c -- see members.h.  libarchive reads the tar and zstd; gzip has its checksum compared in gzip.c. */
#include "formats/members.h"

#include "base/file.h"
#include "formats/gzip.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
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

/* All entries of a tar that has been opened; `opened` as libarchive says it. */
static lyne_status read_entries(lyne_members *m, const char *path, struct archive *a, int opened,
                                lyne_members_limit limit, lyne_error *err) {
    struct archive_entry *entry;
    lyne_status status = opened == ARCHIVE_OK ? LYNE_OK : broken(path, a, err);
    while (status == LYNE_OK) {
        const int got = archive_read_next_header(a, &entry);
        if (got == ARCHIVE_EOF) break;
        /* a warning is about the spelling of a name, which is checked here anyway */
        status =
            got == ARCHIVE_OK || got == ARCHIVE_WARN ? read_entry(m, path, a, entry, limit, err) : broken(path, a, err);
    }
    return status;
}

/* A reader of one format behind one filter (0: none), neither guessed: what is packed twice is not unpacked twice. */
static struct archive *new_reader(int filter, int format) {
    struct archive *a = archive_read_new();
    if (a && (!filter || archive_read_append_filter(a, filter) == ARCHIVE_OK) &&
        archive_read_set_format(a, format) == ARCHIVE_OK)
        return a;
    archive_read_free(a);
    return NULL;
}

static lyne_status read_plain(lyne_members *m, const char *path, const void *bytes, size_t size,
                              lyne_members_limit limit, lyne_error *err) {
    struct archive *a = new_reader(0, ARCHIVE_FORMAT_TAR);
    if (!a) return lyne_fail_memory(err, path);
    const lyne_status status = read_entries(m, path, a, archive_read_open_memory(a, bytes, size), limit, err);
    archive_read_free(a);
    return status;
}

/* ---- in zstd: unpacked block by block, and counted, for folders and what is passed over cost time as well ---- */

typedef struct unpacking {
    struct archive *zstd;
    size_t left; /* bytes that may come */
} unpacking;

static la_ssize_t next_block(struct archive *tar, void *self, const void **block) {
    unpacking *u = self;
    size_t n = 0;
    la_int64_t at;
    const int got = archive_read_data_block(u->zstd, block, &n, &at);
    if (got == ARCHIVE_EOF) return 0;
    if (got == ARCHIVE_OK && n <= u->left) {
        u->left -= n;
        return (la_ssize_t)n;
    }
    const char *why = got == ARCHIVE_OK ? "it unpacks to more than any data set does" : archive_error_string(u->zstd);
    archive_set_error(tar, EFBIG, "%s", why ? why : "no zstd");
    return -1;
}

static bool is_zstd(const lyne_map *map) { /* or a frame to be passed over, in front of one */
    const unsigned char *p = map->data;
    return map->size >= 4 && ((p[0] == 0x28 && p[1] == 0xB5 && p[2] == 0x2F && p[3] == 0xFD) ||
                              (p[0] >> 4 == 5 && p[1] == 0x2A && p[2] == 0x4D && p[3] == 0x18));
}

static lyne_status read_zstd(lyne_members *m, const char *path, const lyne_map *map, lyne_members_limit limit,
                             lyne_error *err) {
    struct archive_entry *entry;
    unpacking u = {.zstd = new_reader(ARCHIVE_FILTER_ZSTD, ARCHIVE_FORMAT_RAW), .left = lyne_inflate_most(map->size)};
    struct archive *a = new_reader(0, ARCHIVE_FORMAT_TAR);
    lyne_status status = LYNE_OK;
    if (!a || !u.zstd)
        status = lyne_fail_memory(err, path);
    else if (archive_read_open_memory(u.zstd, map->data, map->size) != ARCHIVE_OK ||
             archive_read_next_header(u.zstd, &entry) != ARCHIVE_OK)
        status = broken(path, u.zstd, err);
    else
        status = read_entries(m, path, a, archive_read_open(a, &u, NULL, next_block, NULL), limit, err);
    archive_read_free(a);
    archive_read_free(u.zstd);
    return status;
}

static lyne_status read_gzip(lyne_members *m, const char *path, lyne_members_limit limit, lyne_error *err) {
    /* a member costs at most 1.5 KiB of tar besides its bytes, extended headers included */
    unsigned char *plain = NULL;
    size_t size = 0, most, heads;
    if (!lyne_size_mul(limit.count, 1536, &heads) || !lyne_size_add(heads, limit.bytes, &most)) most = SIZE_MAX;
    lyne_status status = lyne_inflate(path, most, &plain, &size, err);
    if (status == LYNE_OK) status = read_plain(m, path, plain, size, limit, err);
    lyne_free(plain);
    return status;
}

static lyne_status read_tar(lyne_members *m, const char *path, lyne_members_limit limit, lyne_error *err) {
    lyne_map map;
    lyne_status status = lyne_map_open(&map, path, err);
    if (status != LYNE_OK) return status;
    const size_t most = lyne_inflate_most(map.size); /* also of holes, which a tar has for nothing */
    limit.bytes = limit.bytes < most ? limit.bytes : most;
    if (map.size >= 2 && map.data[0] == 0x1F && map.data[1] == 0x8B)
        status = read_gzip(m, path, limit, err);
    else if (is_zstd(&map))
        status = read_zstd(m, path, &map, limit, err);
    else
        status = read_plain(m, path, map.data, map.size, limit, err);
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
