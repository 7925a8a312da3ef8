#ifndef TACIT_MONTGOMERY64_H
#define TACIT_MONTGOMERY64_H

#include <stddef.h>
#include <stdint.h>

/// Montgomery arithmetic on single numbers in radix 2^64, on any processor: for machines without AVX-512 IFMA. Every
/// function runs in a time that depends on `limbs` and `entries` only.

/// result = left · right / 2^(64·limbs) mod N, in [0, N), for factors in [0, N) and N odd. `inverse` is −N^−1 mod 2^64,
/// `scratch` has limbs + 1 words; `result` may be a factor.
void tacit_mont64_multiply(uint64_t *result, const uint64_t *left, const uint64_t *right, const uint64_t *modulus,
                           uint64_t inverse, size_t limbs, uint64_t *scratch);

/// The result is number `choice` of a table of `entries` consecutive numbers. All of them are read.
void tacit_mont64_select(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs, uint64_t choice);

#endif
