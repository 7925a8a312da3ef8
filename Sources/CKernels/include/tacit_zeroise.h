#ifndef TACIT_ZEROISE_H
#define TACIT_ZEROISE_H

#include <stddef.h>
#include <stdint.h>

/// Overwrites `count` bytes with zero in a way that the compiler may not remove, even when the memory is freed next.
void tacit_zeroise(void *bytes, size_t count);

/// 1 when the two buffers are equal, 0 otherwise; the time depends on `count` only.
int tacit_equal_constant_time(const void *left, const void *right, size_t count);

#endif
