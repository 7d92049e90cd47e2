/* tests/power/disk.c -- see disk.h. */
#include "disk.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_EVENTS = 20000, MOST_FILES = 2000, MOST_NAMES = 4000, MOST_FDS = 1024, BLOCK = 512, MOST_ROUNDS = 300 };

/* NAME: a file appears under a name; FOLDER: a directory does; MOVE, REMOVE; WRITE, CUT, SYNC of a file, SYNC_FOLDER. */
typedef struct event {
    enum { NAME, FOLDER, MOVE, REMOVE, WRITE, CUT, SYNC, SYNC_FOLDER, PROMISE } what;
    int file;
    char *path, *to; /* below the recorded folder, which is "" */
    char *bytes;
    size_t at, n;
} event;

static char recorded[512];
static event log_of[MOST_EVENTS];
static size_t n_events, n_first; /* the first n_first made what was there before */
static int n_files;
static size_t size_now[MOST_FILES];
static struct {
    int file;         /* -1: none */
    char folder[512]; /* of a directory */
    bool is_folder;
    size_t at;
} opened[MOST_FDS];
static struct {
    char *path;
    int file; /* -1: a directory */
} name_now[MOST_NAMES];
static size_t n_names;

/* ---- recording ---- */

static event *add(event e) {
    cr_assert_lt(n_events, MOST_EVENTS);
    log_of[n_events] = e;
    return &log_of[n_events++];
}

/* NULL: outside the folder. */
static const char *below(const char *path) {
    const size_t n = strlen(recorded);
    if (strncmp(path, recorded, n) != 0 || (path[n] && path[n] != '/')) return NULL;
    return path[n] ? path + n + 1 : path + n;
}

static size_t find(const char *path) {
    size_t i = 0;
    while (i < n_names && strcmp(name_now[i].path, path) != 0) i++;
    return i;
}

static void put_name(const char *path, int file) {
    const size_t i = find(path);
    cr_assert_lt(i, MOST_NAMES);
    if (i == n_names) name_now[n_names++].path = strdup(path);
    name_now[i].file = file;
}

static void drop_name(const char *path) {
    const size_t i = find(path);
    if (i == n_names) return;
    free(name_now[i].path);
    name_now[i] = name_now[--n_names];
}

static void saw_open(int fd, const char *path) {
    struct stat st;
    cr_assert(fd < MOST_FDS && fstat(fd, &st) == 0);
    opened[fd].file = -1;
    opened[fd].is_folder = S_ISDIR(st.st_mode);
    const size_t n = strlen(path), slash = n && path[n - 1] == '/';
    snprintf(opened[fd].folder, sizeof opened[fd].folder, "%.*s", (int)(n - slash), path);
    if (opened[fd].is_folder) return;
    size_t i = find(path);
    if (i == n_names) {
        cr_assert_lt(n_files, MOST_FILES);
        put_name(path, n_files);
        add((event){.what = NAME, .path = strdup(path), .file = n_files++});
        i = find(path);
    }
    opened[fd].file = name_now[i].file;
    if ((size_t)st.st_size < size_now[opened[fd].file]) { /* O_TRUNC */
        add((event){.what = CUT, .file = opened[fd].file, .n = (size_t)st.st_size});
        size_now[opened[fd].file] = (size_t)st.st_size;
    }
    opened[fd].at = fcntl(fd, F_GETFL) & O_APPEND ? SIZE_MAX : 0;
}

static void saw(const lyne_file_event *e) {
    const char *path = e->path ? below(e->path) : NULL, *to = e->to ? below(e->to) : NULL;
    const int file = e->fd >= 0 && e->fd < MOST_FDS ? opened[e->fd].file : -1;
    switch (e->what) {
    case LYNE_FILE_OPENED:
        if (path)
            saw_open(e->fd, path);
        else
            opened[e->fd].file = -1, opened[e->fd].is_folder = false;
        break;
    case LYNE_FILE_WROTE:
        if (file < 0) break;
        {
            const size_t at = opened[e->fd].at == SIZE_MAX ? size_now[file] : opened[e->fd].at;
            char *bytes = memcpy(malloc(e->n + 1), e->bytes, e->n);
            add((event){.what = WRITE, .file = file, .at = at, .n = e->n, .bytes = bytes});
            if (opened[e->fd].at != SIZE_MAX) opened[e->fd].at += e->n;
            if (at + e->n > size_now[file]) size_now[file] = at + e->n;
        }
        break;
    case LYNE_FILE_CUT:
        if (file >= 0) add((event){.what = CUT, .file = file, .n = e->n}), size_now[file] = e->n;
        break;
    case LYNE_FILE_SYNCED:
        if (file >= 0) add((event){.what = SYNC, .file = file});
        if (opened[e->fd].is_folder) add((event){.what = SYNC_FOLDER, .path = strdup(opened[e->fd].folder)});
        break;
    case LYNE_FILE_CLOSED:
        opened[e->fd].file = -1;
        opened[e->fd].is_folder = false;
        break;
    case LYNE_FILE_RENAMED:
        if (!path || !to) break;
        cr_assert_lt(find(path), n_names, "%s is renamed, and nobody saw it made", path);
        put_name(to, name_now[find(path)].file);
        drop_name(path);
        add((event){.what = MOVE, .path = strdup(path), .to = strdup(to), .file = name_now[find(to)].file});
        break;
    case LYNE_FILE_REMOVED:
        if (path) drop_name(path), add((event){.what = REMOVE, .path = strdup(path)});
        break;
    case LYNE_FILE_MADE:
        if (path) put_name(path, -1), add((event){.what = FOLDER, .path = strdup(path)});
        break;
    }
}

/* What stands there before, as if it had been made and synced. */
static int take(const char *path, const struct stat *st, int type, struct FTW *place) {
    const char *name = below(path);
    (void)place;
    if (!*name) return 0;
    if (type == FTW_D) {
        add((event){.what = FOLDER, .path = strdup(name)});
        put_name(name, -1);
        return 0;
    }
    char *bytes;
    size_t n;
    cr_assert_eq(lyne_file_read(path, 1 << 26, &bytes, &n, NULL), LYNE_OK);
    cr_assert_eq(n, (size_t)st->st_size);
    put_name(name, n_files);
    add((event){.what = NAME, .path = strdup(name), .file = n_files});
    add((event){.what = WRITE, .file = n_files, .n = n, .bytes = memcpy(malloc(n + 1), bytes, n)});
    add((event){.what = SYNC, .file = n_files});
    size_now[n_files++] = n;
    lyne_free(bytes);
    return 0;
}

static void forget(void) {
    while (n_names) free(name_now[--n_names].path);
    for (; n_events; n_events--) {
        event *e = &log_of[n_events - 1];
        free(e->path);
        free(e->to);
        free(e->bytes);
    }
    n_files = 0;
}

void disk_record(const char *folder) {
    forget();
    snprintf(recorded, sizeof recorded, "%s", folder);
    for (int i = 0; i < MOST_FDS; i++) opened[i].file = -1;
    cr_assert_eq(nftw(folder, take, 16, FTW_PHYS), 0);
    n_first = n_events;
    lyne_file_watch(saw);
}

void disk_promise(void) {
    add((event){.what = PROMISE});
}

void disk_stop(void) {
    lyne_file_watch(NULL);
}

/* ---- replaying ---- */

typedef struct content {
    char *bytes;
    size_t n;
} content;

static lyne_stream draws;

static void apply(content *c, const event *e, size_t skip_below, size_t n) {
    const size_t end = e->what == CUT ? e->n : e->at + n;
    if (end > c->n || e->what == CUT) {
        c->bytes = realloc(c->bytes, end + 1);
        if (end > c->n) memset(c->bytes + c->n, 0, end - c->n);
        c->n = end;
    }
    if (e->what == WRITE && n > skip_below)
        memcpy(c->bytes + e->at + skip_below, e->bytes + skip_below, n - skip_below);
}

/* A file after `end` events: what was synced, and of the rest what `how` says. */
typedef enum how { NOTHING, ALL, ZEROS, SOME_PREFIX, SOME_BLOCKS, N_HOW } how;

static content content_of(int file, size_t end, how which) {
    content c = {0};
    size_t synced = 0, rest = 0;
    for (size_t i = 0; i < end; i++)
        if (log_of[i].file == file && log_of[i].what == SYNC) synced = i;
    for (size_t i = synced; i < end; i++)
        if (log_of[i].file == file && log_of[i].what == WRITE) rest += log_of[i].n;
    size_t left = which == SOME_PREFIX ? (size_t)lyne_stream_between(&draws, 0, (int64_t)rest) : SIZE_MAX;
    for (size_t i = 0; i < end; i++) {
        const event *e = &log_of[i];
        if (e->file != file || (e->what != WRITE && e->what != CUT)) continue;
        if (i < synced || which == ALL) {
            apply(&c, e, 0, e->n);
        } else if (which != NOTHING && e->what == CUT) {
            apply(&c, e, 0, 0);
        } else if (which == ZEROS) {
            apply(&c, e, e->n, e->n);
        } else if (which == SOME_PREFIX) {
            const size_t n = e->n < left ? e->n : left;
            apply(&c, e, 0, n);
            left -= n;
        } else if (which == SOME_BLOCKS) {
            apply(&c, e, e->n, e->n);
            for (size_t at = 0; at < e->n; at += BLOCK) {
                const size_t n = e->n - at < BLOCK ? e->n - at : BLOCK;
                if (lyne_stream_between(&draws, 0, 1)) memcpy(c.bytes + e->at + at, e->bytes + at, n);
            }
        }
    }
    return c;
}

static bool is_in(const char *path, const char *folder) {
    const char *slash = strrchr(path, '/');
    const size_t n = slash ? (size_t)(slash - path) : 0;
    return strlen(folder) == n && strncmp(path, folder, n) == 0;
}

/* Whether a change of names at event i is on the disk for good after `end`. */
static bool is_settled(size_t i, size_t end) {
    if (i < n_first) return true;
    for (size_t k = i; k < end; k++)
        if (log_of[k].what == SYNC_FOLDER && is_in(log_of[i].path, log_of[k].path)) return true;
    return false;
}

typedef struct name {
    const char *path;
    int file;
} name;
typedef struct state {
    name item[MOST_NAMES];
    size_t n;
} state;

static void set(state *s, const char *path, int file, bool there) {
    size_t i = 0;
    while (i < s->n && strcmp(s->item[i].path, path) != 0) i++;
    if (!there && i < s->n)
        s->item[i] = s->item[--s->n];
    else if (there)
        s->item[i] = (name){path, file}, s->n += i == s->n;
}

/* The names after `end` events; of the volatile changes those whose bit is set. */
static size_t names_of(state *s, size_t end, uint64_t mask) {
    size_t n_volatile = 0;
    s->n = 0;
    for (size_t i = 0; i < end; i++) {
        const event *e = &log_of[i];
        if (e->what > REMOVE) continue;
        if (!is_settled(i, end) && !(mask >> (n_volatile++ % 64) & 1)) continue;
        if (e->what == NAME || e->what == FOLDER) set(s, e->path, e->what == NAME ? e->file : -1, true);
        if (e->what == MOVE || e->what == REMOVE) set(s, e->path, 0, false);
        if (e->what == MOVE) set(s, e->to, e->file, true);
    }
    return n_volatile;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const name *)a)->path, ((const name *)b)->path);
}

static bool has_parent(const state *s, size_t upto, const char *path) {
    const char *slash = strrchr(path, '/');
    bool found = !slash;
    for (size_t i = 0; i < upto && !found; i++) found = s->item[i].file < 0 && is_in(path, s->item[i].path);
    return found;
}

static lyne_digest *seen;
static size_t n_seen;

static bool is_new(lyne_digest d) {
    for (size_t i = 0; i < n_seen; i++)
        if (lyne_digest_equal(seen[i], d)) return false;
    seen[n_seen++] = d;
    return true;
}

/* One state: looked at if it is another than all before. */
static void try_state(const char *folder, size_t end, uint64_t mask, how which, size_t promises,
                      void (*look)(const char *, size_t)) {
    static state s;
    static content c[MOST_NAMES];
    lyne_hash h;
    lyne_hash_init(&h);
    lyne_hash_u64(&h, promises);
    names_of(&s, end, mask);
    qsort(s.item, s.n, sizeof *s.item, by_path);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (has_parent(&s, n, s.item[i].path)) s.item[n++] = s.item[i];
    s.n = n;
    for (size_t i = 0; i < n; i++) {
        c[i] = (content){0};
        if (s.item[i].file >= 0) c[i] = content_of(s.item[i].file, end, which);
        lyne_hash_text(&h, s.item[i].path);
        lyne_hash_u64(&h, c[i].n);
        lyne_hash_bytes(&h, c[i].bytes, c[i].n);
    }
    if (is_new(lyne_hash_finish(&h))) {
        cr_assert_eq(lyne_directory_remove(folder, NULL), LYNE_OK);
        cr_assert_eq(mkdir(folder, 0700), 0);
        for (size_t i = 0; i < n; i++) {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", folder, s.item[i].path);
            if (s.item[i].file < 0) {
                cr_assert_eq(mkdir(path, 0700), 0);
                continue;
            }
            const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
            cr_assert(fd >= 0 && write(fd, c[i].bytes ? c[i].bytes : "", c[i].n) == (ssize_t)c[i].n && close(fd) == 0);
        }
        look(folder, promises);
    }
    for (size_t i = 0; i < n; i++) free(c[i].bytes);
}

static uint64_t draw_mask(void) {
    const uint64_t high = (uint64_t)lyne_stream_between(&draws, 0, UINT32_MAX - 1);
    return high << 32 | (uint64_t)lyne_stream_between(&draws, 0, UINT32_MAX - 1);
}

/* Each moment with up to 2^5 sets of volatile names, or as many at random, and the files in each of the ways; then again
 * with other prefixes and blocks, until there are enough. */
size_t disk_states(const char *folder, size_t most, void (*look)(const char *folder, size_t promises)) {
    static state s;
    draws = lyne_stream_at(1, LYNE_FOR_CHECK, 0, 0);
    seen = malloc(most * sizeof *seen);
    n_seen = 0;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        const how which = (how)(round < N_HOW ? round : round % 2 ? SOME_PREFIX : SOME_BLOCKS);
        size_t promises = 0;
        for (size_t end = n_first; end <= n_events; end++) {
            if (end > n_first) promises += log_of[end - 1].what == PROMISE;
            const size_t n_volatile = names_of(&s, end, 0), masks = n_volatile <= 5 ? (size_t)1 << n_volatile : 32;
            for (size_t m = 0; m < masks && n_seen < most; m++) {
                const uint64_t mask = n_volatile <= 5 || m == 0 ? m : m == 1 ? UINT64_MAX : draw_mask();
                try_state(folder, end, mask, which, promises, look);
            }
        }
    }
    free(seen);
    return n_seen;
}
