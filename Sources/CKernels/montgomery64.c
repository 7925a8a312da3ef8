#include "tacit_montgomery64.h"

#include <string.h>

typedef unsigned __int128 wide;

// sum = (sum + left · digit + m·N) / 2^64 with m such that the division is exact; sum has limbs + 1 words and stays
// below 2·N.
static void add_product_and_reduce(uint64_t *restrict sum, const uint64_t *restrict left, uint64_t digit,
                                   const uint64_t *restrict modulus, uint64_t inverse, size_t limbs) {
    // (2^64 − 1)² + 2·(2^64 − 1) < 2^128: neither of the two carry chains can overflow.
    wide product = (wide)left[0] * digit + sum[0];
    const uint64_t m = (uint64_t)product * inverse;
    wide reduced = (wide)modulus[0] * m + (uint64_t)product;
#pragma clang loop unroll_count(4)
    for (size_t i = 1; i < limbs; i++) {
        product = (wide)left[i] * digit + sum[i] + (uint64_t)(product >> 64);
        reduced = (wide)modulus[i] * m + (uint64_t)product + (uint64_t)(reduced >> 64);
        sum[i - 1] = (uint64_t)reduced;
    }
    reduced = (wide)sum[limbs] + (uint64_t)(product >> 64) + (uint64_t)(reduced >> 64);
    sum[limbs - 1] = (uint64_t)reduced;
    sum[limbs] = (uint64_t)(reduced >> 64);
}

void tacit_mont64_multiply(uint64_t *result, const uint64_t *left, const uint64_t *right, const uint64_t *modulus,
                           uint64_t inverse, size_t limbs, uint64_t *scratch) {
    uint64_t *sum = scratch;
    memset(sum, 0, (limbs + 1) * sizeof *sum);
    for (size_t i = 0; i < limbs; i++) add_product_and_reduce(sum, left, right[i], modulus, inverse, limbs);
    uint64_t borrow = 0;
    for (size_t i = 0; i < limbs; i++) {
        wide difference = (wide)sum[i] - modulus[i] - borrow;
        result[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    // Keep the sum when it is below the modulus: its top word is 0 and the subtraction borrows.
    const uint64_t keep = 0 - (borrow & (sum[limbs] ^ 1));
    for (size_t i = 0; i < limbs; i++) result[i] = (result[i] & ~keep) | (sum[i] & keep);
}

void tacit_mont64_select(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs, uint64_t choice) {
    memset(result, 0, limbs * sizeof *result);
    for (size_t e = 0; e < entries; e++, table += limbs) {
        const uint64_t difference = (uint64_t)e ^ choice;
        // All ones when the difference is 0. The barrier keeps the compiler from making it a branch.
        uint64_t mask = ((difference | (0 - difference)) >> 63) - 1;
        __asm__ __volatile__("" : "+r"(mask));
        for (size_t i = 0; i < limbs; i++) result[i] |= table[i] & mask;
    }
}
