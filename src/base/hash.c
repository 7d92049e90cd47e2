/* base/hash.c -- XXH3 from libxxhash, CRC-32C by the CPU's own instruction or a table. */
#define XXH_STATIC_LINKING_ONLY /* the size of the state */
#include "base/hash.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

static_assert(sizeof(XXH3_state_t) <= sizeof((lyne_hash *)0)->state, "lyne_hash must hold an XXH3_state_t");
static_assert(_Alignof(XXH3_state_t) <= _Alignof(lyne_hash), "lyne_hash must be aligned as an XXH3_state_t");

static XXH3_state_t *state(lyne_hash *h) {
    return (XXH3_state_t *)h->state;
}

void lyne_hash_init(lyne_hash *h) {
    memset(h, 0, sizeof *h);
    XXH3_128bits_reset(state(h));
}

void lyne_hash_bytes(lyne_hash *h, const void *bytes, size_t n) {
    if (n) XXH3_128bits_update(state(h), bytes, n);
}

void lyne_hash_text(lyne_hash *h, const char *text) {
    lyne_hash_u64(h, text ? strlen(text) : UINT64_MAX);
    if (text) lyne_hash_bytes(h, text, strlen(text));
}

void lyne_hash_u64(lyne_hash *h, uint64_t v) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(v >> 8 * i);
    lyne_hash_bytes(h, bytes, sizeof bytes);
}

void lyne_hash_double(lyne_hash *h, double v) {
    uint64_t bits;
    if (v == 0) v = 0; /* either zero becomes +0 */
    memcpy(&bits, &v, sizeof bits);
    lyne_hash_u64(h, bits);
}

void lyne_hash_digest(lyne_hash *h, lyne_digest d) {
    lyne_hash_u64(h, d.high);
    lyne_hash_u64(h, d.low);
}

lyne_digest lyne_hash_finish(const lyne_hash *h) {
    XXH128_hash_t v = XXH3_128bits_digest((const XXH3_state_t *)h->state);
    return (lyne_digest){.high = v.high64, .low = v.low64};
}

lyne_digest lyne_digest_of(const void *bytes, size_t n) {
    XXH128_hash_t v = XXH3_128bits(bytes, n);
    return (lyne_digest){.high = v.high64, .low = v.low64};
}

bool lyne_digest_equal(lyne_digest a, lyne_digest b) {
    return a.high == b.high && a.low == b.low;
}

void lyne_digest_print(lyne_digest d, char out[LYNE_DIGEST_TEXT]) {
    snprintf(out, LYNE_DIGEST_TEXT, "%016llx%016llx", (unsigned long long)d.high, (unsigned long long)d.low);
}

bool lyne_digest_parse(const char *text, lyne_digest *out) {
    uint64_t word[2] = {0};
    for (int i = 0; i < LYNE_DIGEST_TEXT - 1; i++) {
        char c = text[i];
        bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
        if (!digit && !letter) return false;
        word[i / 16] = word[i / 16] << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    if (text[LYNE_DIGEST_TEXT - 1] != '\0') return false;
    *out = (lyne_digest){.high = word[0], .low = word[1]};
    return true;
}

/* ---- CRC-32C: polynomial 0x1EDC6F41, reflected, inverted before and after ---- */

enum { PIECE = 256 };
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;
static uint32_t crc_table[256];
static uint32_t over_zeros[4][256]; /* what a byte of the register becomes in PIECE bytes of zeros */

static void fill_crc_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
        crc_table[byte] = crc;
    }
    for (uint32_t i = 0; i < 4 * 256; i++) { /* the register is linear in its bits */
        uint32_t *row = over_zeros[i / 256], byte = i % 256, others = byte & (byte - 1);
        uint32_t crc = byte << 8 * (i / 256);
        for (int k = 0; !others && k < PIECE; k++) crc = crc >> 8 ^ crc_table[crc & 0xFF];
        row[byte] = others ? row[others] ^ row[byte ^ others] : crc;
    }
}

uint32_t lyne_crc32c_portable(uint32_t crc, const void *bytes, size_t n) {
    pthread_once(&crc_once, fill_crc_tables);
    const unsigned char *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) crc = crc >> 8 ^ crc_table[(crc ^ p[i]) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)
/* The instruction takes three cycles and one can begin in each, so three stretches of PIECE bytes go side by side.  Behind
 * a stretch the register is what it was, PIECE zeros later, xor what the stretch alone gives. */
static uint64_t behind_zeros(uint64_t r) {
    return over_zeros[0][r & 0xFF] ^ over_zeros[1][r >> 8 & 0xFF] ^ over_zeros[2][r >> 16 & 0xFF] ^
           over_zeros[3][r >> 24 & 0xFF];
}

static uint64_t word_at(const unsigned char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    uint64_t wide = ~crc;
    if (n >= 3 * PIECE) pthread_once(&crc_once, fill_crc_tables);
    for (; n >= 3 * PIECE; n -= 3 * PIECE, p += 3 * PIECE) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < PIECE; i += 8) {
            wide = _mm_crc32_u64(wide, word_at(p + i));
            second = _mm_crc32_u64(second, word_at(p + PIECE + i));
            third = _mm_crc32_u64(third, word_at(p + 2 * PIECE + i));
        }
        wide = behind_zeros(behind_zeros(wide) ^ second) ^ third;
    }
    for (; n >= 8; n -= 8, p += 8) wide = _mm_crc32_u64(wide, word_at(p));
    uint32_t narrow = (uint32_t)wide;
    for (; n > 0; n--, p++) narrow = _mm_crc32_u8(narrow, *p);
    return ~narrow;
}

uint32_t lyne_crc32c(uint32_t crc, const void *bytes, size_t n) {
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, bytes, n) : lyne_crc32c_portable(crc, bytes, n);
}
#else
uint32_t lyne_crc32c(uint32_t crc, const void *bytes, size_t n) {
    return lyne_crc32c_portable(crc, bytes, n);
}
#endif
