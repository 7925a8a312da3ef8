#ifndef TACIT_AES_STREAM_H
#define TACIT_AES_STREAM_H

#include <stddef.h>
#include <stdint.h>

/// Whether `tacit_aes_stream` works here: a processor with AES on 512-bit vectors.
int tacit_aes_stream_available(void);

/// Writes `blocks` 16-byte blocks of AES-256 in counter mode (FIPS 197, SP 800-38A): block i is the encryption of
/// `initial` + i, a 128-bit big-endian number whose lower half must not overflow. `blocks` is a multiple of 16. Constant
/// time; leaves no key behind but in registers.
void tacit_aes_stream(uint8_t *out, size_t blocks, const uint8_t key[32], const uint8_t initial[16]);

#endif
