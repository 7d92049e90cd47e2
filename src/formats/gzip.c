/* formats/gzip.c -- zlib unpacks, and compares the checksum and the length at the end. */
#include "formats/gzip.h"

#include "base/file.h"
#include "base/memory.h"
#include <limits.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum { HEADER = 10, TRAILER = 8, CHUNK = 1 << 16 }; /* RFC 1952: of a header at least so many */
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

static uint32_t little_endian(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
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
    if (!as_said && map->size < UINT32_MAX / MOST_OF_DEFLATE)
        return broken(path, "it unpacks to more than its end says (or has several members)", err);
    if (out->size > limit) return too_large(path, limit, err);
    return lyne_grow(&out->data, &out->capacity, out->size + CHUNK, 1) ? LYNE_OK : lyne_fail_memory(err, path);
}

/* For zlib. */
static void *allocate(void *unused, uInt n, uInt size) {
    size_t bytes;
    (void)unused;
    return lyne_size_mul(n, size, &bytes) ? lyne_malloc(bytes) : NULL;
}
static void give_back(void *unused, void *p) {
    (void)unused;
    lyne_free(p);
}
static uInt at_most(size_t n) {
    return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

static lyne_status unpack(const lyne_map *map, const char *path, size_t limit, output *out, lyne_error *err) {
    z_stream z = {.zalloc = allocate, .zfree = give_back};
    lyne_status status = make_room(map, path, limit, out, err);
    if (status != LYNE_OK) return status;
    int got = inflateInit2(&z, 16 + MAX_WBITS); /* 16: a gzip and nothing else */
    if (got != Z_OK) return lyne_fail_memory(err, path);
    while (got == Z_OK) {
        if (out->size == out->capacity && (status = more_room(map, path, limit, out, err)) != LYNE_OK) break;
        z.next_in = map->data + z.total_in;
        z.avail_in = at_most(map->size - z.total_in);
        z.next_out = out->data + out->size;
        z.avail_out = at_most(out->capacity - out->size);
        got = inflate(&z, Z_NO_FLUSH);
        out->size = z.total_out;
    }
    if (status == LYNE_OK && got == Z_MEM_ERROR)
        status = lyne_fail_memory(err, path);
    else if (status == LYNE_OK && got != Z_STREAM_END)
        status = broken(path, got == Z_BUF_ERROR ? "it ends early" : z.msg, err);
    else if (status == LYNE_OK && z.total_in != map->size)
        status = broken(path, "there is something behind its end (or it has several members)", err);
    inflateEnd(&z);
    return status;
}

lyne_status lyne_inflate(const char *path, size_t limit, unsigned char **data, size_t *size, lyne_error *err) {
    lyne_map map;
    output out = {0};
    lyne_status status = lyne_map_open(&map, path, err);
    if (status != LYNE_OK) return status;
    bool packed = map.size >= 2 && map.data[0] == 0x1F && map.data[1] == 0x8B;
    if (!packed)
        status = copy_plain(&map, path, limit, &out, err);
    else if (map.size < HEADER + TRAILER)
        status = broken(path, "a gzip is longer", err);
    else
        status = unpack(&map, path, limit, &out, err);
    lyne_map_close(&map);
    if (status != LYNE_OK) {
        lyne_free(out.data);
        return status;
    }
    *data = out.data;
    *size = out.size;
    return LYNE_OK;
}
