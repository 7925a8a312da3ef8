#include "tacit_zeroise.h"

#include <string.h>

void tacit_zeroise(void *bytes, size_t count) {
    if (count == 0) return;
    memset(bytes, 0, count);
    // The empty assembly claims to read the memory, so the stores above are not dead.
    __asm__ __volatile__("" : : "r"(bytes) : "memory");
}

int tacit_equal_constant_time(const void *left, const void *right, size_t count) {
    const uint8_t *a = left, *b = right;
    uint8_t difference = 0;
    for (size_t i = 0; i < count; i++) difference |= (uint8_t)(a[i] ^ b[i]);
    return (int)(1 & ((uint32_t)difference - 1) >> 8);
}
