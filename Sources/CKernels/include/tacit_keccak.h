#ifndef TACIT_KECCAK_H
#define TACIT_KECCAK_H

#include <stddef.h>
#include <stdint.h>

/// The last twelve rounds of Keccak-f[1600] on 25 lanes: the permutation of TurboSHAKE (RFC 9861). Constant time.
void tacit_keccak_p12(uint64_t state[25]);

/// XORs `blocks` blocks of `rate` bytes (a multiple of 8) into the state, permuting after each.
void tacit_keccak_absorb(uint64_t state[25], const uint8_t *in, size_t blocks, size_t rate);

/// Permutes and writes `rate` bytes, `blocks` times.
void tacit_keccak_squeeze(uint64_t state[25], uint8_t *out, size_t blocks, size_t rate);

#endif
