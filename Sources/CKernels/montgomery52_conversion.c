#include "tacit_montgomery52.h"

#if defined(__x86_64__)

#include <string.h>

#define DIGIT_MASK ((1ULL << 52) - 1)

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

#endif
