#include "lattice_ntt.h"

#include <stdlib.h>

static uint32_t reverse_bits(uint32_t x, int32_t count) {
    uint32_t r = 0;
    for (int32_t i = 0; i < count; i++) r |= ((x >> i) & 1) << (count - 1 - i);
    return r;
}

static void fill(const tacit_ntt *t, uint64_t *table, const uint64_t *twiddles) {
    switch (t->tier) {
#if defined(__x86_64__)
        case TACIT_TIER_AVX512_IFMA: tacit_ntt_ifma_fill(t, table, twiddles); break;
        case TACIT_TIER_AVX2: tacit_ntt_avx2_fill(t, table, twiddles); break;
#endif
        default: tacit_ntt_scalar_fill(t, table, twiddles);
    }
}

tacit_ntt *tacit_ntt_create(int32_t log_degree, const tacit_modulus *q, uint64_t root, int32_t tier) {
    size_t n = (size_t)1 << log_degree;
    tacit_ntt *t = calloc(1, sizeof *t);
    uint64_t *twiddles = malloc(n * sizeof(uint64_t));
    if (!t || !twiddles) goto failed;
    t->q = *q;
    t->log_degree = log_degree;
    t->tier = tier;
    switch (tier) {
#if defined(__x86_64__)
        case TACIT_TIER_AVX512_IFMA: t->words = tacit_ntt_ifma_words(log_degree); break;
        case TACIT_TIER_AVX2: t->words = tacit_ntt_avx2_words(log_degree); break;
#endif
        default: t->words = tacit_ntt_scalar_words(log_degree);
    }
    t->forward = aligned_alloc(64, t->words * 8);
    t->inverse = aligned_alloc(64, t->words * 8);
    if (!t->forward || !t->inverse) goto failed;

    t->inverse_degree = tacit_modulus_power(q, (uint64_t)n % q->value, q->value - 2);
    t->inverse_degree_quotient = tier == TACIT_TIER_AVX512_IFMA ? shoup52(t->inverse_degree, q->value)
                                                                : shoup64(t->inverse_degree, q->value);
    uint64_t power = 1;
    for (size_t i = 0; i < n; i++, power = multiply_mod(power, root, q))
        twiddles[reverse_bits((uint32_t)i, log_degree)] = power;
    fill(t, t->forward, twiddles);
    // root^(−i) = −root^(N − i)
    power = 1;
    uint64_t inverse_root = tacit_modulus_power(q, root, q->value - 2);
    for (size_t i = 0; i < n; i++, power = multiply_mod(power, inverse_root, q))
        twiddles[reverse_bits((uint32_t)i, log_degree)] = power;
    // The last layer of the inverse also divides by N, so its twiddle does.
    twiddles[1] = multiply_mod(twiddles[1], t->inverse_degree, q);
    fill(t, t->inverse, twiddles);
    free(twiddles);
    return t;

failed:
    free(twiddles);
    tacit_ntt_destroy(t);
    return NULL;
}

void tacit_ntt_destroy(tacit_ntt *t) {
    if (!t) return;
    free(t->forward);
    free(t->inverse);
    free(t);
}

size_t tacit_ntt_bytes(const tacit_ntt *t) { return sizeof *t + 16 * t->words; }

void tacit_ntt_forward(const tacit_ntt *t, uint64_t *x) {
    switch (t->tier) {
#if defined(__x86_64__)
        case TACIT_TIER_AVX512_IFMA: tacit_ntt_ifma_forward(t, x); break;
        case TACIT_TIER_AVX2: tacit_ntt_avx2_forward(t, x); break;
#endif
        default: tacit_ntt_scalar_forward(t, x);
    }
}

void tacit_ntt_inverse(const tacit_ntt *t, uint64_t *x) {
    switch (t->tier) {
#if defined(__x86_64__)
        case TACIT_TIER_AVX512_IFMA: tacit_ntt_ifma_inverse(t, x); break;
        case TACIT_TIER_AVX2: tacit_ntt_avx2_inverse(t, x); break;
#endif
        default: tacit_ntt_scalar_inverse(t, x);
    }
}

// MARK: Scalar tier
//
// A table holds (twiddle, Shoup quotient) per node. Multiplication by a twiddle accepts any 64-bit word and gives a
// value below 2q, so the forward transform never corrects its sums: they grow by 2q a layer, to at most 35q < 2^56.

size_t tacit_ntt_scalar_words(int32_t log_degree) { return (size_t)2 << log_degree; }

void tacit_ntt_scalar_fill(const tacit_ntt *t, uint64_t *table, const uint64_t *twiddles) {
    for (size_t v = 0; v < (size_t)1 << t->log_degree; v++) {
        table[2 * v] = twiddles[v];
        table[2 * v + 1] = shoup64(twiddles[v], t->q.value);
    }
}

static inline void forward_pair(uint64_t *a, uint64_t *b, const uint64_t *w, uint64_t q) {
    uint64_t product = multiply_shoup(*b, w[0], w[1], q), sum = *a;
    *a = sum + product;
    *b = sum + 2 * q - product;
}

void tacit_ntt_scalar_forward(const tacit_ntt *t, uint64_t *x) {
    size_t n = (size_t)1 << t->log_degree, m = 1, length = n;
    uint64_t q = t->q.value;
    if (t->log_degree & 1) {
        // 64-bit products made of 32-bit ones in vectors are slower.
        _Pragma("clang loop vectorize(disable)")
        for (size_t j = 0; j < n / 2; j++) forward_pair(x + j, x + j + n / 2, t->forward + 2, q);
        m = 2;
        length = n / 2;
    }
    // Two layers at a time: each word is loaded and stored half as often.
    for (; m < n / 4; m *= 4, length /= 4) {
        size_t s = length / 4;
        for (size_t i = 0; i < m; i++) {
            uint64_t *y = x + i * length;
            const uint64_t *w = t->forward + 2 * (m + i), *u = t->forward + 4 * (m + i);
            for (size_t j = 0; j < s; j++) {
                uint64_t a = y[j], b = y[j + s], c = y[j + 2 * s], d = y[j + 3 * s];
                forward_pair(&a, &c, w, q);
                forward_pair(&b, &d, w, q);
                forward_pair(&a, &b, u, q);
                forward_pair(&c, &d, u + 2, q);
                y[j] = a, y[j + s] = b, y[j + 2 * s] = c, y[j + 3 * s] = d;
            }
        }
    }
    // The last two layers and the only full reduction.
    for (size_t i = 0; i < m; i++) {
        uint64_t *y = x + 4 * i, a = y[0], b = y[1], c = y[2], d = y[3];
        const uint64_t *w = t->forward + 2 * (m + i), *u = t->forward + 4 * (m + i);
        forward_pair(&a, &c, w, q);
        forward_pair(&b, &d, w, q);
        forward_pair(&a, &b, u, q);
        forward_pair(&c, &d, u + 2, q);
        y[0] = reduce_word(a, &t->q), y[1] = reduce_word(b, &t->q);
        y[2] = reduce_word(c, &t->q), y[3] = reduce_word(d, &t->q);
    }
}

/// Sums grow twofold a layer, products are below 2q whatever goes in.
static inline void inverse_pair(uint64_t *a, uint64_t *b, const uint64_t *w, uint64_t bound, uint64_t q) {
    uint64_t difference = *a + bound - *b;
    *a += *b;
    *b = multiply_shoup(difference, w[0], w[1], q);
}

void tacit_ntt_scalar_inverse(const tacit_ntt *t, uint64_t *x) {
    size_t n = (size_t)1 << t->log_degree, m = n / 4, s = 1;
    uint64_t q = t->q.value, bound = q;  // all words are below `bound`
    for (; m >= 1; m /= 4, s *= 4) {
        int last = m == 1;
        // Two layers quadruple the bound, and 4 · 2^12 · q < 2^64. Only the first of four words has sums alone in its past;
        // the others are below 4q after any two layers. Reducing that one word brings the bound down.
        int settle = bound >= q << 10 && !last;
        for (size_t i = 0; i < m; i++) {
            uint64_t *y = x + 4 * s * i;
            const uint64_t *w = t->inverse + 2 * (m + i), *u = t->inverse + 4 * (m + i);
            for (size_t j = 0; j < s; j++) {
                uint64_t a = y[j], b = y[j + s], c = y[j + 2 * s], d = y[j + 3 * s];
                inverse_pair(&a, &b, u, bound, q);
                inverse_pair(&c, &d, u + 2, bound, q);
                inverse_pair(&a, &c, w, 2 * bound, q);
                inverse_pair(&b, &d, w, 2 * bound, q);
                if (settle) a = reduce_word(a, &t->q);
                if (last) {
                    a = multiply_shoup(a, t->inverse_degree, t->inverse_degree_quotient, q);
                    b = multiply_shoup(b, t->inverse_degree, t->inverse_degree_quotient, q);
                }
                y[j] = a, y[j + s] = b, y[j + 2 * s] = c, y[j + 3 * s] = d;
            }
        }
        bound = settle ? 4 * q : 4 * bound;
        if (last) break;
    }
    if (t->log_degree & 1)  // m went from 2 to 0: the first layer is left
        _Pragma("clang loop vectorize(disable)")
        for (size_t j = 0; j < n / 2; j++) {
            inverse_pair(x + j, x + j + n / 2, t->inverse + 2, bound, q);
            x[j] = multiply_shoup(x[j], t->inverse_degree, t->inverse_degree_quotient, q);
        }
    for (size_t j = 0; j < n; j++) x[j] = subtract_if(x[j], q);
}
