#include "lattice_scalar.h"

tacit_modulus tacit_modulus_make(uint64_t q) {
    tacit_modulus m = {0};
    m.value = q;
    m.bits = 64 - __builtin_clzll(q);
    m.barrett64 = (uint64_t)(((wide)1 << (63 + m.bits)) / q);
    m.barrett52 = (uint64_t)(((wide)1 << (51 + m.bits)) / q);
    m.word_quotient = (uint64_t)(((wide)1 << 64) / q);
    m.one_quotient52 = ((uint64_t)1 << 52) / q;
    m.radix52 = ((uint64_t)1 << 52) % q;
    m.radix52_quotient = shoup52(m.radix52, q);
    m.radix64 = (uint64_t)(((wide)1 << 64) % q);
    m.inverse = 1.0 / (double)q;
    return m;
}

uint64_t tacit_modulus_multiply(const tacit_modulus *q, uint64_t a, uint64_t b) { return multiply_mod(a, b, q); }

uint64_t tacit_modulus_power(const tacit_modulus *q, uint64_t base, uint64_t exponent) {
    uint64_t result = 1;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1) result = multiply_mod(result, base, q);
        base = multiply_mod(base, base, q);
    }
    return result;
}

static uint64_t power_any(uint64_t base, uint64_t exponent, uint64_t n) {
    uint64_t result = 1;
    for (base %= n; exponent != 0; exponent >>= 1) {
        if (exponent & 1) result = (uint64_t)((wide)result * base % n);
        base = (uint64_t)((wide)base * base % n);
    }
    return result;
}

int tacit_is_prime(uint64_t n) {
    // The first twelve primes as bases decide every number below 3.3 · 10^24 (Sorenson, Webster 2015).
    static const uint64_t bases[12] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    if (n < 2) return 0;
    for (int i = 0; i < 12; i++)
        if (n % bases[i] == 0) return n == bases[i];
    uint64_t odd = n - 1;
    int twos = __builtin_ctzll(odd);
    odd >>= twos;
    for (int i = 0; i < 12; i++) {
        uint64_t x = power_any(bases[i], odd, n);
        if (x == 1 || x == n - 1) continue;
        int composite = 1;
        for (int round = 1; round < twos && composite; round++) {
            x = (uint64_t)((wide)x * x % n);
            if (x == n - 1) composite = 0;
        }
        if (composite) return 0;
    }
    return 1;
}
