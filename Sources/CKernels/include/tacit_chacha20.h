#ifndef TACIT_CHACHA20_H
#define TACIT_CHACHA20_H

#include <stddef.h>
#include <stdint.h>

/// Writes `blocks` 64-byte blocks of the ChaCha20 key stream (RFC 8439, section 2.3, with a 64-bit counter in words
/// 12 and 13 and a 64-bit nonce in words 14 and 15, as in Bernstein's original). Constant time.
void tacit_chacha20_blocks(uint8_t *out, size_t blocks, const uint8_t key[32], uint64_t counter, uint64_t nonce);

#endif
