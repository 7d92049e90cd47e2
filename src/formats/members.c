/* formats/members.c -- see members.h.  libzstd unpacks a tar block by block, gzip.c one at a time. */
#include "formats/members.h"

#include "base/file.h"
#include "formats/gzip.h"
#include "formats/tar.h"
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

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

/* ---- the bytes of a tar: all at hand, or unpacked block by block and counted ---- */

enum { BLOCK = 1 << 17 };

typedef struct stream {
    const uint8_t *at;
    size_t left;     /* bytes at hand                                     */
    ZSTD_DCtx *zstd; /* what unpacks more of them; NULL: there are no more */
    ZSTD_inBuffer packed;
    uint8_t *block;  /* that is unpacked into                             */
    bool between;    /* frames, where the packed bytes may end            */
    size_t may_come; /* how many at most                                  */
    const char *why; /* what was wrong with them                          */
    bool out_of_memory;
} stream;

static void unpack(stream *s) {
    ZSTD_outBuffer out = {.dst = s->block, .size = BLOCK};
    const size_t before = s->packed.pos, got = ZSTD_decompressStream(s->zstd, &out, &s->packed);
    s->at = s->block;
    s->left = out.pos;
    s->between = got == 0;
    s->out_of_memory = ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation;
    if (ZSTD_isError(got))
        s->why = ZSTD_getErrorName(got);
    else if (out.pos == 0 && s->packed.pos == before)
        s->why = "it ends early";
    else if (out.pos > s->may_come)
        s->why = "it unpacks to more than any data set does";
    else
        s->may_come -= out.pos;
}

/* Whether there are bytes at hand; more are unpacked if there are none. */
static bool is_more(stream *s) {
    while (s->left == 0 && s->zstd && !s->why && !(s->between && s->packed.pos == s->packed.size)) unpack(s);
    return s->left > 0 && !s->why;
}

/* The next n bytes, or none of what is returned is worth anything; dst NULL: passed over. */
static bool take(stream *s, void *dst, uint64_t n) {
    for (uint8_t *to = dst; n > 0;) {
        if (!is_more(s)) return false;
        const size_t some = s->left < n ? s->left : (size_t)n;
        if (to) to = (uint8_t *)memcpy(to, s->at, some) + some;
        s->at += some;
        s->left -= some;
        n -= some;
    }
    return true;
}

/* ---- a tar ---- */

static lyne_status broken(const char *path, const char *why, lyne_error *err) {
    return lyne_fail(err, LYNE_EDATA, "%s: is no tar, damaged, or cut short: %s", path, why);
}

/* There are no more bytes. */
static lyne_status ended(const char *path, const stream *s, lyne_error *err) {
    if (s->out_of_memory) return lyne_fail_memory(err, path);
    return broken(path, s->why ? s->why : "it ends early", err);
}

/* To the end of a block, n bytes of which have been taken. */
static uint64_t filling(uint64_t n) {
    return (LYNE_TAR_BLOCK - n % LYNE_TAR_BLOCK) % LYNE_TAR_BLOCK;
}

/* Whether a part of a path, up to the next slash, leads somewhere else. */
static bool is_part(const char *part, size_t length) {
    return length > 0 && !(length == 1 && part[0] == '.') && !(length == 2 && part[0] == '.' && part[1] == '.');
}

/* A member that is a file: its name taken apart and its bytes copied. */
static lyne_status read_file(lyne_members *m, const char *path, stream *s, const char *name, uint64_t size,
                             lyne_members_limit limit, lyne_error *err) {
    const char *plain = strncmp(name, "./", 2) == 0 ? name + 2 : name, *slash = strchr(plain, '/');
    const size_t folder = slash ? (size_t)(slash - plain) : 0;
    if (!slash || strchr(slash + 1, '/') || !is_part(plain, folder) || !is_part(slash + 1, strlen(slash + 1)))
        return lyne_fail(err, LYNE_EDATA, "%s: \"%s\" is not FOLDER/NAME, as every file in it should be", path, name);
    const lyne_status status = add(m, path, plain, folder, slash + 1, size, limit, err);
    if (status != LYNE_OK || take(s, m->bytes + m->n_bytes - size, size)) return status;
    return ended(path, s, err);
}

static lyne_status read_member(lyne_members *m, const char *path, stream *s, const lyne_tar_header *h, const char *name,
                               uint64_t size, lyne_members_limit limit, lyne_error *err) {
    if (!*name) return lyne_fail(err, LYNE_EDATA, "%s: has a member without a name", path);
    if (*name == '/') return lyne_fail(err, LYNE_EDATA, "%s: \"%s\" is an absolute path", path, name);
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strcspn(part, "/") == 2 && memcmp(part, "..", 2) == 0)
            return lyne_fail(err, LYNE_EDATA, "%s: \"%s\" leads out of its folder", path, name);
    }
    if (h->kind == LYNE_TAR_FOLDER) return LYNE_OK;
    if (h->kind == LYNE_TAR_FILE) return read_file(m, path, s, name, size, limit, err);
    return lyne_fail(err, LYNE_EDATA,
                     "%s: \"%s\" is a link, a device or the like, or has holes (tar -S): not a plain file", path, name);
}

/* What extensions say of the member behind them. */
enum { EXTENSION = 1 << 20 };
typedef struct extended {
    char *bytes, *text; /* of the last extension; the name */
    size_t room, text_room;
    const char *name; /* NULL: the header's              */
    bool has_size;
    uint64_t size;
} extended;

static lyne_status extend(extended *x, const char *path, stream *s, const lyne_tar_header *h, lyne_error *err) {
    if (h->kind == LYNE_TAR_PASSED) return take(s, NULL, h->size) ? LYNE_OK : ended(path, s, err);
    if (h->size > EXTENSION) return broken(path, "an extended header of more than 1 MiB", err);
    if (!lyne_grow(&x->bytes, &x->room, h->size + 1, 1)) return lyne_fail_memory(err, path);
    if (!take(s, x->bytes, h->size)) return ended(path, s, err);
    x->bytes[h->size] = '\0';
    const char *name = x->bytes;
    if (h->kind == LYNE_TAR_PAX) {
        name = NULL;
        if (!lyne_tar_extend(x->bytes, h->size, &name, &x->size, &x->has_size))
            return broken(path, "an extended header is none, or of a file with holes (tar -S)", err);
    }
    if (!name) return LYNE_OK;
    if (!lyne_grow(&x->text, &x->text_room, strlen(name) + 1, 1)) return lyne_fail_memory(err, path);
    x->name = strcpy(x->text, name);
    return LYNE_OK;
}

static lyne_status read_entries(lyne_members *m, const char *path, stream *s, extended *x, lyne_members_limit limit,
                                lyne_error *err) {
    uint8_t block[LYNE_TAR_BLOCK];
    for (;;) {
        if (!is_more(s)) return s->why ? ended(path, s, err) : LYNE_OK;
        if (!take(s, block, sizeof block)) return ended(path, s, err);
        const lyne_tar_header h = lyne_tar_parse(block);
        uint64_t size = h.size;
        lyne_status status;
        if (h.kind == LYNE_TAR_END) return LYNE_OK;
        if (h.kind == LYNE_TAR_BROKEN) return broken(path, "a header does not have its checksum", err);
        if (h.kind == LYNE_TAR_LONG_NAME || h.kind == LYNE_TAR_PAX || h.kind == LYNE_TAR_PASSED) {
            status = extend(x, path, s, &h, err);
        } else {
            if (h.kind == LYNE_TAR_FILE && x->has_size) size = x->size;
            status = read_member(m, path, s, &h, x->name ? x->name : h.name, size, limit, err);
            x->name = NULL;
            x->has_size = false;
        }
        if (status != LYNE_OK) return status;
        if (!take(s, NULL, filling(size))) return ended(path, s, err);
    }
}

/* ---- what it is packed with ---- */

static bool is_zstd(const lyne_map *map) { /* or a frame to be passed over, in front of one */
    const unsigned char *p = map->data;
    return map->size >= 4 && ((p[0] == 0x28 && p[1] == 0xB5 && p[2] == 0x2F && p[3] == 0xFD) ||
                              (p[0] >> 4 == 5 && p[1] == 0x2A && p[2] == 0x4D && p[3] == 0x18));
}

static lyne_status read_tar(lyne_members *m, const char *path, lyne_members_limit limit, lyne_error *err) {
    lyne_map map;
    lyne_status status = lyne_map_open(&map, path, err);
    if (status != LYNE_OK) return status;
    stream s = {.at = map.data, .left = map.size, .may_come = lyne_inflate_most(map.size)};
    unsigned char *plain = NULL;
    limit.bytes = limit.bytes < s.may_come ? limit.bytes : s.may_come;
    if (map.size >= 2 && map.data[0] == 0x1F && map.data[1] == 0x8B) {
        /* a member costs at most 1.5 KiB of tar besides its bytes, extended headers included */
        size_t most, heads;
        if (!lyne_size_mul(limit.count, 1536, &heads) || !lyne_size_add(heads, limit.bytes, &most)) most = SIZE_MAX;
        status = lyne_inflate(path, most, &plain, &s.left, err);
        s.at = plain;
    } else if (is_zstd(&map)) {
        s.left = 0;
        s.packed = (ZSTD_inBuffer){.src = map.data, .size = map.size};
        s.zstd = ZSTD_createDCtx();
        s.block = lyne_alloc(BLOCK, 1);
        if (!s.zstd || !s.block) status = lyne_fail_memory(err, path);
    }
    extended x = {0};
    if (status == LYNE_OK) status = read_entries(m, path, &s, &x, limit, err);
    lyne_free(x.bytes);
    lyne_free(x.text);
    ZSTD_freeDCtx(s.zstd);
    lyne_free(s.block);
    lyne_free(plain);
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
