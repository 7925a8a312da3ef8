// Element-wise kernels with AVX2 and FMA. Products go through doubles, see lattice_ntt_avx2.c.
#include "lattice_vector.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define INLINE static inline __attribute__((always_inline)) AVX2
#pragma STDC FP_CONTRACT OFF

typedef struct {
    __m256d q, inverse;
    __m256i value;
} constants;

INLINE constants load_constants(const tacit_modulus *q) {
    constants c = {_mm256_set1_pd((double)q->value), _mm256_set1_pd(q->inverse),
                   _mm256_set1_epi64x((long long)q->value)};
    return c;
}

INLINE __m256i load(const uint64_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE void store(uint64_t *p, __m256i v) { _mm256_storeu_si256((__m256i *)p, v); }
INLINE __m256d nearest(__m256d x) { return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

/// x in [−m, m) to [0, m)
INLINE __m256i raise(__m256i x, __m256i m) {
    return _mm256_add_epi64(x, _mm256_and_si256(m, _mm256_cmpgt_epi64(_mm256_setzero_si256(), x)));
}

INLINE __m256d to_double(__m256i x) {
    __m256d magic = _mm256_set1_pd(4503599627370496.0);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x, _mm256_castpd_si256(magic))), magic);
}

/// An integer of magnitude below 2^53 to its residue.
INLINE __m256i to_residue(__m256d x, const constants *c) {
    x = _mm256_fnmadd_pd(nearest(_mm256_mul_pd(x, c->inverse)), c->q, x);
    x = _mm256_add_pd(x, _mm256_and_pd(c->q, _mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_LT_OQ)));
    __m256d magic = _mm256_set1_pd(4503599627370496.0);
    return _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(x, magic)), _mm256_castpd_si256(magic));
}

/// x · w mod q, of magnitude at most 0.8 q, for x in [0, 2^51), w in [0, q)
INLINE __m256d multiply(__m256d x, __m256d w, const constants *c) {
    __m256d h = _mm256_mul_pd(x, w), l = _mm256_fmsub_pd(x, w, h), k = nearest(_mm256_mul_pd(h, c->inverse));
    return _mm256_add_pd(_mm256_fnmadd_pd(k, c->q, h), l);
}

AVX2 void tacit_avx2_add(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    __m256i m = _mm256_set1_epi64x((long long)q->value);
    for (size_t i = 0; i < n; i += 4)
        store(out + i, raise(_mm256_sub_epi64(_mm256_add_epi64(load(a + i), load(b + i)), m), m));
}

AVX2 void tacit_avx2_subtract(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    __m256i m = _mm256_set1_epi64x((long long)q->value);
    for (size_t i = 0; i < n; i += 4) store(out + i, raise(_mm256_sub_epi64(load(a + i), load(b + i)), m));
}

AVX2 void tacit_avx2_multiply(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q) {
    constants c = load_constants(q);
    for (size_t i = 0; i < n; i += 4)
        store(out + i, to_residue(multiply(to_double(load(a + i)), to_double(load(b + i)), &c), &c));
}

AVX2 void tacit_avx2_multiply_add(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *d, size_t n,
                                  const tacit_modulus *q) {
    constants c = load_constants(q);
    for (size_t i = 0; i < n; i += 4) {
        __m256d r = multiply(to_double(load(a + i)), to_double(load(b + i)), &c);
        store(out + i, to_residue(_mm256_add_pd(r, to_double(load(d + i))), &c));
    }
}

AVX2 void tacit_avx2_scale_add(uint64_t *out, const uint64_t *a, uint64_t s, const uint64_t *d, size_t n,
                               const tacit_modulus *q) {
    constants c = load_constants(q);
    __m256d w = _mm256_set1_pd((double)s);
    if (d)
        for (size_t i = 0; i < n; i += 4) {
            __m256d r = multiply(to_double(load(a + i)), w, &c);
            store(out + i, to_residue(_mm256_add_pd(r, to_double(load(d + i))), &c));
        }
    else
        for (size_t i = 0; i < n; i += 4) store(out + i, to_residue(multiply(to_double(load(a + i)), w, &c), &c));
}

AVX2 void tacit_avx2_subtract_scale(uint64_t *out, const uint64_t *a, const uint64_t *b, uint64_t s, size_t n,
                                    const tacit_modulus *q) {
    constants c = load_constants(q);
    __m256d w = _mm256_set1_pd((double)s);
    for (size_t i = 0; i < n; i += 4) {
        __m256i difference = _mm256_sub_epi64(_mm256_add_epi64(load(a + i), c.value), load(b + i));
        store(out + i, to_residue(multiply(to_double(difference), w, &c), &c));
    }
}

/// Adds `terms` ≤ 2 products to the sums of one run; `from` 0 makes them anew.
INLINE void add_products(double (*sums)[SUM_RUN], const uint64_t *const *a, const uint64_t *const *b0,
                         const uint64_t *const *b1, size_t from, size_t terms, size_t first, size_t run,
                         const constants *c) {
    // A residue and six products of magnitude 0.8 q stay below 8q < 2^53.
    int reduces = from && from % 6 == 0;
    for (size_t i = 0; i < run; i += 4) {
        __m256d sum0 = _mm256_setzero_pd(), sum1 = sum0;
        if (from) {
            sum0 = _mm256_load_pd(sums[0] + i);
            if (reduces) sum0 = to_double(to_residue(sum0, c));
            if (b1) {
                sum1 = _mm256_load_pd(sums[1] + i);
                if (reduces) sum1 = to_double(to_residue(sum1, c));
            }
        }
        for (size_t k = from; k < from + terms; k++) {
            __m256d x = to_double(load(a[k] + first + i));
            sum0 = _mm256_add_pd(sum0, multiply(x, to_double(load(b0[k] + first + i)), c));
            if (b1) sum1 = _mm256_add_pd(sum1, multiply(x, to_double(load(b1[k] + first + i)), c));
        }
        _mm256_store_pd(sums[0] + i, sum0);
        if (b1) _mm256_store_pd(sums[1] + i, sum1);
    }
}

AVX2 static void dot_long(uint64_t *out0, uint64_t *out1, const uint64_t *const *a, const uint64_t *const *b0,
                          const uint64_t *const *b1, size_t count, size_t n, const constants *c) {
    double sums[2][SUM_RUN] __attribute__((aligned(64)));
    for (size_t first = 0; first < n; first += SUM_RUN) {
        size_t run = n - first < SUM_RUN ? n - first : SUM_RUN;
        for (size_t k = 0; k < count; k += 2) {
            if (k + 1 < count)
                add_products(sums, a, b0, b1, k, 2, first, run, c);
            else
                add_products(sums, a, b0, b1, k, 1, first, run, c);
        }
        for (size_t i = 0; i < run; i += 4) {
            store(out0 + first + i, to_residue(_mm256_load_pd(sums[0] + i), c));
            if (b1) store(out1 + first + i, to_residue(_mm256_load_pd(sums[1] + i), c));
        }
    }
}

AVX2 void tacit_avx2_dot_pair(uint64_t *out0, uint64_t *out1, const uint64_t *const *a, const uint64_t *const *b0,
                              const uint64_t *const *b1, size_t count, size_t n, const tacit_modulus *q) {
    constants c = load_constants(q);
    if (count >= LONG_SUM) {
        dot_long(out0, out1, a, b0, b1, count, n, &c);
        return;
    }
    for (size_t i = 0; i < n; i += 4) {
        __m256d sum0 = _mm256_setzero_pd(), sum1 = sum0;
        for (size_t k = 0; k < count; k++) {
            __m256d x = to_double(load(a[k] + i));
            sum0 = _mm256_add_pd(sum0, multiply(x, to_double(load(b0[k] + i)), &c));
            if (b1) sum1 = _mm256_add_pd(sum1, multiply(x, to_double(load(b1[k] + i)), &c));
        }
        store(out0 + i, to_residue(sum0, &c));
        if (b1) store(out1 + i, to_residue(sum1, &c));
    }
}

AVX2 void tacit_avx2_convert_one(uint64_t *out, const uint64_t *in, const tacit_modulus *q, const tacit_modulus *p,
                                 uint64_t negative, size_t n) {
    constants c = load_constants(p);
    (void)negative;
    // Centred first: a double of magnitude below q/2, which is brought into [0, p).
    __m256d m = _mm256_set1_pd((double)q->value), half = _mm256_set1_pd((double)((q->value - 1) / 2));
    for (size_t i = 0; i < n; i += 4) {
        __m256d x = to_double(load(in + i));
        x = _mm256_sub_pd(x, _mm256_and_pd(m, _mm256_cmp_pd(x, half, _CMP_GT_OQ)));
        store(out + i, to_residue(x, &c));
    }
}

AVX2 void tacit_avx2_convert_prepare(uint64_t *const *y, uint64_t *v, const uint64_t *const *in,
                                     const tacit_conversion *c, size_t first, size_t n) {
    __m256d magic = _mm256_set1_pd(4503599627370496.0);
    for (size_t i = first; i < first + n; i += 8) {
        __m256d fraction[2] = {_mm256_setzero_pd(), _mm256_setzero_pd()};
        for (size_t k = 0; k < c->sources; k++) {
            constants m = load_constants(&c->source[k]);
            __m256d w = _mm256_set1_pd((double)c->inverse[k]);
            for (size_t u = 0; u < 2; u++) {
                __m256i r = to_residue(multiply(to_double(load(in[k] + i + 4 * u)), w, &m), &m);
                store(y[k] + i + 4 * u, r);
                fraction[u] = _mm256_add_pd(fraction[u], _mm256_mul_pd(to_double(r), m.inverse));
            }
        }
        for (size_t u = 0; u < 2; u++) {
            __m256d whole = _mm256_add_pd(nearest(fraction[u]), magic);
            store(v + i + 4 * u, _mm256_xor_si256(_mm256_castpd_si256(whole), _mm256_castpd_si256(magic)));
        }
    }
}

AVX2 void tacit_avx2_convert_finish(uint64_t *const *out, const uint64_t *const *y, const uint64_t *v,
                                    const tacit_conversion *c, size_t first, size_t n) {
    enum { WIDTH = 2 };
    for (size_t j = 0; j < c->targets; j++) {
        constants m = load_constants(&c->target[j]);
        const uint64_t *row = c->matrix + j * c->sources;
        for (size_t i = first; i < first + n; i += 4 * WIDTH) {
            __m256d sum[WIDTH], w = _mm256_set1_pd((double)c->product[j]);
            for (int u = 0; u < WIDTH; u++) sum[u] = multiply(to_double(load(v + i + 4 * (size_t)u)), w, &m);
            for (size_t k = 0; k < c->sources; k++) {
                if (k % 7 == 6)
                    for (int u = 0; u < WIDTH; u++) sum[u] = to_double(to_residue(sum[u], &m));
                w = _mm256_set1_pd((double)row[k]);
                for (int u = 0; u < WIDTH; u++)
                    sum[u] = _mm256_add_pd(sum[u], multiply(to_double(load(y[k] + i + 4 * (size_t)u)), w, &m));
            }
            for (int u = 0; u < WIDTH; u++) store(out[j] + i + 4 * (size_t)u, to_residue(sum[u], &m));
        }
    }
}

AVX2 void tacit_avx2_from_double(uint64_t *out, const double *v, size_t n, const tacit_modulus *q) {
    constants c = load_constants(q);
    __m256d limit = _mm256_set1_pd(0x1p63), sign = _mm256_set1_pd(-0.0);
    for (size_t i = 0; i < n; i += 4) {
        __m256d x = nearest(_mm256_loadu_pd(v + i));
        // x − k·q for the integer k nearest to x/q in doubles is exact, whatever the magnitude: a multiple of the last
        // place of k, below 2^52 of them.
        for (int step = 0; step < DOUBLE_STEPS; step++) {
            __m256d large = _mm256_cmp_pd(_mm256_andnot_pd(sign, x), limit, _CMP_GE_OQ);
            if (_mm256_testz_pd(large, large)) break;
            x = _mm256_fnmadd_pd(nearest(_mm256_mul_pd(x, c.inverse)), c.q, x);
        }
        store(out + i, to_residue(x, &c));
    }
}

/// d mod q, of magnitude at most 0.6 q, for an integer d of magnitude below 2^52.
INLINE __m256d lazy_residue(__m256d d, const constants *c) {
    return _mm256_fnmadd_pd(nearest(_mm256_mul_pd(d, c->inverse)), c->q, d);
}

AVX2 void tacit_avx2_centred(double *out, const uint64_t *const *in, const tacit_garner *g, size_t first, size_t n) {
    size_t k = g->primes;
    for (size_t at = 0; at < n; at += 4) {
        __m256d digit[TACIT_CONVERSION_SOURCES], above = _mm256_setzero_pd();
        for (size_t j = 0; j < k; j++) {
            constants m = load_constants(&g->moduli[j]);
            __m256d r = to_double(load(in[j] + first + at));
            for (size_t i = 0; i < j; i++) {
                __m256d d = _mm256_sub_pd(r, lazy_residue(digit[i], &m));
                r = multiply(d, _mm256_set1_pd((double)g->inverse[i * k + j]), &m);
            }
            digit[j] = to_double(to_residue(r, &m));
            // Digits of (Q − 1)/2 are the (q_j − 1)/2; the highest digit that differs decides.
            __m256d half = _mm256_set1_pd((double)((g->moduli[j].value - 1) / 2));
            above = _mm256_and_pd(above, _mm256_cmp_pd(digit[j], half, _CMP_EQ_OQ));
            above = _mm256_or_pd(above, _mm256_cmp_pd(digit[j], half, _CMP_GT_OQ));
        }
        __m256d value;
        if (k <= 2) {
            // The highest digit less q gives the centred value; one fused operation rounds once.
            value = _mm256_sub_pd(digit[k - 1], _mm256_and_pd(above, _mm256_set1_pd((double)g->moduli[k - 1].value)));
            if (k == 2) value = _mm256_fmadd_pd(value, _mm256_set1_pd((double)g->moduli[0].value), digit[0]);
        } else {
            // Q − 1 has the digits q_j − 1, so subtracting from it needs no borrows.
            value = _mm256_setzero_pd();
            for (size_t j = k; j-- > 0;) {
                __m256d q = _mm256_set1_pd((double)g->moduli[j].value);
                __m256d d = _mm256_blendv_pd(digit[j], _mm256_sub_pd(_mm256_sub_pd(q, _mm256_set1_pd(1)), digit[j]), above);
                value = _mm256_add_pd(_mm256_mul_pd(value, q), d);
            }
            value = _mm256_blendv_pd(value, _mm256_sub_pd(_mm256_set1_pd(-1.0), value), above);
        }
        _mm256_storeu_pd(out + at, value);
    }
}

#endif
