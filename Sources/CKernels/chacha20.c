#include "tacit_chacha20.h"

#include <string.h>

#include "tacit_cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Sixteen blocks out of sixteen vectors of equal words.
__attribute__((target("avx512f,avx512bw,avx512vl"))) static void store_sixteen(uint8_t *out, const __m512i x[16]) {
    __m512i y[4][4];
    for (int r = 0; r < 4; r++) {
        // Words 4r to 4r + 3 of block 4·lane + j in lane `lane` of y[r][j].
        __m512i a = _mm512_unpacklo_epi32(x[4 * r], x[4 * r + 1]), b = _mm512_unpackhi_epi32(x[4 * r], x[4 * r + 1]);
        __m512i c = _mm512_unpacklo_epi32(x[4 * r + 2], x[4 * r + 3]),
                d = _mm512_unpackhi_epi32(x[4 * r + 2], x[4 * r + 3]);
        y[r][0] = _mm512_unpacklo_epi64(a, c), y[r][1] = _mm512_unpackhi_epi64(a, c);
        y[r][2] = _mm512_unpacklo_epi64(b, d), y[r][3] = _mm512_unpackhi_epi64(b, d);
    }
    for (int j = 0; j < 4; j++) {
        __m512i a = _mm512_shuffle_i32x4(y[0][j], y[1][j], 0x44), b = _mm512_shuffle_i32x4(y[0][j], y[1][j], 0xee);
        __m512i c = _mm512_shuffle_i32x4(y[2][j], y[3][j], 0x44), d = _mm512_shuffle_i32x4(y[2][j], y[3][j], 0xee);
        _mm512_storeu_si512(out + 64 * j, _mm512_shuffle_i32x4(a, c, 0x88));
        _mm512_storeu_si512(out + 64 * (4 + j), _mm512_shuffle_i32x4(a, c, 0xdd));
        _mm512_storeu_si512(out + 64 * (8 + j), _mm512_shuffle_i32x4(b, d, 0x88));
        _mm512_storeu_si512(out + 64 * (12 + j), _mm512_shuffle_i32x4(b, d, 0xdd));
    }
}
#endif

// Word by word, for the other widths.
#define STORE_WORDS(LANES)                                                                              \
    do {                                                                                                \
        uint32_t words[16][LANES];                                                                      \
        memcpy(words, x, sizeof words);                                                                 \
        for (int lane = 0; lane < LANES; lane++)                                                        \
            for (int i = 0; i < 16; i++)                                                                \
                memcpy(out + (done + (size_t)lane) * 64 + 4 * (size_t)i, &words[i][lane], 4);           \
    } while (0)
#define STORE_SIXTEEN(LANES)                                       \
    do {                                                           \
        __m512i sums[16];                                          \
        memcpy(sums, x, sizeof sums);                              \
        store_sixteen(out + done * 64, sums);                      \
    } while (0)

// The block function, written once over a vector of blocks: lane i of each vector belongs to block `counter + i`.
// The compiler turns it into 512-, 256- or 128-bit code according to the target attribute of the caller.
#define ROTATE(v, n) (((v) << (n)) | ((v) >> (32 - (n))))
#define QUARTER(a, b, c, d)                                                  \
    a += b; d = ROTATE(d ^ a, 16); c += d; b = ROTATE(b ^ c, 12);            \
    a += b; d = ROTATE(d ^ a, 8);  c += d; b = ROTATE(b ^ c, 7);

#define DEFINE_CHACHA20(NAME, LANES, ATTRIBUTE, STORE)                                                               \
    typedef uint32_t NAME##_vector __attribute__((vector_size(4 * LANES)));                                          \
    ATTRIBUTE static size_t NAME(uint8_t *out, size_t blocks, const uint32_t key[8], uint64_t counter,               \
                                 uint64_t nonce) {                                                                   \
        size_t done = 0;                                                                                             \
        for (; blocks - done >= LANES; done += LANES) {                                                              \
            NAME##_vector s[16], x[16];                                                                              \
            static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};                   \
            for (int i = 0; i < 4; i++) s[i] = (NAME##_vector){0} + constants[i];                                    \
            for (int i = 0; i < 8; i++) s[4 + i] = (NAME##_vector){0} + key[i];                                      \
            for (int lane = 0; lane < LANES; lane++) {                                                               \
                uint64_t position = counter + done + (uint64_t)lane;                                                 \
                s[12][lane] = (uint32_t)position;                                                                    \
                s[13][lane] = (uint32_t)(position >> 32);                                                            \
            }                                                                                                        \
            s[14] = (NAME##_vector){0} + (uint32_t)nonce;                                                            \
            s[15] = (NAME##_vector){0} + (uint32_t)(nonce >> 32);                                                    \
            for (int i = 0; i < 16; i++) x[i] = s[i];                                                                \
            for (int round = 0; round < 10; round++) {                                                               \
                QUARTER(x[0], x[4], x[8], x[12]) QUARTER(x[1], x[5], x[9], x[13])                                    \
                QUARTER(x[2], x[6], x[10], x[14]) QUARTER(x[3], x[7], x[11], x[15])                                  \
                QUARTER(x[0], x[5], x[10], x[15]) QUARTER(x[1], x[6], x[11], x[12])                                  \
                QUARTER(x[2], x[7], x[8], x[13]) QUARTER(x[3], x[4], x[9], x[14])                                    \
            }                                                                                                        \
            for (int i = 0; i < 16; i++) x[i] += s[i];                                                               \
            STORE(LANES);                                                                                            \
        }                                                                                                            \
        return done;                                                                                                 \
    }

#if defined(__x86_64__)
DEFINE_CHACHA20(chacha20_avx512, 16, __attribute__((target("avx512f,avx512bw,avx512vl"))), STORE_SIXTEEN)
DEFINE_CHACHA20(chacha20_avx2, 8, __attribute__((target("avx2"))), STORE_WORDS)
#endif
DEFINE_CHACHA20(chacha20_four, 4, , STORE_WORDS)
DEFINE_CHACHA20(chacha20_one, 1, , STORE_WORDS)

void tacit_chacha20_blocks(uint8_t *out, size_t blocks, const uint8_t key[32], uint64_t counter, uint64_t nonce) {
    uint32_t words[8];
    memcpy(words, key, 32);  // little-endian machines only, as everywhere in this target
    size_t done = 0;
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA)
        done += chacha20_avx512(out, blocks, words, counter, nonce);
    else if (tier >= TACIT_TIER_AVX2)
        done += chacha20_avx2(out, blocks, words, counter, nonce);
#endif
    done += chacha20_four(out + done * 64, blocks - done, words, counter + done, nonce);
    chacha20_one(out + done * 64, blocks - done, words, counter + done, nonce);
    memset(words, 0, sizeof words);
    __asm__ __volatile__("" : : "r"(words) : "memory");
}
