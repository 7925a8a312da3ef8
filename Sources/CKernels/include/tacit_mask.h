#ifndef TACIT_MASK_H
#define TACIT_MASK_H

#include <stddef.h>
#include <stdint.h>

// Masks of secure aggregation: a ChaCha20 key stream added to integers without being written down.
//
// The stream is cut into groups of sixteen blocks. Word i of block l of a group is word 16·i + l of the group: the order
// in which sixteen blocks lie in vector registers. Everyone who masks uses this order on every machine. All functions
// are constant time. Groups are counted from `group`, so that pieces of a vector can be masked by several cores.

/// Bytes of a group.
#define TACIT_MASK_GROUP 1024

/// values[j] ±= stream word j, modulo 2^32. `subtract` is 0 or 1. The counter of block l of group g is 16·g + l.
void tacit_mask_32(uint32_t *values, size_t count, const uint8_t key[32], uint64_t group, uint64_t nonce, int subtract);

/// values[j] ±= stream words 2j (low half) and 2j + 1 (high half), modulo 2^64.
void tacit_mask_64(uint64_t *values, size_t count, const uint8_t key[32], uint64_t group, uint64_t nonce, int subtract);

/// The lowest `bits` bits of each value, one after the other, least significant first, into ⌈count · bits / 8⌉ bytes;
/// unused bits of the last byte are zero. 1 ≤ bits ≤ 32 or 64.
void tacit_mask_pack_32(uint8_t *out, const uint32_t *values, size_t count, int32_t bits);
void tacit_mask_pack_64(uint8_t *out, const uint64_t *values, size_t count, int32_t bits);

/// values[j] += packed value j. Returns 1 when the unused bits of the last byte are zero, 0 otherwise.
int tacit_mask_add_packed_32(uint32_t *values, const uint8_t *in, size_t count, int32_t bits);
int tacit_mask_add_packed_64(uint64_t *values, const uint8_t *in, size_t count, int32_t bits);

#endif
