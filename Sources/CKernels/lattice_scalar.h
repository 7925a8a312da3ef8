// Scalar modular arithmetic shared by the lattice kernels; q < 2^50.
#ifndef TACIT_LATTICE_SCALAR_H
#define TACIT_LATTICE_SCALAR_H

#include "tacit_lattice.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

typedef unsigned __int128 wide;

static inline uint64_t high64(uint64_t a, uint64_t b) { return (uint64_t)(((wide)a * b) >> 64); }

/// x − m when x ≥ m, otherwise x. In assembly, since compilers make branches of anything else.
static inline uint64_t subtract_if(uint64_t x, uint64_t m) {
    uint64_t r;
#if defined(__x86_64__)
    __asm__("movq %1, %0\n\tsubq %2, %0\n\tcmovbq %1, %0" : "=&r"(r) : "r"(x), "r"(m) : "cc");
#elif defined(__aarch64__)
    __asm__("subs %0, %1, %2\n\tcsel %0, %1, %0, lo" : "=&r"(r) : "r"(x), "r"(m) : "cc");
#else
    r = x - m;
    uint64_t mask = 0 - (uint64_t)(x < m);
    __asm__("" : "+r"(mask));
    r += m & mask;
#endif
    return r;
}

static inline uint64_t add_mod(uint64_t a, uint64_t b, uint64_t q) { return subtract_if(a + b, q); }

static inline uint64_t subtract_mod(uint64_t a, uint64_t b, uint64_t q) { return subtract_if(a + q - b, q); }

/// z mod q for z < 2^(bits + 63): with c = floor(z / 2^(bits−1)) < 2^64 the quotient estimate high64(c · barrett64) is
/// short by at most 2.
static inline uint64_t reduce_wide(wide z, const tacit_modulus *q) {
    // Two shifts of words: compilers test whether a shift of two words exceeds 63.
    uint64_t low = (uint64_t)z, high = (uint64_t)(z >> 64);
    uint64_t c = low >> (q->bits - 1) | high << (65 - q->bits);
    uint64_t r = low - high64(c, q->barrett64) * q->value;
    return subtract_if(subtract_if(r, 2 * q->value), q->value);
}

static inline uint64_t multiply_mod(uint64_t a, uint64_t b, const tacit_modulus *q) { return reduce_wide((wide)a * b, q); }

/// The nearest integer, ties to even, for magnitudes below 2^63. (rint is a call on machines without SSE4.1.)
static inline int64_t nearest_integer(double x) {
#if defined(__x86_64__)
    return _mm_cvtsd_si64(_mm_set_sd(x));
#else
    return (int64_t)__builtin_rint(x);
#endif
}

/// x mod q for any word.
static inline uint64_t reduce_word(uint64_t x, const tacit_modulus *q) {
    uint64_t r = x - high64(x, q->word_quotient) * q->value;
    return subtract_if(r, q->value);
}

/// floor(2^64 · w / q), w < q
static inline uint64_t shoup64(uint64_t w, uint64_t q) { return (uint64_t)(((wide)w << 64) / q); }
/// floor(2^52 · w / q), w < q
static inline uint64_t shoup52(uint64_t w, uint64_t q) { return (uint64_t)(((wide)w << 52) / q); }

/// x · w − floor(x · w' / 2^64) · q, in [0, 2q) for any word x.
static inline uint64_t multiply_shoup(uint64_t x, uint64_t w, uint64_t quotient, uint64_t q) {
    return x * w - high64(x, quotient) * q;
}

#endif
