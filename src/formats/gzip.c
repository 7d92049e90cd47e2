/* formats/gzip.c -- libarchive unpacks; the checksum and the length, which it skips, are compared here. */
#include "formats/gzip.h"

#include "base/file.h"
#include "base/memory.h"
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

enum { TRAILER = 8, CHUNK = 1 << 16 };
/* Pictures and labels pack to a fifth, drawn digits to a tenth; what unpacks to more than this is made to fill the memory. */
enum { SMALL = 16 << 20, MOST_TIMES = 64, MOST_OF_DEFLATE = 1032 };
enum { FIRST = 10 << 20, FIRST_TIMES = 4 };

typedef struct output {
    unsigned char *data;
    size_t size, capacity;
} output;

static lyne_status too_large(const char *path, size_t limit, lyne_error *err) {
    return lyne_fail(err, LYNE_EDATA, "%s: holds more than the %zu bytes allowed", path, limit);
}

size_t lyne_inflate_most(size_t size) {
    size_t most;
    return lyne_size_mul(size, MOST_TIMES, &most) && lyne_size_add(most, SMALL, &most) ? most : SIZE_MAX;
}

static lyne_status broken(const char *path, const char *why, lyne_error *err) {
    return lyne_fail(err, LYNE_EDATA, "%s: is damaged or cut short: %s", path, why ? why : "no gzip");
}

static lyne_status copy_plain(const lyne_map *map, const char *path, size_t limit, output *out, lyne_error *err) {
    if (map->size > limit) return too_large(path, limit, err);
    out->data = lyne_alloc(map->size, 1);
    if (!out->data) return lyne_fail_memory(err, path);
    memcpy(out->data, map->data, map->size);
    out->size = map->size;
    return LYNE_OK;
}

/* One gzip filter and no format, neither of them guessed. */
static struct archive *new_reader(void) {
    struct archive *a = archive_read_new();
    if (a && archive_read_append_filter(a, ARCHIVE_FILTER_GZIP) == ARCHIVE_OK &&
        archive_read_set_format(a, ARCHIVE_FORMAT_RAW) == ARCHIVE_OK)
        return a;
    archive_read_free(a);
    return NULL;
}

static uint32_t little_endian(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static lyne_status damaged(const char *path, lyne_error *err) {
    return broken(path, "what it unpacks to is not what its checksum says (or it has several members)", err);
}

/* Room for what the end of the file says it holds (modulo 2^32), and a byte to see that it holds more; but at first no more
 * than any file of its size may take, as the end may say anything. */
static lyne_status make_room(const lyne_map *map, const char *path, size_t limit, output *out, lyne_error *err) {
    const size_t most = lyne_inflate_most(map->size), said = little_endian(map->data + map->size - 4);
    if (said > limit) return too_large(path, limit, err);
    if (said > most)
        return lyne_fail(err, LYNE_EDATA, "%s: unpacks to more than %d times its size, as no data set does", path,
                         MOST_TIMES);
    size_t room;
    if (!lyne_size_mul(map->size, FIRST_TIMES, &room) || !lyne_size_add(room, FIRST, &room) || room > said + 1)
        room = said + 1;
    return lyne_grow(&out->data, &out->capacity, room, 1) ? LYNE_OK : lyne_fail_memory(err, path);
}

/* The room is full.  Behind what its end said, only a file that is too large for 32 bits may go on. */
static lyne_status more_room(const lyne_map *map, const char *path, size_t limit, output *out, lyne_error *err) {
    const bool as_said = out->size <= little_endian(map->data + map->size - 4);
    if (!as_said && map->size < UINT32_MAX / MOST_OF_DEFLATE) return damaged(path, err);
    if (out->size > limit) return too_large(path, limit, err);
    return lyne_grow(&out->data, &out->capacity, out->size + CHUNK, 1) ? LYNE_OK : lyne_fail_memory(err, path);
}

static lyne_status unpack(const lyne_map *map, const char *path, size_t limit, output *out, lyne_error *err) {
    struct archive_entry *entry;
    lyne_status status = make_room(map, path, limit, out, err);
    if (status != LYNE_OK) return status;
    struct archive *a = new_reader();
    if (!a) return lyne_fail_memory(err, path);
    if (archive_read_open_memory(a, map->data, map->size) != ARCHIVE_OK ||
        archive_read_next_header(a, &entry) != ARCHIVE_OK)
        status = broken(path, archive_error_string(a), err);
    for (la_ssize_t n = 1; status == LYNE_OK && n > 0;) {
        if (out->size == out->capacity && (status = more_room(map, path, limit, out, err)) != LYNE_OK) break;
        n = archive_read_data(a, out->data + out->size, out->capacity - out->size);
        if (n < 0)
            status = broken(path, archive_error_string(a), err);
        else
            out->size += (size_t)n;
    }
    archive_read_free(a);
    return status;
}

/* CRC-32 of ISO 3309, RFC 1952 section 8. */
static uint32_t crc32(const unsigned char *bytes, size_t n) {
    uint32_t table[256], crc = UINT32_MAX;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320u : 0);
    }
    for (size_t i = 0; i < n; i++) crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xFF];
    return ~crc;
}

static lyne_status check(const lyne_map *map, const char *path, const output *out, lyne_error *err) {
    const unsigned char *trailer = map->data + map->size - TRAILER;
    if (little_endian(trailer) == crc32(out->data, out->size) && little_endian(trailer + 4) == (uint32_t)out->size)
        return LYNE_OK;
    return damaged(path, err);
}

lyne_status lyne_inflate(const char *path, size_t limit, unsigned char **data, size_t *size, lyne_error *err) {
    lyne_map map;
    output out = {0};
    lyne_status status = lyne_map_open(&map, path, err);
    if (status != LYNE_OK) return status;
    bool packed = map.size >= 2 && map.data[0] == 0x1F && map.data[1] == 0x8B;
    if (!packed)
        status = copy_plain(&map, path, limit, &out, err);
    else if (map.size < 10 + TRAILER) /* RFC 1952: a header has at least 10 bytes */
        status = broken(path, "a gzip is longer", err);
    else
        status = unpack(&map, path, limit, &out, err);
    if (status == LYNE_OK && packed) status = check(&map, path, &out, err);
    lyne_map_close(&map);
    if (status != LYNE_OK) {
        lyne_free(out.data);
        return status;
    }
    *data = out.data;
    *size = out.size;
    return LYNE_OK;
}
