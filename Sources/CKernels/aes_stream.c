#include "tacit_aes_stream.h"

#include <string.h>

#include "tacit_cpu.h"
#include "tacit_zeroise.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("aes,vaes,avx512f,avx512bw,avx512vl,avx512dq")))

int tacit_aes_stream_available(void) {
    return tacit_cpu_tier() >= TACIT_TIER_AVX512_IFMA && __builtin_cpu_supports("vaes") &&
           __builtin_cpu_supports("aes");
}

// The next even round key: the word after the last S-box, rotated, with the round's constant.
#define EVEN(a, b, constant)                                                        \
    do {                                                                            \
        __m128i word = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(b, constant), 0xff); \
        a = _mm_xor_si128(a, _mm_slli_si128(a, 4));                                 \
        a = _mm_xor_si128(a, _mm_slli_si128(a, 8));                                 \
        a = _mm_xor_si128(a, word);                                                 \
    } while (0)
// The next odd one: S-box without rotation.
#define ODD(a, b)                                                              \
    do {                                                                       \
        __m128i word = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(a, 0), 0xaa); \
        b = _mm_xor_si128(b, _mm_slli_si128(b, 4));                            \
        b = _mm_xor_si128(b, _mm_slli_si128(b, 8));                            \
        b = _mm_xor_si128(b, word);                                            \
    } while (0)

TARGET static void expand(__m512i round[15], const uint8_t key[32]) {
    __m128i a = _mm_loadu_si128((const __m128i *)key), b = _mm_loadu_si128((const __m128i *)(key + 16));
    round[0] = _mm512_broadcast_i32x4(a);
    round[1] = _mm512_broadcast_i32x4(b);
#define PAIR(i, constant)                       \
    EVEN(a, b, constant);                       \
    round[i] = _mm512_broadcast_i32x4(a);       \
    ODD(a, b);                                  \
    round[i + 1] = _mm512_broadcast_i32x4(b);
    PAIR(2, 0x01) PAIR(4, 0x02) PAIR(6, 0x04) PAIR(8, 0x08) PAIR(10, 0x10) PAIR(12, 0x20)
    EVEN(a, b, 0x40);
    round[14] = _mm512_broadcast_i32x4(a);
}

TARGET void tacit_aes_stream(uint8_t *out, size_t blocks, const uint8_t key[32], const uint8_t initial[16]) {
    __m512i round[15];
    expand(round, key);
    uint64_t high, low;
    memcpy(&high, initial, 8);
    memcpy(&low, initial + 8, 8);
    low = __builtin_bswap64(low);
    // Counters are kept with the lower half little-endian and turned into big-endian before use.
    const __m512i turn = _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 4, 3, 2, 1, 0));
    __m512i counter = _mm512_set_epi64((long long)(low + 3), (long long)high, (long long)(low + 2), (long long)high,
                                       (long long)(low + 1), (long long)high, (long long)low, (long long)high);
    const __m512i four = _mm512_set_epi64(4, 0, 4, 0, 4, 0, 4, 0);
    for (size_t i = 0; i + 16 <= blocks; i += 16) {
        __m512i x[4];
        for (int j = 0; j < 4; j++) {
            x[j] = _mm512_xor_si512(_mm512_shuffle_epi8(counter, turn), round[0]);
            counter = _mm512_add_epi64(counter, four);
        }
        for (int r = 1; r < 14; r++)
            for (int j = 0; j < 4; j++) x[j] = _mm512_aesenc_epi128(x[j], round[r]);
        for (int j = 0; j < 4; j++)
            _mm512_storeu_si512((__m512i *)(out + 16 * i + 64 * j), _mm512_aesenclast_epi128(x[j], round[14]));
    }
    tacit_zeroise(round, sizeof round);
}

#else

int tacit_aes_stream_available(void) { return 0; }

void tacit_aes_stream(uint8_t *out, size_t blocks, const uint8_t key[32], const uint8_t initial[16]) {
    (void)out, (void)blocks, (void)key, (void)initial;
    __builtin_trap();
}

#endif
