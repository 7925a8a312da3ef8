// Element-wise kernels with AVX-512 IFMA.
#include "lattice_vector.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define IFMA __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma")))
#define INLINE static inline __attribute__((always_inline)) IFMA
#pragma STDC FP_CONTRACT OFF

INLINE __m512i all(uint64_t x) { return _mm512_set1_epi64((long long)x); }
INLINE __m512i load(const uint64_t *p) { return _mm512_loadu_si512(p); }
INLINE void store(uint64_t *p, __m512i v) { _mm512_storeu_si512(p, v); }
INLINE __m512i lower(__m512i x, __m512i m) { return _mm512_min_epu64(x, _mm512_sub_epi64(x, m)); }

typedef struct {
    __m512i q, twice, negative, mask, barrett, radix, radix_quotient, one_quotient;
    int shift;
} constants;

INLINE constants load_constants(const tacit_modulus *q) {
    constants c = {all(q->value),     all(2 * q->value), all(((uint64_t)1 << 52) - q->value),
                   all(((uint64_t)1 << 52) - 1), all(q->barrett52), all(q->radix52),
                   all(q->radix52_quotient), all(q->one_quotient52), 52 - q->bits};
    return c;
}

/// a · b mod q in [0, q): with c = floor(a·b / 2^(bits−1)) the quotient estimate is short by at most 2.
INLINE __m512i multiply(__m512i a, __m512i b, const constants *c) {
    __m512i zero = _mm512_setzero_si512();
    __m512i high = _mm512_madd52hi_epu64(zero, _mm512_slli_epi64(a, (unsigned)c->shift), _mm512_slli_epi64(b, 1));
    __m512i quotient = _mm512_madd52hi_epu64(zero, high, c->barrett);
    __m512i r = _mm512_madd52lo_epu64(zero, a, b);
    r = _mm512_and_si512(_mm512_madd52lo_epu64(r, quotient, c->negative), c->mask);
    return lower(lower(r, c->twice), c->q);
}

/// x · w mod q in [0, 2q) for x < 2^52 and w with its quotient.
INLINE __m512i multiply_by(__m512i x, __m512i w, __m512i quotient, const constants *c) {
    __m512i zero = _mm512_setzero_si512();
    __m512i h = _mm512_madd52hi_epu64(zero, x, quotient);
    __m512i r = _mm512_madd52lo_epu64(zero, x, w);
    return _mm512_and_si512(_mm512_madd52lo_epu64(r, h, c->negative), c->mask);
}

/// high · 2^52 + low mod q for high < 2^52 − 2^12 and any word low.
INLINE __m512i reduce_halves(__m512i high, __m512i low, const constants *c) {
    high = _mm512_add_epi64(high, _mm512_srli_epi64(low, 52));
    low = _mm512_and_si512(low, c->mask);
    __m512i r = multiply_by(high, c->radix, c->radix_quotient, c);
    __m512i h = _mm512_madd52hi_epu64(_mm512_setzero_si512(), low, c->one_quotient);
    __m512i s = _mm512_and_si512(_mm512_madd52lo_epu64(low, h, c->negative), c->mask);
    return lower(lower(_mm512_add_epi64(r, s), c->twice), c->q);
}

IFMA void tacit_ifma_add(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    __m512i m = all(q->value);
    for (size_t i = 0; i < n; i += 8) store(out + i, lower(_mm512_add_epi64(load(a + i), load(b + i)), m));
}

IFMA void tacit_ifma_subtract(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    __m512i m = all(q->value);
    for (size_t i = 0; i < n; i += 8) {
        __m512i d = _mm512_sub_epi64(load(a + i), load(b + i));
        store(out + i, _mm512_min_epu64(d, _mm512_add_epi64(d, m)));
    }
}

IFMA void tacit_ifma_multiply(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    constants c = load_constants(q);
    for (size_t i = 0; i < n; i += 8) store(out + i, multiply(load(a + i), load(b + i), &c));
}

IFMA void tacit_ifma_multiply_add(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *d, size_t n,
                                  const tacit_modulus *q) {
    constants c = load_constants(q);
    for (size_t i = 0; i < n; i += 8)
        store(out + i, lower(_mm512_add_epi64(multiply(load(a + i), load(b + i), &c), load(d + i)), c.q));
}

IFMA void tacit_ifma_scale_add(uint64_t *out, const uint64_t *a, uint64_t s, const uint64_t *d, size_t n,
                               const tacit_modulus *q) {
    constants c = load_constants(q);
    __m512i w = all(s), quotient = all(shoup52(s, q->value));
    if (d)
        for (size_t i = 0; i < n; i += 8) {
            __m512i r = _mm512_add_epi64(multiply_by(load(a + i), w, quotient, &c), load(d + i));
            store(out + i, lower(lower(r, c.twice), c.q));
        }
    else
        for (size_t i = 0; i < n; i += 8) store(out + i, lower(multiply_by(load(a + i), w, quotient, &c), c.q));
}

IFMA void tacit_ifma_subtract_scale(uint64_t *out, const uint64_t *a, const uint64_t *b, uint64_t s, size_t n,
                                    const tacit_modulus *q) {
    constants c = load_constants(q);
    __m512i w = all(s), quotient = all(shoup52(s, q->value));
    for (size_t i = 0; i < n; i += 8) {
        __m512i d = _mm512_sub_epi64(_mm512_add_epi64(load(a + i), c.q), load(b + i));
        store(out + i, lower(multiply_by(d, w, quotient, &c), c.q));
    }
}

/// Four vectors at a time: each of the many operands is read in runs of 256 bytes.
INLINE void dot_pair(uint64_t *out0, uint64_t *out1, const uint64_t *const *a, const uint64_t *const *b0,
                     const uint64_t *const *b1, size_t count, size_t n, int two, const constants *c) {
    enum { WIDTH = 4 };
    for (size_t i = 0; i < n; i += 8 * WIDTH) {
        __m512i high0[WIDTH], low0[WIDTH], high1[WIDTH], low1[WIDTH], zero = _mm512_setzero_si512();
        for (int u = 0; u < WIDTH; u++) high0[u] = low0[u] = high1[u] = low1[u] = zero;
        size_t until = LAZY_PRODUCTS - 2;
        for (size_t k = 0; k < count; k++) {
            // Sums of fifteen upper halves stay below 2^52: each is below 2^48.
            if (k == until) {
                until += LAZY_PRODUCTS - 1;
                for (int u = 0; u < WIDTH; u++) {
                    low0[u] = reduce_halves(high0[u], low0[u], c), high0[u] = zero;
                    if (two) low1[u] = reduce_halves(high1[u], low1[u], c), high1[u] = zero;
                }
            }
            for (int u = 0; u < WIDTH; u++) {
                __m512i x = load(a[k] + i + 8 * (size_t)u), y = load(b0[k] + i + 8 * (size_t)u);
                high0[u] = _mm512_madd52hi_epu64(high0[u], x, y);
                low0[u] = _mm512_madd52lo_epu64(low0[u], x, y);
                if (two) {
                    y = load(b1[k] + i + 8 * (size_t)u);
                    high1[u] = _mm512_madd52hi_epu64(high1[u], x, y);
                    low1[u] = _mm512_madd52lo_epu64(low1[u], x, y);
                }
            }
        }
        for (int u = 0; u < WIDTH; u++) {
            store(out0 + i + 8 * (size_t)u, reduce_halves(high0[u], low0[u], c));
            if (two) store(out1 + i + 8 * (size_t)u, reduce_halves(high1[u], low1[u], c));
        }
    }
}

/// Adds `terms` ≤ 2 products to the sums of one run; `from` 0 makes them anew.
INLINE void add_products(uint64_t (*sums)[SUM_RUN], const uint64_t *const *a, const uint64_t *const *b0,
                         const uint64_t *const *b1, size_t from, size_t terms, size_t first, size_t run) {
    __m512i zero = _mm512_setzero_si512();
    for (size_t i = 0; i < run; i += 8) {
        __m512i high0 = zero, low0 = zero, high1 = zero, low1 = zero;
        if (from) {
            high0 = load(sums[0] + i), low0 = load(sums[1] + i);
            if (b1) high1 = load(sums[2] + i), low1 = load(sums[3] + i);
        }
        for (size_t k = from; k < from + terms; k++) {
            __m512i x = load(a[k] + first + i), y = load(b0[k] + first + i);
            high0 = _mm512_madd52hi_epu64(high0, x, y);
            low0 = _mm512_madd52lo_epu64(low0, x, y);
            if (b1) {
                y = load(b1[k] + first + i);
                high1 = _mm512_madd52hi_epu64(high1, x, y);
                low1 = _mm512_madd52lo_epu64(low1, x, y);
            }
        }
        store(sums[0] + i, high0), store(sums[1] + i, low0);
        if (b1) store(sums[2] + i, high1), store(sums[3] + i, low1);
    }
}

IFMA static void dot_long(uint64_t *out0, uint64_t *out1, const uint64_t *const *a, const uint64_t *const *b0,
                          const uint64_t *const *b1, size_t count, size_t n, const constants *c) {
    uint64_t sums[4][SUM_RUN] __attribute__((aligned(64)));
    for (size_t first = 0; first < n; first += SUM_RUN) {
        size_t run = n - first < SUM_RUN ? n - first : SUM_RUN;
        for (size_t k = 0; k < count; k += 2) {
            // Fourteen products and what a reduction leaves stay within the halves.
            if (k && k % (LAZY_PRODUCTS - 2) == 0)
                for (size_t h = 0; h < (b1 ? 4 : 2); h += 2)
                    for (size_t i = 0; i < run; i += 8) {
                        store(sums[h + 1] + i, reduce_halves(load(sums[h] + i), load(sums[h + 1] + i), c));
                        store(sums[h] + i, _mm512_setzero_si512());
                    }
            if (k + 1 < count)
                add_products(sums, a, b0, b1, k, 2, first, run);
            else
                add_products(sums, a, b0, b1, k, 1, first, run);
        }
        for (size_t i = 0; i < run; i += 8) {
            store(out0 + first + i, reduce_halves(load(sums[0] + i), load(sums[1] + i), c));
            if (b1) store(out1 + first + i, reduce_halves(load(sums[2] + i), load(sums[3] + i), c));
        }
    }
}

IFMA void tacit_ifma_dot_pair(uint64_t *out0, uint64_t *out1, const uint64_t *const *a, const uint64_t *const *b0,
                              const uint64_t *const *b1, size_t count, size_t n, const tacit_modulus *q) {
    constants c = load_constants(q);
    if (count >= LONG_SUM)
        dot_long(out0, out1, a, b0, b1, count, n, &c);
    else if (b1)
        dot_pair(out0, out1, a, b0, b1, count, n, 1, &c);
    else
        dot_pair(out0, NULL, a, b0, NULL, count, n, 0, &c);
}

IFMA void tacit_ifma_convert_one(uint64_t *out, const uint64_t *in, const tacit_modulus *q, const tacit_modulus *p,
                                 uint64_t negative, size_t n) {
    constants c = load_constants(p);
    __m512i half = all((q->value - 1) / 2), zero = _mm512_setzero_si512(), addend = all(negative);
    for (size_t i = 0; i < n; i += 8) {
        __m512i x = load(in + i);
        // Below 2p, then below 3p with the addend.
        __m512i h = _mm512_madd52hi_epu64(zero, x, c.one_quotient);
        __m512i r = _mm512_and_si512(_mm512_madd52lo_epu64(x, h, c.negative), c.mask);
        r = _mm512_mask_add_epi64(r, _mm512_cmpgt_epu64_mask(x, half), r, addend);
        store(out + i, lower(lower(r, c.twice), c.q));
    }
}

IFMA void tacit_ifma_convert_prepare(uint64_t *const *y, uint64_t *v, const uint64_t *const *in,
                                     const tacit_conversion *c, size_t first, size_t n) {
    enum { WIDTH = 4 };
    uint64_t quotients[TACIT_CONVERSION_SOURCES];
    for (size_t k = 0; k < c->sources; k++) quotients[k] = shoup52(c->inverse[k], c->source[k].value);
    for (size_t i = first; i < first + n; i += 8 * WIDTH) {
        __m512d fraction[WIDTH];
        for (int u = 0; u < WIDTH; u++) fraction[u] = _mm512_setzero_pd();
        for (size_t k = 0; k < c->sources; k++) {
            constants m = load_constants(&c->source[k]);
            __m512i w = all(c->inverse[k]), quotient = all(quotients[k]);
            __m512d inverse = _mm512_set1_pd(c->source[k].inverse);
            for (int u = 0; u < WIDTH; u++) {
                __m512i r = lower(multiply_by(load(in[k] + i + 8 * (size_t)u), w, quotient, &m), m.q);
                store(y[k] + i + 8 * (size_t)u, r);
                fraction[u] = _mm512_add_pd(fraction[u], _mm512_mul_pd(_mm512_cvtepu64_pd(r), inverse));
            }
        }
        for (int u = 0; u < WIDTH; u++) store(v + i + 8 * (size_t)u, _mm512_cvtpd_epu64(fraction[u]));
    }
}

IFMA void tacit_ifma_convert_finish(uint64_t *const *out, const uint64_t *const *y, const uint64_t *v,
                                    const tacit_conversion *c, size_t first, size_t n) {
    // Four vectors at a time: a row's constants are broadcast once for 32 coefficients.
    enum { WIDTH = 4 };
    for (size_t j = 0; j < c->targets; j++) {
        constants m = load_constants(&c->target[j]);
        const uint64_t *row = c->matrix + j * c->sources;
        for (size_t i = first; i < first + n; i += 8 * WIDTH) {
            __m512i high[WIDTH], low[WIDTH], w = all(c->product[j]);
            for (int u = 0; u < WIDTH; u++) {
                // v ≤ 64, so this product's upper half is below 2^4.
                __m512i x = load(v + i + 8 * (size_t)u);
                high[u] = _mm512_madd52hi_epu64(_mm512_setzero_si512(), x, w);
                low[u] = _mm512_madd52lo_epu64(_mm512_setzero_si512(), x, w);
            }
            for (size_t k = 0; k < c->sources; k++) {
                if (k % (LAZY_PRODUCTS - 1) == LAZY_PRODUCTS - 2)
                    for (int u = 0; u < WIDTH; u++)
                        low[u] = reduce_halves(high[u], low[u], &m), high[u] = _mm512_setzero_si512();
                w = all(row[k]);
                for (int u = 0; u < WIDTH; u++) {
                    __m512i x = load(y[k] + i + 8 * (size_t)u);
                    high[u] = _mm512_madd52hi_epu64(high[u], x, w);
                    low[u] = _mm512_madd52lo_epu64(low[u], x, w);
                }
            }
            for (int u = 0; u < WIDTH; u++) store(out[j] + i + 8 * (size_t)u, reduce_halves(high[u], low[u], &m));
        }
    }
}

IFMA void tacit_ifma_automorphism(uint64_t *out, const uint64_t *a, const uint32_t *table, uint32_t g, size_t n) {
    uint64_t lanes[8][8] __attribute__((aligned(64)));
    tacit_automorphism_lanes(lanes, g);
    for (size_t b = 0; b < n / 8; b++) {
        __m512i order = _mm512_load_si512(lanes[table[b] & 7]);
        store(out + 8 * b, _mm512_permutexvar_epi64(order, load(a + (table[b] & ~(uint32_t)7))));
    }
}

IFMA void tacit_ifma_from_double(uint64_t *out, const double *v, size_t n, const tacit_modulus *q) {
    __m512d limit = _mm512_set1_pd(0x1p63), inverse = _mm512_set1_pd(q->inverse);
    __m512d m = _mm512_set1_pd((double)q->value), zero = _mm512_setzero_pd();
    for (size_t i = 0; i < n; i += 8) {
        __m512d x = _mm512_roundscale_pd(_mm512_loadu_pd(v + i), 0);
        // As with AVX2: every step is exact.
        for (int step = 0; step < DOUBLE_STEPS && _mm512_cmp_pd_mask(_mm512_abs_pd(x), limit, _CMP_GE_OQ); step++)
            x = _mm512_fnmadd_pd(_mm512_roundscale_pd(_mm512_mul_pd(x, inverse), 0), m, x);
        x = _mm512_fnmadd_pd(_mm512_roundscale_pd(_mm512_mul_pd(x, inverse), 0), m, x);
        x = _mm512_mask_add_pd(x, _mm512_cmp_pd_mask(x, zero, _CMP_LT_OQ), x, m);
        store(out + i, _mm512_cvtpd_epu64(x));
    }
}

/// d mod q, below 2q, for d < 2^52.
INLINE __m512i lazy_residue(__m512i d, const constants *c) {
    __m512i h = _mm512_madd52hi_epu64(_mm512_setzero_si512(), d, c->one_quotient);
    return _mm512_and_si512(_mm512_madd52lo_epu64(d, h, c->negative), c->mask);
}

/// Whether mixed-radix digits stand for more than (Q − 1)/2, whose digits are the (q_j − 1)/2: the highest digit that
/// differs decides.
INLINE __mmask8 above_half(const __m512i *digit, const tacit_garner *g) {
    __mmask8 above = 0;
    for (size_t j = 0; j < g->primes; j++) {
        __m512i half = all((g->moduli[j].value - 1) / 2);
        above &= _mm512_cmpeq_epu64_mask(digit[j], half);
        above |= _mm512_cmpgt_epu64_mask(digit[j], half);
    }
    return above;
}

IFMA void tacit_ifma_centred(double *out, const uint64_t *const *in, const tacit_garner *g, size_t first, size_t n) {
    size_t k = g->primes;
    constants m[TACIT_CONVERSION_SOURCES];
    uint64_t quotient[TACIT_CONVERSION_SOURCES][TACIT_CONVERSION_SOURCES];
    for (size_t j = 0; j < k; j++) {
        m[j] = load_constants(&g->moduli[j]);
        for (size_t i = 0; i < j; i++) quotient[j][i] = shoup52(g->inverse[i * k + j], g->moduli[j].value);
    }
    for (size_t at = 0; at < n; at += 8) {
        __m512i digit[TACIT_CONVERSION_SOURCES];
        for (size_t j = 0; j < k; j++) {
            __m512i r = load(in[j] + first + at);
            for (size_t i = 0; i < j; i++) {
                __m512i d = _mm512_sub_epi64(_mm512_add_epi64(r, m[j].twice), lazy_residue(digit[i], &m[j]));
                r = multiply_by(d, all(g->inverse[i * k + j]), all(quotient[j][i]), &m[j]);
            }
            digit[j] = lower(r, m[j].q);
        }
        __mmask8 above = above_half(digit, g);
        __m512d value;
        if (k <= 2) {
            // The highest digit less q gives the centred value; one fused operation rounds once.
            __m512i top = _mm512_mask_sub_epi64(digit[k - 1], above, digit[k - 1], m[k - 1].q);
            value = _mm512_cvtepi64_pd(top);
            if (k == 2)
                value = _mm512_fmadd_pd(value, _mm512_set1_pd((double)g->moduli[0].value),
                                        _mm512_cvtepi64_pd(digit[0]));
        } else {
            // Q − 1 has the digits q_j − 1, so subtracting from it needs no borrows.
            value = _mm512_setzero_pd();
            for (size_t j = k; j-- > 0;) {
                __m512i last = _mm512_sub_epi64(m[j].q, all(1));
                __m512i d = _mm512_mask_sub_epi64(digit[j], above, last, digit[j]);
                value = _mm512_add_pd(_mm512_mul_pd(value, _mm512_set1_pd((double)g->moduli[j].value)),
                                      _mm512_cvtepi64_pd(d));
            }
            __m512d other = _mm512_sub_pd(_mm512_set1_pd(-1.0), value);
            value = _mm512_mask_mov_pd(value, above, other);
        }
        _mm512_storeu_pd(out + at, value);
    }
}

#endif
