// Number-theoretic transform with AVX-512 IFMA: eight residues a register, products of 52 bits.
#include "lattice_ntt.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define IFMA __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma")))
#define INLINE static inline __attribute__((always_inline)) IFMA
#define UNROLL _Pragma("clang loop unroll(full)")

// A table holds (twiddle, quotient) per node below N/8, then fourteen vectors per block of 64 words for the last three
// layers, whose eight groups of eight lie in the eight lanes: for each of the seven node offsets twiddles, then quotients.

size_t tacit_ntt_ifma_words(int32_t log_degree) {
    size_t n = (size_t)1 << log_degree;
    return n / 4 + n / 64 * 112;
}

void tacit_ntt_ifma_fill(const tacit_ntt *t, uint64_t *table, const uint64_t *twiddles) {
    size_t n = (size_t)1 << t->log_degree;
    uint64_t q = t->q.value;
    for (size_t v = 0; v < n / 8; v++) {
        table[2 * v] = twiddles[v];
        table[2 * v + 1] = shoup52(twiddles[v], q);
    }
    uint64_t *bottom = table + n / 4;
    for (size_t block = 0; block < n / 64; block++)
        for (size_t layer = 0, row = 0; layer < 3; layer++)
            for (size_t k = 0; k < (size_t)1 << layer; k++, row++)
                for (size_t lane = 0; lane < 8; lane++) {
                    uint64_t w = twiddles[((n / 8 + 8 * block + lane) << layer) + k];
                    bottom[block * 112 + row * 16 + lane] = w;
                    bottom[block * 112 + row * 16 + 8 + lane] = shoup52(w, q);
                }
}

typedef struct {
    __m512i q, twice, negative, mask;  // negative = 2^52 − q
} constants;

INLINE constants load_constants(const tacit_ntt *t) {
    constants c;
    c.q = _mm512_set1_epi64((long long)t->q.value);
    c.twice = _mm512_set1_epi64((long long)(2 * t->q.value));
    c.negative = _mm512_set1_epi64((long long)(((uint64_t)1 << 52) - t->q.value));
    c.mask = _mm512_set1_epi64((1LL << 52) - 1);
    return c;
}

/// x · w mod q in [0, 2q) for x < 2^52.
INLINE __m512i multiply(__m512i x, __m512i w, __m512i quotient, const constants *c) {
    __m512i zero = _mm512_setzero_si512();
    __m512i h = _mm512_madd52hi_epu64(zero, x, quotient);
    __m512i r = _mm512_madd52lo_epu64(zero, x, w);
    r = _mm512_madd52lo_epu64(r, h, c->negative);
    return _mm512_and_si512(r, c->mask);
}

INLINE __m512i lower(__m512i x, __m512i m) { return _mm512_min_epu64(x, _mm512_sub_epi64(x, m)); }

/// a, b in [0, 4q) to a + w·b, a − w·b in [0, 4q)
INLINE void forward_pair(__m512i *a, __m512i *b, __m512i w, __m512i quotient, const constants *c) {
    __m512i x = lower(*a, c->twice), y = multiply(*b, w, quotient, c);
    *a = _mm512_add_epi64(x, y);
    *b = _mm512_sub_epi64(_mm512_add_epi64(x, c->twice), y);
}

/// a, b in [0, 2q) to a + b, (a − b)·w in [0, 2q)
INLINE void inverse_pair(__m512i *a, __m512i *b, __m512i w, __m512i quotient, const constants *c) {
    __m512i sum = _mm512_add_epi64(*a, *b);
    __m512i difference = _mm512_sub_epi64(_mm512_add_epi64(*a, c->twice), *b);
    *a = lower(sum, c->twice);
    *b = multiply(difference, w, quotient, c);
}

INLINE __m512i broadcast(const uint64_t *p) { return _mm512_set1_epi64((long long)*p); }

/// log2(radix) layers on `radix` registers that belong to `node`.
INLINE void forward_layers(__m512i *v, int radix, const uint64_t *table, size_t node, const constants *c) {
    UNROLL for (int groups = 1; groups < radix; groups *= 2) {
        int half = radix / groups / 2;
        UNROLL for (int g = 0; g < groups; g++) {
            const uint64_t *w = table + 2 * ((size_t)groups * node + (size_t)g);
            __m512i twiddle = broadcast(w), quotient = broadcast(w + 1);
            UNROLL for (int k = 0; k < half; k++)
                forward_pair(&v[2 * half * g + k], &v[2 * half * g + k + half], twiddle, quotient, c);
        }
    }
}

INLINE void inverse_layers(__m512i *v, int radix, const uint64_t *table, size_t node, const constants *c) {
    UNROLL for (int groups = radix / 2; groups >= 1; groups /= 2) {
        int half = radix / groups / 2;
        UNROLL for (int g = 0; g < groups; g++) {
            const uint64_t *w = table + 2 * ((size_t)groups * node + (size_t)g);
            __m512i twiddle = broadcast(w), quotient = broadcast(w + 1);
            UNROLL for (int k = 0; k < half; k++)
                inverse_pair(&v[2 * half * g + k], &v[2 * half * g + k + half], twiddle, quotient, c);
        }
    }
}

INLINE void forward_pass(uint64_t *x, size_t length, int radix, const uint64_t *table, size_t node, const constants *c) {
    size_t s = length / (size_t)radix;
    for (size_t j = 0; j < s; j += 8) {
        __m512i v[16];
        UNROLL for (int k = 0; k < radix; k++) v[k] = _mm512_load_si512(x + j + (size_t)k * s);
        forward_layers(v, radix, table, node, c);
        UNROLL for (int k = 0; k < radix; k++) _mm512_store_si512(x + j + (size_t)k * s, v[k]);
    }
}

INLINE void inverse_pass(uint64_t *x, size_t length, int radix, const tacit_ntt *t, size_t node, int last,
                         const constants *c) {
    size_t s = length / (size_t)radix;
    __m512i scale = broadcast(&t->inverse_degree), scale_quotient = broadcast(&t->inverse_degree_quotient);
    for (size_t j = 0; j < s; j += 8) {
        __m512i v[16];
        UNROLL for (int k = 0; k < radix; k++) v[k] = _mm512_load_si512(x + j + (size_t)k * s);
        inverse_layers(v, radix, t->inverse, node, c);
        if (last) {
            UNROLL for (int k = 0; k < radix / 2; k++) v[k] = multiply(v[k], scale, scale_quotient, c);
            UNROLL for (int k = 0; k < radix; k++) v[k] = lower(v[k], c->q);
        }
        UNROLL for (int k = 0; k < radix; k++) _mm512_store_si512(x + j + (size_t)k * s, v[k]);
    }
}

INLINE void transpose(__m512i *v) {
    __m512i a[8];
    UNROLL for (int k = 0; k < 8; k += 2) {
        a[k] = _mm512_unpacklo_epi64(v[k], v[k + 1]);
        a[k + 1] = _mm512_unpackhi_epi64(v[k], v[k + 1]);
    }
    // a[k], a[k+2], a[k+4], a[k+6] hold columns k, k+2, k+4, k+6 of rows 01, 23, 45, 67 in their 128-bit parts.
    UNROLL for (int k = 0; k < 2; k++) {
        __m512i low = _mm512_shuffle_i64x2(a[k], a[k + 2], 0x88), high = _mm512_shuffle_i64x2(a[k], a[k + 2], 0xDD);
        __m512i low2 = _mm512_shuffle_i64x2(a[k + 4], a[k + 6], 0x88),
                high2 = _mm512_shuffle_i64x2(a[k + 4], a[k + 6], 0xDD);
        v[k] = _mm512_shuffle_i64x2(low, low2, 0x88);
        v[k + 4] = _mm512_shuffle_i64x2(low, low2, 0xDD);
        v[k + 2] = _mm512_shuffle_i64x2(high, high2, 0x88);
        v[k + 6] = _mm512_shuffle_i64x2(high, high2, 0xDD);
    }
}

/// The last six layers of one block of 64 words.
INLINE void forward_bottom(uint64_t *x, const uint64_t *table, size_t node, const uint64_t *bottom, const constants *c) {
    __m512i v[8];
    UNROLL for (int k = 0; k < 8; k++) v[k] = _mm512_load_si512(x + 8 * k);
    forward_layers(v, 8, table, node, c);
    transpose(v);
    UNROLL for (int groups = 1, row = 0; groups < 8; groups *= 2) {
        int half = 4 / groups;
        UNROLL for (int g = 0; g < groups; g++, row++) {
            __m512i w = _mm512_load_si512(bottom + 16 * row), quotient = _mm512_load_si512(bottom + 16 * row + 8);
            UNROLL for (int k = 0; k < half; k++)
                forward_pair(&v[2 * half * g + k], &v[2 * half * g + k + half], w, quotient, c);
        }
    }
    UNROLL for (int k = 0; k < 8; k++) v[k] = lower(lower(v[k], c->twice), c->q);
    transpose(v);
    UNROLL for (int k = 0; k < 8; k++) _mm512_store_si512(x + 8 * k, v[k]);
}

INLINE void inverse_bottom(uint64_t *x, const uint64_t *table, size_t node, const uint64_t *bottom, const constants *c) {
    __m512i v[8];
    UNROLL for (int k = 0; k < 8; k++) v[k] = _mm512_load_si512(x + 8 * k);
    transpose(v);
    UNROLL for (int groups = 4; groups >= 1; groups /= 2) {
        int half = 4 / groups;
        UNROLL for (int g = 0; g < groups; g++) {
            int row = groups - 1 + g;
            __m512i w = _mm512_load_si512(bottom + 16 * row), quotient = _mm512_load_si512(bottom + 16 * row + 8);
            UNROLL for (int k = 0; k < half; k++)
                inverse_pair(&v[2 * half * g + k], &v[2 * half * g + k + half], w, quotient, c);
        }
    }
    transpose(v);
    inverse_layers(v, 8, table, node, c);
    UNROLL for (int k = 0; k < 8; k++) _mm512_store_si512(x + 8 * k, v[k]);
}

/// Radix of the next pass over a group of 2^log_length words. Groups above 2^12 words (32 KiB) leave the first cache, so
/// they are cut with as few passes as the registers allow, depth first; what is left then ends at the 64 words of the
/// bottom kernel.
static inline int next_radix(int32_t log_length) {
    static const uint8_t radix[] = {2, 4, 8, 16, 8, 8, 16, 4, 8, 8, 8};
    return radix[log_length - 7];
}

IFMA static void forward_group(const tacit_ntt *t, uint64_t *x, int32_t log_length, size_t node, const constants *c) {
    size_t length = (size_t)1 << log_length;
    if (log_length == 6) {
        const uint64_t *bottom = t->forward + ((size_t)2 << t->log_degree) / 8;
        size_t first = node - ((size_t)1 << (t->log_degree - 6));
        forward_bottom(x, t->forward, node, bottom + 112 * first, c);
        return;
    }
    int radix = next_radix(log_length), shift = __builtin_ctz((unsigned)radix);
    switch (radix) {
        case 2: forward_pass(x, length, 2, t->forward, node, c); break;
        case 4: forward_pass(x, length, 4, t->forward, node, c); break;
        case 8: forward_pass(x, length, 8, t->forward, node, c); break;
        default: forward_pass(x, length, 16, t->forward, node, c);
    }
    for (int k = 0; k < radix; k++)
        forward_group(t, x + (size_t)k * (length >> shift), log_length - shift, (node << shift) + (size_t)k, c);
}

IFMA static void inverse_group(const tacit_ntt *t, uint64_t *x, int32_t log_length, size_t node, const constants *c) {
    size_t length = (size_t)1 << log_length;
    if (log_length == 6) {
        const uint64_t *bottom = t->inverse + ((size_t)2 << t->log_degree) / 8;
        size_t first = node - ((size_t)1 << (t->log_degree - 6));
        inverse_bottom(x, t->inverse, node, bottom + 112 * first, c);
        return;
    }
    int radix = next_radix(log_length), shift = __builtin_ctz((unsigned)radix), last = node == 1;
    for (int k = 0; k < radix; k++)
        inverse_group(t, x + (size_t)k * (length >> shift), log_length - shift, (node << shift) + (size_t)k, c);
    switch (radix) {
        case 2: inverse_pass(x, length, 2, t, node, last, c); break;
        case 4: inverse_pass(x, length, 4, t, node, last, c); break;
        case 8: inverse_pass(x, length, 8, t, node, last, c); break;
        default: inverse_pass(x, length, 16, t, node, last, c);
    }
}

IFMA void tacit_ntt_ifma_forward(const tacit_ntt *t, uint64_t *x) {
    constants c = load_constants(t);
    forward_group(t, x, t->log_degree, 1, &c);
}

IFMA void tacit_ntt_ifma_inverse(const tacit_ntt *t, uint64_t *x) {
    constants c = load_constants(t);
    inverse_group(t, x, t->log_degree, 1, &c);
}

#endif
