#include "tacit_mask.h"

#include <string.h>

#include "tacit_cpu.h"
#include "tacit_zeroise.h"

#define ROTATE(v, n) (((v) << (n)) | ((v) >> (32 - (n))))
#define QUARTER(a, b, c, d)                                                  \
    a += b; d = ROTATE(d ^ a, 16); c += d; b = ROTATE(b ^ c, 12);            \
    a += b; d = ROTATE(d ^ a, 8);  c += d; b = ROTATE(b ^ c, 7);

// One group: `LANES` blocks at a time, 16/LANES times. The sum of state and result goes straight into `words`, which is
// the vector that is masked or a buffer. Vectors of 64-bit integers are added as such: both orders are little-endian.
#define DEFINE_GROUP(NAME, LANES, ATTRIBUTE)                                                                          \
    typedef uint32_t NAME##_32 __attribute__((vector_size(4 * LANES), aligned(4)));                                   \
    typedef uint64_t NAME##_64 __attribute__((vector_size(4 * LANES), aligned(4)));                                   \
    ATTRIBUTE static void NAME(void *words, size_t groups, const uint32_t key[8], uint64_t group, uint64_t nonce,     \
                               int wide, int subtract) {                                                              \
        typedef uint32_t vector __attribute__((vector_size(4 * LANES)));                                              \
        typedef uint64_t vector64 __attribute__((vector_size(4 * LANES)));                                            \
        vector ramp;                                                                                                  \
        for (int lane = 0; lane < LANES; lane++) ramp[lane] = (uint32_t)lane;                                         \
        for (size_t done = 0; done < groups; done++) {                                                                \
            for (int part = 0; part < 16; part += LANES) {                                                            \
                /* A group's counters share all but their lowest four bits. */                                        \
                uint64_t counter = 16 * (group + done);                                                               \
                vector low = ramp + (uint32_t)(counter + (uint64_t)part);                                             \
                vector x0 = (vector){0} + 0x61707865u, x1 = (vector){0} + 0x3320646eu,                                \
                       x2 = (vector){0} + 0x79622d32u, x3 = (vector){0} + 0x6b206574u,                                \
                       x4 = (vector){0} + key[0], x5 = (vector){0} + key[1], x6 = (vector){0} + key[2],               \
                       x7 = (vector){0} + key[3], x8 = (vector){0} + key[4], x9 = (vector){0} + key[5],               \
                       x10 = (vector){0} + key[6], x11 = (vector){0} + key[7], x12 = low,                             \
                       x13 = (vector){0} + (uint32_t)(counter >> 32), x14 = (vector){0} + (uint32_t)nonce,            \
                       x15 = (vector){0} + (uint32_t)(nonce >> 32);                                                   \
                for (int round = 0; round < 10; round++) {                                                            \
                    QUARTER(x0, x4, x8, x12) QUARTER(x1, x5, x9, x13)                                                 \
                    QUARTER(x2, x6, x10, x14) QUARTER(x3, x7, x11, x15)                                               \
                    QUARTER(x0, x5, x10, x15) QUARTER(x1, x6, x11, x12)                                               \
                    QUARTER(x2, x7, x8, x13) QUARTER(x3, x4, x9, x14)                                                 \
                }                                                                                                     \
                vector sums[16] = {x0 + 0x61707865u, x1 + 0x3320646eu, x2 + 0x79622d32u, x3 + 0x6b206574u,            \
                                   x4 + key[0], x5 + key[1], x6 + key[2], x7 + key[3], x8 + key[4], x9 + key[5],      \
                                   x10 + key[6], x11 + key[7], x12 + low, x13 + (uint32_t)(counter >> 32),            \
                                   x14 + (uint32_t)nonce, x15 + (uint32_t)(nonce >> 32)};                             \
                uint8_t *start = (uint8_t *)words + TACIT_MASK_GROUP * done + 4 * part;                               \
                for (int i = 0; i < 16; i++) {                                                                        \
                    if (wide) {                                                                                       \
                        NAME##_64 *place = (NAME##_64 *)(start + 64 * i);                                             \
                        *place = subtract ? *place - (vector64)sums[i] : *place + (vector64)sums[i];                  \
                    } else {                                                                                          \
                        NAME##_32 *place = (NAME##_32 *)(start + 64 * i);                                             \
                        *place = subtract ? *place - sums[i] : *place + sums[i];                                      \
                    }                                                                                                 \
                }                                                                                                     \
            }                                                                                                         \
        }                                                                                                             \
    }

#if defined(__x86_64__)
DEFINE_GROUP(group_avx512, 16, __attribute__((target("avx512f,avx512bw,avx512vl"))))
DEFINE_GROUP(group_avx2, 8, __attribute__((target("avx2"))))
#endif
DEFINE_GROUP(group_four, 4, )

static void add_groups(void *words, size_t groups, const uint32_t key[8], uint64_t group, uint64_t nonce, int wide,
                       int subtract) {
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA) return group_avx512(words, groups, key, group, nonce, wide, subtract);
    if (tier >= TACIT_TIER_AVX2) return group_avx2(words, groups, key, group, nonce, wide, subtract);
#endif
    group_four(words, groups, key, group, nonce, wide, subtract);
}

static void mask(void *values, size_t bytes, const uint8_t key[32], uint64_t group, uint64_t nonce, int wide,
                 int subtract) {
    uint32_t words[8];
    memcpy(words, key, 32);  // little-endian machines only, as everywhere in this target
    size_t groups = bytes / TACIT_MASK_GROUP, rest = bytes % TACIT_MASK_GROUP;
    add_groups(values, groups, words, group, nonce, wide, subtract);
    if (rest > 0) {
        uint8_t *tail = (uint8_t *)values + groups * TACIT_MASK_GROUP;
        uint64_t buffer[TACIT_MASK_GROUP / 8] = {0};
        memcpy(buffer, tail, rest);
        add_groups(buffer, 1, words, group + groups, nonce, wide, subtract);
        memcpy(tail, buffer, rest);
        tacit_zeroise(buffer, sizeof buffer);
    }
    tacit_zeroise(words, sizeof words);
}

void tacit_mask_32(uint32_t *values, size_t count, const uint8_t key[32], uint64_t group, uint64_t nonce,
                   int subtract) {
    mask(values, 4 * count, key, group, nonce, 0, subtract);
}

void tacit_mask_64(uint64_t *values, size_t count, const uint8_t key[32], uint64_t group, uint64_t nonce,
                   int subtract) {
    mask(values, 8 * count, key, group, nonce, 1, subtract);
}

// MARK: Packing

#define DEFINE_PACKING(WIDTH)                                                                                         \
    void tacit_mask_pack_##WIDTH(uint8_t *out, const uint##WIDTH##_t *values, size_t count, int32_t bits) {           \
        const uint64_t keep = bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1;                                  \
        unsigned __int128 pending = 0;                                                                                \
        int filled = 0;                                                                                               \
        for (size_t j = 0; j < count; j++) {                                                                          \
            pending |= (unsigned __int128)(values[j] & keep) << filled;                                               \
            filled += bits;                                                                                           \
            if (filled >= 64) {                                                                                       \
                uint64_t word = (uint64_t)pending;                                                                    \
                memcpy(out, &word, 8);                                                                                \
                out += 8;                                                                                             \
                pending >>= 64;                                                                                       \
                filled -= 64;                                                                                         \
            }                                                                                                         \
        }                                                                                                             \
        for (; filled > 0; filled -= 8, pending >>= 8) *out++ = (uint8_t)pending;                                     \
    }                                                                                                                 \
                                                                                                                      \
    int tacit_mask_add_packed_##WIDTH(uint##WIDTH##_t *values, const uint8_t *in, size_t count, int32_t bits) {       \
        const uint64_t keep = bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1;                                  \
        const uint8_t *end = in + count / 8 * (size_t)bits + (count % 8 * (size_t)bits + 7) / 8;                      \
        unsigned __int128 pending = 0;                                                                                \
        int filled = 0;                                                                                               \
        for (size_t j = 0; j < count; j++) {                                                                          \
            if (filled < bits) {                                                                                      \
                if (end - in >= 8) {                                                                                  \
                    uint64_t word;                                                                                    \
                    memcpy(&word, in, 8);                                                                             \
                    in += 8;                                                                                          \
                    pending |= (unsigned __int128)word << filled;                                                     \
                    filled += 64;                                                                                     \
                } else {                                                                                              \
                    for (; in < end; filled += 8) pending |= (unsigned __int128)*in++ << filled;                      \
                }                                                                                                     \
            }                                                                                                         \
            values[j] += (uint##WIDTH##_t)((uint64_t)pending & keep);                                                 \
            pending >>= bits;                                                                                         \
            filled -= bits;                                                                                           \
        }                                                                                                             \
        /* A whole word may have been read ahead of the last value only within the last byte. */                      \
        return pending == 0 && in == end;                                                                             \
    }

DEFINE_PACKING(32)
DEFINE_PACKING(64)
