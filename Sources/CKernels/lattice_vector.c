// Element-wise kernels: choice of the tier, and the scalar tier.
#include "lattice_vector.h"

#include <string.h>

void tacit_vector_add(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    DISPATCH(add, out, a, b, n, q)
}

void tacit_vector_subtract(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    DISPATCH(subtract, out, a, b, n, q)
}

void tacit_vector_add_constant(uint64_t *out, const uint64_t *a, uint64_t s, size_t n, const tacit_modulus *q) {
    // Simple enough for the compiler to vectorise: the sign of sum − q makes the mask.
    uint64_t m = q->value;
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = a[i] + s - m;
        out[i] = sum + (m & (0 - (sum >> 63)));
    }
}

void tacit_vector_negate(uint64_t *out, const uint64_t *a, size_t n, const tacit_modulus *q) {
    // Simple enough for the compiler to vectorise.
    for (size_t i = 0; i < n; i++) out[i] = (q->value - a[i]) & (0 - (uint64_t)(a[i] != 0));
}

void tacit_vector_multiply(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    DISPATCH(multiply, out, a, b, n, q)
}

void tacit_vector_multiply_add(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *c, size_t n,
                               const tacit_modulus *q) {
    DISPATCH(multiply_add, out, a, b, c, n, q)
}

void tacit_vector_scale(uint64_t *out, const uint64_t *a, uint64_t s, size_t n, const tacit_modulus *q) {
    DISPATCH(scale_add, out, a, s, NULL, n, q)
}

void tacit_vector_scale_add(uint64_t *out, const uint64_t *a, uint64_t s, const uint64_t *c, size_t n,
                            const tacit_modulus *q) {
    DISPATCH(scale_add, out, a, s, c, n, q)
}

void tacit_vector_subtract_scale(uint64_t *out, const uint64_t *a, const uint64_t *b, uint64_t s, size_t n,
                                 const tacit_modulus *q) {
    DISPATCH(subtract_scale, out, a, b, s, n, q)
}

void tacit_vector_reduce(uint64_t *out, const uint64_t *x, size_t n, const tacit_modulus *q) {
    for (size_t i = 0; i < n; i++) out[i] = reduce_word(x[i], q);
}

void tacit_vector_dot(uint64_t *out, const uint64_t *const *a, const uint64_t *const *b, size_t count, size_t n,
                      const tacit_modulus *q) {
    DISPATCH(dot_pair, out, NULL, a, b, NULL, count, n, q)
}

void tacit_vector_dot_pair(uint64_t *out0, uint64_t *out1, const uint64_t *const *a, const uint64_t *const *b0,
                           const uint64_t *const *b1, size_t count, size_t n, const tacit_modulus *q) {
    DISPATCH(dot_pair, out0, out1, a, b0, b1, count, n, q)
}

void tacit_vector_from_signed(uint64_t *out, const int64_t *v, size_t n, const tacit_modulus *q) {
    for (size_t i = 0; i < n; i++) out[i] = (uint64_t)v[i] + (q->value & (uint64_t)(v[i] >> 63));
}

// MARK: Automorphisms
//
// Position i of a transformed polynomial is its value at root^e, e = 2·reverse(i) + 1. After X → X^g it is the old value
// at exponent e·g. Positions 8b … 8b + 7 have exponents that differ by multiples of N/4, and so have their sources:
// a block of eight goes to a block of eight, in one of eight orders.

static uint32_t reverse_bits(uint32_t x, int32_t count) {
    uint32_t r = 0;
    for (int32_t i = 0; i < count; i++) r |= ((x >> i) & 1) << (count - 1 - i);
    return r;
}

void tacit_automorphism_table(uint32_t *table, uint32_t g, int32_t log_degree) {
    uint32_t n = (uint32_t)1 << log_degree;
    for (uint32_t b = 0; b < n / 8; b++) {
        uint64_t exponent = ((uint64_t)2 * reverse_bits(8 * b, log_degree) + 1) * g & (2 * n - 1);
        table[b] = reverse_bits((uint32_t)(exponent >> 1), log_degree);
    }
}

void tacit_automorphism_lanes(uint64_t lanes[8][8], uint32_t g) {
    // Lane l adds reverse3(l) · N/4 to the exponent, hence reverse3(l) · g in units of N/4 to the source's.
    for (uint32_t start = 0; start < 8; start++)
        for (uint32_t l = 0; l < 8; l++)
            lanes[start][l] = reverse_bits((reverse_bits(start, 3) + reverse_bits(l, 3) * g) & 7, 3);
}

void tacit_vector_automorphism(uint64_t *out, const uint64_t *a, const uint32_t *table, uint32_t g, size_t n) {
#if defined(__x86_64__)
    if (tacit_cpu_tier() >= TACIT_TIER_AVX512_IFMA) {
        tacit_ifma_automorphism(out, a, table, g, n);
        return;
    }
#endif
    uint64_t lanes[8][8];
    tacit_automorphism_lanes(lanes, g);
    for (size_t b = 0; b < n / 8; b++) {
        const uint64_t *from = a + (table[b] & ~(uint32_t)7), *order = lanes[table[b] & 7];
        for (size_t l = 0; l < 8; l++) out[8 * b + l] = from[order[l]];
    }
}

// MARK: Scalar tier

void tacit_scalar_add(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    uint64_t m = q->value;
    for (size_t i = 0; i < n; i++) out[i] = add_mod(a[i], b[i], m);
}

void tacit_scalar_subtract(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    uint64_t m = q->value;
    for (size_t i = 0; i < n; i++) out[i] = subtract_mod(a[i], b[i], m);
}

void tacit_scalar_multiply(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    tacit_modulus m = *q;
    for (size_t i = 0; i < n; i++) out[i] = multiply_mod(a[i], b[i], &m);
}

void tacit_scalar_multiply_add(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *c, size_t n,
                               const tacit_modulus *q) {
    tacit_modulus m = *q;
    for (size_t i = 0; i < n; i++) out[i] = reduce_wide((wide)a[i] * b[i] + c[i], &m);
}

void tacit_scalar_scale_add(uint64_t *out, const uint64_t *a, uint64_t s, const uint64_t *c, size_t n,
                            const tacit_modulus *q) {
    uint64_t m = q->value, quotient = shoup64(s, m);
    if (c)
        for (size_t i = 0; i < n; i++)
            out[i] = add_mod(subtract_if(multiply_shoup(a[i], s, quotient, m), m), c[i], m);
    else
        for (size_t i = 0; i < n; i++) out[i] = subtract_if(multiply_shoup(a[i], s, quotient, m), m);
}

void tacit_scalar_subtract_scale(uint64_t *out, const uint64_t *a, const uint64_t *b, uint64_t s, size_t n,
                                 const tacit_modulus *q) {
    uint64_t m = q->value, quotient = shoup64(s, m);
    for (size_t i = 0; i < n; i++) out[i] = subtract_if(multiply_shoup(a[i] + m - b[i], s, quotient, m), m);
}

// A product is below 2^(bits + 50), reduce_wide takes 2^(bits + 63): sums of 2^13 products need one reduction.

/// Adds `terms` ≤ 2 products to the sums of one run; `from` 0 makes them anew.
static inline __attribute__((always_inline)) void add_products(wide (*sums)[SUM_RUN], const uint64_t *const *a,
                                                               const uint64_t *const *b0, const uint64_t *const *b1,
                                                               size_t from, size_t terms, size_t first, size_t run) {
    for (size_t i = 0; i < run; i++) {
        wide sum0 = from ? sums[0][i] : 0, sum1 = from && b1 ? sums[1][i] : 0;
        for (size_t k = from; k < from + terms; k++) {
            uint64_t x = a[k][first + i];
            sum0 += (wide)x * b0[k][first + i];
            if (b1) sum1 += (wide)x * b1[k][first + i];
        }
        sums[0][i] = sum0;
        if (b1) sums[1][i] = sum1;
    }
}

static void dot_long(uint64_t *out0, uint64_t *out1, const uint64_t *const *a, const uint64_t *const *b0,
                     const uint64_t *const *b1, size_t count, size_t n, const tacit_modulus *q) {
    wide sums[2][SUM_RUN];
    for (size_t first = 0; first < n; first += SUM_RUN) {
        size_t run = n - first < SUM_RUN ? n - first : SUM_RUN;
        for (size_t k = 0; k < count; k += 2) {
            if (k + 1 < count)
                add_products(sums, a, b0, b1, k, 2, first, run);
            else
                add_products(sums, a, b0, b1, k, 1, first, run);
        }
        for (size_t i = 0; i < run; i++) {
            out0[first + i] = reduce_wide(sums[0][i], q);
            if (b1) out1[first + i] = reduce_wide(sums[1][i], q);
        }
    }
}

void tacit_scalar_dot_pair(uint64_t *out0, uint64_t *out1, const uint64_t *const *a, const uint64_t *const *b0,
                           const uint64_t *const *b1, size_t count, size_t n, const tacit_modulus *q) {
    tacit_modulus m = *q;
    if (count >= LONG_SUM) {
        dot_long(out0, out1, a, b0, b1, count, n, &m);
        return;
    }
    if (!b1) {
        for (size_t i = 0; i < n; i++) {
            wide sum = 0;
            for (size_t k = 0; k < count; k++) sum += (wide)a[k][i] * b0[k][i];
            out0[i] = reduce_wide(sum, &m);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        wide sum0 = 0, sum1 = 0;
        for (size_t k = 0; k < count; k++) {
            uint64_t x = a[k][i];
            sum0 += (wide)x * b0[k][i];
            sum1 += (wide)x * b1[k][i];
        }
        out0[i] = reduce_wide(sum0, &m);
        out1[i] = reduce_wide(sum1, &m);
    }
}
