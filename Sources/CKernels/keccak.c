#include "tacit_keccak.h"

#include <string.h>

static const uint64_t round_constants[12] = {
    UINT64_C(0x000000008000808b), UINT64_C(0x800000000000008b), UINT64_C(0x8000000000008089),
    UINT64_C(0x8000000000008003), UINT64_C(0x8000000000008002), UINT64_C(0x8000000000000080),
    UINT64_C(0x000000000000800a), UINT64_C(0x800000008000000a), UINT64_C(0x8000000080008081),
    UINT64_C(0x8000000000008080), UINT64_C(0x0000000080000001), UINT64_C(0x8000000080008008),
};

#define TURN(v, n) (((v) << (n)) | ((v) >> (64 - (n))))

// θ, then ρ and π into b, then χ row by row, then ι. Lane x + 5y of the state is a<x><y> in the standard's notation.
static inline void permute(uint64_t s[25]) {
    for (int round = 0; round < 12; round++) {
        uint64_t c[5], d[5], b[25];
        for (int x = 0; x < 5; x++) c[x] = s[x] ^ s[x + 5] ^ s[x + 10] ^ s[x + 15] ^ s[x + 20];
        for (int x = 0; x < 5; x++) d[x] = c[(x + 4) % 5] ^ TURN(c[(x + 1) % 5], 1);
        b[0] = s[0] ^ d[0];
#define MOVE(to, from, by) b[to] = TURN(s[from] ^ d[(from) % 5], by)
        MOVE(10, 1, 1); MOVE(20, 2, 62); MOVE(5, 3, 28); MOVE(15, 4, 27);
        MOVE(16, 5, 36); MOVE(1, 6, 44); MOVE(11, 7, 6); MOVE(21, 8, 55); MOVE(6, 9, 20);
        MOVE(7, 10, 3); MOVE(17, 11, 10); MOVE(2, 12, 43); MOVE(12, 13, 25); MOVE(22, 14, 39);
        MOVE(23, 15, 41); MOVE(8, 16, 45); MOVE(18, 17, 15); MOVE(3, 18, 21); MOVE(13, 19, 8);
        MOVE(14, 20, 18); MOVE(24, 21, 2); MOVE(9, 22, 61); MOVE(19, 23, 56); MOVE(4, 24, 14);
        for (int y = 0; y < 25; y += 5)
            for (int x = 0; x < 5; x++) s[y + x] = b[y + x] ^ (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]);
        s[0] ^= round_constants[round];
    }
}

void tacit_keccak_p12(uint64_t state[25]) { permute(state); }

void tacit_keccak_absorb(uint64_t state[25], const uint8_t *in, size_t blocks, size_t rate) {
    for (; blocks > 0; blocks--, in += rate) {
        for (size_t i = 0; i < rate / 8; i++) {
            uint64_t lane;
            memcpy(&lane, in + 8 * i, 8);  // little-endian machines only, as everywhere in this target
            state[i] ^= lane;
        }
        permute(state);
    }
}

void tacit_keccak_squeeze(uint64_t state[25], uint8_t *out, size_t blocks, size_t rate) {
    for (; blocks > 0; blocks--, out += rate) {
        permute(state);
        memcpy(out, state, rate);
    }
}
