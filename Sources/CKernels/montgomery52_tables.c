#include "tacit_montgomery52.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define IFMA __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma")))
#define INLINE static inline __attribute__((always_inline)) IFMA
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef __m512i vector;

// Tables lie in memory in the order in which a lookup reads them, since they come from the second-level cache: blocks of
// eight digits (the last block has the remainder), in a block one entry after the other.
#define BLOCK 8

// Calls with the length of a block as a constant.
#define SWITCH_BLOCK(count, call)     \
    switch (count) {                  \
        case 1: call(1); break;       \
        case 2: call(2); break;       \
        case 3: call(3); break;       \
        case 4: call(4); break;       \
        case 5: call(5); break;       \
        case 6: call(6); break;       \
        case 7: call(7); break;       \
        default: call(8); break;      \
    }

INLINE size_t block_length(size_t limbs, size_t start) { return limbs - start < BLOCK ? limbs - start : BLOCK; }

INLINE vector equal_to(size_t value) { return _mm512_set1_epi64((long long)value); }

// MARK: Tables with entries of their own for each lane

IFMA void tacit_mont52_put_entry(uint64_t *table, size_t entries, size_t entry, const uint64_t *lanes, size_t limbs) {
    for (size_t i = 0; i < limbs; i += BLOCK) {
        const size_t count = block_length(limbs, i);
        uint64_t *target = table + 8 * (i * entries + count * entry);
        for (size_t d = 0; d < count; d++)
            _mm512_store_si512(target + 8 * d, _mm512_load_si512(lanes + 8 * (i + d)));
    }
}

INLINE void select_block(const int count, uint64_t *result, const uint64_t *block, size_t entries, vector chosen) {
    vector sums[BLOCK];
    UNROLLED for (int d = 0; d < count; d++) sums[d] = _mm512_setzero_si512();
    for (size_t e = 0; e < entries; e++, block += 8 * count) {
        __mmask8 mask = _mm512_cmpeq_epi64_mask(chosen, equal_to(e));
        UNROLLED for (int d = 0; d < count; d++) sums[d] = _mm512_mask_load_epi64(sums[d], mask, block + 8 * d);
    }
    UNROLLED for (int d = 0; d < count; d++) _mm512_store_si512(result + 8 * d, sums[d]);
}

IFMA void tacit_mont52_select(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                              const uint64_t choices[8]) {
    const vector chosen = _mm512_loadu_si512(choices);
    for (size_t i = 0; i < limbs; i += BLOCK) {
        const uint64_t *block = table + 8 * i * entries;
#define CALL(count) select_block(count, result + 8 * i, block, entries, chosen)
        SWITCH_BLOCK(block_length(limbs, i), CALL)
#undef CALL
    }
}

IFMA void tacit_mont52_gather(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                              const uint64_t choices[8]) {
    const vector lane = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), chosen = _mm512_loadu_si512(choices);
    for (size_t i = 0; i < limbs; i += BLOCK) {
        const size_t count = block_length(limbs, i);
        const vector indices = _mm512_add_epi64(_mm512_mullo_epi64(chosen, equal_to(8 * count)), lane);
        for (size_t d = 0; d < count; d++)
            _mm512_store_si512(result + 8 * (i + d),
                               _mm512_i64gather_epi64(indices, table + 8 * (i * entries + d), 8));
    }
}

// MARK: Tables shared by the lanes: a vector holds one digit of eight entries

IFMA void tacit_mont52_put_shared_entry(uint64_t *tables, size_t count, size_t stride, size_t entries, size_t entry,
                                        const uint64_t *lanes, size_t limbs) {
    for (size_t k = 0; k < count; k++, tables += stride)
        for (size_t i = 0; i < limbs; i += BLOCK) {
            const size_t length = block_length(limbs, i);
            uint64_t *target = tables + i * entries + entry / 8 * 8 * length + entry % 8;
            for (size_t d = 0; d < length; d++) target[8 * d] = lanes[8 * (i + d) + k];
        }
}

IFMA void tacit_mont52_put_shared_octet(uint64_t *table, size_t entries, size_t octet, const uint64_t *lanes,
                                        size_t limbs) {
    for (size_t i = 0; i < limbs; i += BLOCK) {
        const size_t length = block_length(limbs, i);
        uint64_t *target = table + i * entries + 8 * length * octet;
        for (size_t d = 0; d < length; d++)
            _mm512_store_si512(target + 8 * d, _mm512_load_si512(lanes + 8 * (i + d)));
    }
}

// Looks up for `groups` times eight lanes, so that each vector of the table is loaded once for all of them.
INLINE void select_shared_block(const int groups, const int count, uint64_t *result, size_t limbs,
                                const uint64_t *block, size_t entries, const vector chosen[]) {
    vector sums[2 * BLOCK];
    UNROLLED for (int d = 0; d < groups * count; d++) sums[d] = _mm512_setzero_si512();
    for (size_t octet = 0; octet < entries / 8; octet++, block += 8 * count) {
        __mmask8 masks[2];
        UNROLLED for (int g = 0; g < groups; g++)
            masks[g] = _mm512_cmpeq_epi64_mask(_mm512_srli_epi64(chosen[g], 3), equal_to(octet));
        UNROLLED for (int d = 0; d < count; d++) {
            const vector eight = _mm512_load_si512(block + 8 * d);
            // A permutation looks up eight entries at once, in a time that does not depend on the indices.
            UNROLLED for (int g = 0; g < groups; g++)
                sums[g * count + d] =
                    _mm512_mask_permutexvar_epi64(sums[g * count + d], masks[g], chosen[g], eight);
        }
    }
    UNROLLED for (int g = 0; g < groups; g++)
        UNROLLED for (int d = 0; d < count; d++)
            _mm512_store_si512(result + 8 * (limbs * (size_t)g + (size_t)d), sums[g * count + d]);
}

IFMA void tacit_mont52_select_shared(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                                     const uint64_t choices[8]) {
    const vector chosen[1] = {_mm512_loadu_si512(choices)};
    for (size_t i = 0; i < limbs; i += BLOCK) {
#define CALL(count) select_shared_block(1, count, result + 8 * i, limbs, table + i * entries, entries, chosen)
        SWITCH_BLOCK(block_length(limbs, i), CALL)
#undef CALL
    }
}

IFMA void tacit_mont52_select_shared_pair(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                                          const uint64_t first[8], const uint64_t second[8]) {
    const vector chosen[2] = {_mm512_loadu_si512(first), _mm512_loadu_si512(second)};
    for (size_t i = 0; i < limbs; i += BLOCK) {
#define CALL(count) select_shared_block(2, count, result + 8 * i, limbs, table + i * entries, entries, chosen)
        SWITCH_BLOCK(block_length(limbs, i), CALL)
#undef CALL
    }
}

#endif
