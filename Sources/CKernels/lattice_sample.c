// Sampling and bit packing of residues.
#include "lattice_scalar.h"
#include "tacit_chacha20.h"
#include "tacit_cpu.h"
#include "tacit_zeroise.h"

#include <string.h>

void tacit_sample_uniform(uint64_t *out, size_t n, const tacit_modulus *q, const uint8_t seed[32], uint64_t nonce) {
    enum { BLOCKS = 32, WORDS = BLOCKS * 8 };
    uint64_t words[WORDS], mask = ((uint64_t)1 << q->bits) - 1, counter = 0;
    for (size_t filled = 0; filled < n; counter += BLOCKS) {
        tacit_chacha20_blocks((uint8_t *)words, BLOCKS, seed, counter, nonce);
        for (size_t i = 0; i < WORDS && filled < n; i++) {
            out[filled] = words[i] & mask;
            filled += out[filled] < q->value;
        }
    }
    tacit_zeroise(words, sizeof words);
}

// Eight samples beside each other; every sample is compared with the whole table.
#define DEFINE_GAUSSIAN(NAME, ATTRIBUTE)                                                                              \
    ATTRIBUTE static void NAME(int64_t *out, const uint64_t *random, size_t n, const uint64_t *cumulative,            \
                               size_t tail) {                                                                         \
        typedef int64_t eight __attribute__((vector_size(64)));                                                       \
        for (size_t i = 0; i < n; i += 8) {                                                                           \
            eight word, count = {0};                                                                                  \
            memcpy(&word, random + i, sizeof word);                                                                   \
            eight sign = -(word & 1), value = (eight)((word >> 1) & INT64_MAX);                                       \
            for (size_t j = 0; j < tail; j++) count -= (eight)(value >= (eight){0} + (int64_t)cumulative[j]);         \
            count = (count ^ sign) - sign;                                                                            \
            memcpy(out + i, &count, sizeof count);                                                                    \
        }                                                                                                             \
    }

#if defined(__x86_64__)
DEFINE_GAUSSIAN(gaussian_avx512, __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw"))))
DEFINE_GAUSSIAN(gaussian_avx2, __attribute__((target("avx2"))))
#endif
DEFINE_GAUSSIAN(gaussian_plain, )

void tacit_sample_gaussian(int64_t *out, const uint64_t *random, size_t n, const uint64_t *cumulative, size_t tail) {
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA) {
        gaussian_avx512(out, random, n, cumulative, tail);
        return;
    }
    if (tier >= TACIT_TIER_AVX2) {
        gaussian_avx2(out, random, n, cumulative, tail);
        return;
    }
#endif
    gaussian_plain(out, random, n, cumulative, tail);
}

void tacit_sort_network(uint64_t *keys, size_t n) {
    for (size_t size = 2; size <= n; size *= 2)
        for (size_t gap = size / 2; gap > 0; gap /= 2)
            for (size_t i = 0; i < n; i++) {
                if (i & gap) continue;
                uint64_t a = keys[i], b = keys[i | gap];
                uint64_t swap = (a ^ b) & (0 - (uint64_t)((a > b) == ((i & size) == 0)));
                keys[i] = a ^ swap;
                keys[i | gap] = b ^ swap;
            }
}

void tacit_pack_bits(uint8_t *out, const uint64_t *in, size_t n, int32_t bits) {
    wide pending = 0;
    int32_t held = 0;
    for (size_t i = 0; i < n; i++) {
        pending |= (wide)in[i] << held;
        held += bits;
        for (; held >= 8; held -= 8, pending >>= 8) *out++ = (uint8_t)pending;
    }
}

int tacit_unpack_bits(uint64_t *out, const uint8_t *in, size_t n, int32_t bits, uint64_t q) {
    uint64_t mask = ((uint64_t)1 << bits) - 1, above = 0;
    wide pending = 0;
    int32_t held = 0;
    for (size_t i = 0; i < n; i++) {
        for (; held < bits; held += 8) pending |= (wide)*in++ << held;
        out[i] = (uint64_t)pending & mask;
        above |= (uint64_t)(out[i] >= q);
        pending >>= bits;
        held -= bits;
    }
    return above == 0;
}
