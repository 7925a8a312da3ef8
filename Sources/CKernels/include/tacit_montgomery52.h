#ifndef TACIT_MONTGOMERY52_H
#define TACIT_MONTGOMERY52_H

#include <stddef.h>
#include <stdint.h>

/// Montgomery arithmetic on eight numbers at a time modulo one odd number N, by the 52-bit products of AVX-512 IFMA.
///
/// A *lane array* holds eight numbers of `limbs` digits in radix 2^52: digit i of number k is word 8·i + k. It is aligned
/// to 64 bytes. With R = 2^(52·limbs), 4·N ≤ R is required (two bits of head-room); then the operands and results of
/// products are residues below 2·N, not always below N, with every digit below 2^52. (Any operands below R/2 are fine as
/// long as their product is below R·(R − N), so that the result has `limbs` digits.)
///
/// Every function runs in a time that depends on `limbs` and `entries` only, unless its description says otherwise.
/// On machines without AVX-512 IFMA they must not be called; on other architectures than x86-64 they do not exist.

#if defined(__x86_64__)

/// The modulus and what depends on it alone.
typedef struct {
    size_t limbs;
    const uint64_t *digits;  ///< N in radix 2^52, `limbs` words
    uint64_t inverse;        ///< −N^−1 mod 2^52
} tacit_mont52_modulus;

/// Words of scratch memory (64-byte aligned) that products need.
size_t tacit_mont52_scratch_words(size_t limbs);

/// result = left · right / R mod N, below 2·N. `result` may be an operand.
void tacit_mont52_multiply(uint64_t *result, const uint64_t *left, const uint64_t *right,
                           const tacit_mont52_modulus *modulus, uint64_t *scratch);

/// result = operand² / R mod N, below 2·N. `result` may be the operand.
void tacit_mont52_square(uint64_t *result, const uint64_t *operand, const tacit_mont52_modulus *modulus,
                         uint64_t *scratch);

/// result = operand / R mod N, below N. `result` may be the operand.
void tacit_mont52_reduce(uint64_t *result, const uint64_t *operand, const tacit_mont52_modulus *modulus,
                         uint64_t *scratch);

/// Subtracts N from those numbers, below 2·N, that are not below N.
void tacit_mont52_canonical(uint64_t *numbers, const tacit_mont52_modulus *modulus);

/// Writes up to eight numbers of `word_count` 64-bit words each, one after the other, to a lane array; further lanes get 0.
/// The numbers are below 2^(52·limbs).
void tacit_mont52_pack(uint64_t *lanes, size_t limbs, const uint64_t *words, size_t word_count, size_t numbers);

/// Writes the lowest 64·word_count bits of the first `numbers` lanes as consecutive numbers of 64-bit words.
void tacit_mont52_unpack(uint64_t *words, size_t word_count, size_t numbers, const uint64_t *lanes, size_t limbs);

/// A table for eight lanes holds `entries` lane arrays, in 8·entries·limbs words (their order is the table's own
/// affair). This writes entry number `entry`.
void tacit_mont52_put_entry(uint64_t *table, size_t entries, size_t entry, const uint64_t *lanes, size_t limbs);

/// Number k of the result is number k of entry choices[k] of a table for eight lanes. All entries are read.
void tacit_mont52_select(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                         const uint64_t choices[8]);

/// As `tacit_mont52_select`, reading only what is chosen: *variable time*.
void tacit_mont52_gather(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                         const uint64_t choices[8]);

/// A shared table holds `entries` single numbers, a multiple of 8, in entries·limbs words, aligned to 64 bytes. This
/// makes number k of a lane array entry number `entry` of shared table k, for k < `count` ≤ 8; the tables lie `stride`
/// words apart.
void tacit_mont52_put_shared_entry(uint64_t *tables, size_t count, size_t stride, size_t entries, size_t entry,
                                   const uint64_t *lanes, size_t limbs);

/// Makes the eight numbers of a lane array the entries 8·octet, …, 8·octet + 7 of a shared table.
void tacit_mont52_put_shared_octet(uint64_t *table, size_t entries, size_t octet, const uint64_t *lanes,
                                   size_t limbs);

/// Number k of the result is entry choices[k] of a shared table. All entries are read.
void tacit_mont52_select_shared(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                                const uint64_t choices[8]);

/// Two of `tacit_mont52_select_shared` on the same table; the results are consecutive lane arrays.
void tacit_mont52_select_shared_pair(uint64_t *result, const uint64_t *table, size_t entries, size_t limbs,
                                     const uint64_t first[8], const uint64_t second[8]);

#endif
#endif
