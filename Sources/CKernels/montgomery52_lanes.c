#include "tacit_montgomery52.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define IFMA __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma")))

typedef __m512i vector;

#define DIGIT_MASK ((1ULL << 52) - 1)
#define BLOCK 16

void tacit_mont52_pack(uint64_t *lanes, size_t limbs, const uint64_t *words, size_t word_count, size_t numbers) {
    if (numbers < 8) memset(lanes, 0, 64 * limbs);
    for (size_t k = 0; k < numbers; k++, words += word_count)
        for (size_t i = 0; i < limbs; i++) {
            size_t word = 52 * i / 64, shift = 52 * i % 64;
            uint64_t digit = word < word_count ? words[word] >> shift : 0;
            if (shift > 12 && word + 1 < word_count) digit |= words[word + 1] << (64 - shift);
            lanes[8 * i + k] = digit & DIGIT_MASK;
        }
}

void tacit_mont52_unpack(uint64_t *words, size_t word_count, size_t numbers, const uint64_t *lanes, size_t limbs) {
    for (size_t k = 0; k < numbers; k++, words += word_count)
        for (size_t w = 0; w < word_count; w++) {
            // Word w begins in digit i; up to three digits meet in it.
            size_t i = 64 * w / 52, shift = 64 * w % 52;
            uint64_t word = i < limbs ? lanes[8 * i + k] >> shift : 0;
            if (i + 1 < limbs) word |= lanes[8 * (i + 1) + k] << (52 - shift);
            if (shift > 40 && i + 2 < limbs) word |= lanes[8 * (i + 2) + k] << (104 - shift);
            words[w] = word;
        }
}

IFMA void tacit_mont52_select(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                              const uint64_t choices[8]) {
    const vector chosen = _mm512_loadu_si512(choices);
    for (size_t i = 0; i < limbs; i += BLOCK) {
        const size_t count = limbs - i < BLOCK ? limbs - i : BLOCK;
        vector sums[BLOCK];
        const uint64_t *entry = table + 8 * i;
        if (count == BLOCK) {
#pragma clang loop unroll(full)
            for (int d = 0; d < BLOCK; d++) sums[d] = _mm512_setzero_si512();
            for (size_t e = 0; e < entries; e++, entry += 8 * limbs) {
                __mmask8 mask = _mm512_cmpeq_epi64_mask(chosen, _mm512_set1_epi64((long long)e));
#pragma clang loop unroll(full)
                for (int d = 0; d < BLOCK; d++) sums[d] = _mm512_mask_load_epi64(sums[d], mask, entry + 8 * d);
            }
#pragma clang loop unroll(full)
            for (int d = 0; d < BLOCK; d++) _mm512_store_si512(result + 8 * (i + (size_t)d), sums[d]);
        } else {
            for (size_t d = 0; d < count; d++) {
                vector sum = _mm512_setzero_si512();
                for (size_t e = 0; e < entries; e++) {
                    __mmask8 mask = _mm512_cmpeq_epi64_mask(chosen, _mm512_set1_epi64((long long)e));
                    sum = _mm512_mask_load_epi64(sum, mask, entry + 8 * (limbs * e + d));
                }
                _mm512_store_si512(result + 8 * (i + d), sum);
            }
        }
    }
}

IFMA void tacit_mont52_gather(uint64_t *result, const uint64_t *table, size_t limbs, const uint64_t choices[8]) {
    const vector lane = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    const vector stride = _mm512_set1_epi64((long long)(8 * limbs));
    const vector indices = _mm512_add_epi64(_mm512_mullo_epi64(_mm512_loadu_si512(choices), stride), lane);
    for (size_t i = 0; i < limbs; i++)
        _mm512_store_si512(result + 8 * i, _mm512_i64gather_epi64(indices, table + 8 * i, 8));
}

IFMA void tacit_mont52_select_shared(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                                     const uint64_t choices[8]) {
    // A permutation looks up eight entries at once: its time does not depend on the indices.
    const vector chosen = _mm512_loadu_si512(choices), octets = _mm512_srli_epi64(chosen, 3);
    for (size_t i = 0; i < limbs; i += BLOCK) {
        const size_t count = limbs - i < BLOCK ? limbs - i : BLOCK;
        vector sums[BLOCK];
        const uint64_t *rows = table + i * entries;
        if (count == BLOCK) {
#pragma clang loop unroll(full)
            for (int d = 0; d < BLOCK; d++) sums[d] = _mm512_setzero_si512();
            for (size_t e = 0; e < entries; e += 8) {
                __mmask8 mask = _mm512_cmpeq_epi64_mask(octets, _mm512_set1_epi64((long long)(e / 8)));
#pragma clang loop unroll(full)
                for (int d = 0; d < BLOCK; d++)
                    sums[d] = _mm512_mask_permutexvar_epi64(
                        sums[d], mask, chosen, _mm512_load_si512(rows + (size_t)d * entries + e));
            }
#pragma clang loop unroll(full)
            for (int d = 0; d < BLOCK; d++) _mm512_store_si512(result + 8 * (i + (size_t)d), sums[d]);
        } else {
            for (size_t d = 0; d < count; d++) {
                vector sum = _mm512_setzero_si512();
                for (size_t e = 0; e < entries; e += 8) {
                    __mmask8 mask = _mm512_cmpeq_epi64_mask(octets, _mm512_set1_epi64((long long)(e / 8)));
                    sum = _mm512_mask_permutexvar_epi64(sum, mask, chosen, _mm512_load_si512(rows + d * entries + e));
                }
                _mm512_store_si512(result + 8 * (i + d), sum);
            }
        }
    }
}

void tacit_mont52_scatter_shared(uint64_t *tables, size_t count, size_t stride, size_t entries, size_t entry,
                                 const uint64_t *lanes, size_t limbs) {
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < limbs; i++) tables[k * stride + i * entries + entry] = lanes[8 * i + k];
}

#endif
