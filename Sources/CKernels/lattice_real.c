// Between doubles and residues: choice of the tier, and the scalar tier.
#include "lattice_vector.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

void tacit_vector_from_double(uint64_t *out, const double *v, size_t n, const tacit_modulus *q) {
    DISPATCH(from_double, out, v, n, q)
}

void tacit_centred(double *out, const uint64_t *const *in, const tacit_garner *garner, size_t first, size_t n) {
    DISPATCH(centred, out, in, garner, first, n)
}

static inline uint64_t double_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, 8);
    return bits & INT64_MAX;
}

size_t tacit_first_not_finite(const double *v, size_t n) {
    const uint64_t infinity = (uint64_t)0x7FF << 52;
    enum { RUN = 64 };
    for (size_t i = 0; i < n; i += RUN) {
        size_t end = i + RUN < n ? i + RUN : n;
        uint64_t seen = 0;
        // The exponent's carry into bit 63 says that it is all ones.
        for (size_t j = i; j < end; j++) seen |= double_bits(v[j]) + ((uint64_t)1 << 52);
        if (seen >> 63)
            for (size_t j = i; j < end; j++)
                if (double_bits(v[j]) >= infinity) return j;
    }
    return n;
}

// MARK: Scalar tier

static inline uint64_t signed_residue(uint64_t magnitude, uint64_t sign, const tacit_modulus *q) {
    uint64_t r = reduce_word(magnitude, q);
    r ^= (r ^ (q->value - r)) & sign;
    return subtract_if(r, q->value);
}

/// Any finite double; the time depends on it.
static uint64_t residue_of_large(double v, const tacit_modulus *q) {
    uint64_t bits = double_bits(v), sign = 0 - (uint64_t)(v < 0);
    int exponent = (int)(bits >> 52) - 1075;  // |v| = mantissa · 2^exponent
    if (exponent < 0) {
        int64_t x = nearest_integer(v);
        return signed_residue(((uint64_t)x ^ sign) - sign, sign, q);
    }
    uint64_t mantissa = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    // 2^exponent in steps of 2^64.
    uint64_t r = reduce_word(mantissa, q);
    for (; exponent >= 64; exponent -= 64) r = multiply_mod(r, q->radix64, q);
    r = multiply_mod(r, reduce_word((uint64_t)1 << exponent, q), q);
    return signed_residue(r, sign, q);
}

void tacit_scalar_from_double(uint64_t *out, const double *v, size_t n, const tacit_modulus *q) {
    tacit_modulus m = *q;
    const uint64_t limit = (uint64_t)(1023 + 63) << 52;  // the bits of 2^63
    enum { RUN = 64 };
    for (size_t i = 0; i < n; i += RUN) {
        size_t end = i + RUN < n ? i + RUN : n;
        uint64_t greatest = 0;
        for (size_t j = i; j < end; j++) greatest = double_bits(v[j]) > greatest ? double_bits(v[j]) : greatest;
        if (greatest >= limit) {
            for (size_t j = i; j < end; j++) out[j] = residue_of_large(v[j], &m);
            continue;
        }
        for (size_t j = i; j < end; j++) {
            int64_t x = nearest_integer(v[j]);
            uint64_t sign = (uint64_t)(x >> 63);
            out[j] = signed_residue(((uint64_t)x ^ sign) - sign, sign, &m);
        }
    }
}

/// The double nearest to ±x, x < 2^100.
static inline double nearest_double(wide x, uint64_t sign) {
    // The upper 62 bits and whether any was left out below: the conversion of those rounds as that of x.
    int shift = 63 - __builtin_clzll((uint64_t)(x >> 62) << 1 | 1);
    uint64_t upper = (uint64_t)(x >> shift);
    upper |= (uint64_t)((uint64_t)x << 1 << (63 - shift) != 0);
    uint64_t power = (uint64_t)(1023 + shift) << 52;
    double factor;
    memcpy(&factor, &power, 8);
    return (double)(int64_t)((upper ^ sign) - sign) * factor;
}

void tacit_scalar_centred(double *out, const uint64_t *const *in, const tacit_garner *g, size_t first, size_t n) {
    size_t k = g->primes;
    uint64_t quotient[TACIT_CONVERSION_SOURCES][TACIT_CONVERSION_SOURCES];
    for (size_t j = 0; j < k; j++)
        for (size_t i = 0; i < j; i++) quotient[j][i] = shoup64(g->inverse[i * k + j], g->moduli[j].value);
    for (size_t at = 0; at < n; at++) {
        uint64_t digit[TACIT_CONVERSION_SOURCES], above = 0;
        for (size_t j = 0; j < k; j++) {
            const tacit_modulus *m = &g->moduli[j];
            uint64_t r = in[j][first + at], half = (m->value - 1) / 2;
            for (size_t i = 0; i < j; i++)
                r = multiply_shoup(r + m->value - reduce_word(digit[i], m), g->inverse[i * k + j], quotient[j][i], m->value);
            digit[j] = subtract_if(r, m->value);
            // Digits of (Q − 1)/2 are the (q_j − 1)/2; the highest digit that differs decides.
            above = (above & (uint64_t)(digit[j] == half)) | (uint64_t)(digit[j] > half);
        }
        uint64_t sign = 0 - above;
        if (k <= 2) {
            wide q0 = g->moduli[0].value;
            wide x = k == 1 ? digit[0] : digit[1] * q0 + digit[0];
            wide product = k == 1 ? q0 : q0 * g->moduli[1].value;
            wide mask = ((wide)sign << 64) | sign;
            x ^= (x ^ (product - x)) & mask;
            out[at] = nearest_double(x, sign);
            continue;
        }
        double value = 0;
        for (size_t j = k; j-- > 0;) {
            uint64_t q = g->moduli[j].value;
            uint64_t d = digit[j] ^ ((digit[j] ^ (q - 1 - digit[j])) & sign);
            value = value * (double)(int64_t)q + (double)(int64_t)d;
        }
        double other = -1 - value;
        uint64_t a, b;
        memcpy(&a, &value, 8);
        memcpy(&b, &other, 8);
        a ^= (a ^ b) & sign;
        memcpy(&out[at], &a, 8);
    }
}
