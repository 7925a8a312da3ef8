// Number-theoretic transform with AVX2 and FMA: four residues a register, held as doubles during the transform.
//
// For primes below 2^50 and |x| < 8q < 2^53, |w| ≤ q/2: with c = round(x · fl(w/q)) the value
// (fl(x·w) − c·q) + (x·w − fl(x·w)) is exact, congruent to x·w, and at most q · (1/2 + |x| / 2^53) in magnitude,
// so at most q · (1/2 + |x|/(8q)).
#include "lattice_ntt.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define INLINE static inline __attribute__((always_inline)) AVX2
#define UNROLL _Pragma("clang loop unroll(full)")
#pragma STDC FP_CONTRACT OFF

// A table holds doubles: (w, w/q) per node below N/4 with w in (−q/2, q/2), then six vectors per 16 words for
// the last two layers, whose four groups of four lie in the four lanes.

size_t tacit_ntt_avx2_words(int32_t log_degree) {
    size_t n = (size_t)1 << log_degree;
    return n / 2 + n / 16 * 24;
}

static void store_pair(double *w, double *quotient, uint64_t twiddle, uint64_t q) {
    int64_t centred = twiddle > q / 2 ? (int64_t)twiddle - (int64_t)q : (int64_t)twiddle;
    *w = (double)centred;
    *quotient = (double)centred / (double)q;
}

void tacit_ntt_avx2_fill(const tacit_ntt *t, uint64_t *words, const uint64_t *twiddles) {
    size_t n = (size_t)1 << t->log_degree;
    double *table = (double *)words, *bottom = table + n / 2;
    for (size_t v = 0; v < n / 4; v++) store_pair(table + 2 * v, table + 2 * v + 1, twiddles[v], t->q.value);
    for (size_t block = 0; block < n / 16; block++)
        for (size_t layer = 0, row = 0; layer < 2; layer++)
            for (size_t k = 0; k < (size_t)1 << layer; k++, row++)
                for (size_t lane = 0; lane < 4; lane++) {
                    double *w = bottom + block * 24 + row * 8 + lane;
                    store_pair(w, w + 4, twiddles[((n / 4 + 4 * block + lane) << layer) + k], t->q.value);
                }
}

typedef struct {
    __m256d q, inverse, scale, scale_quotient;
} constants;

INLINE constants load_constants(const tacit_ntt *t) {
    constants c;
    c.q = _mm256_set1_pd((double)t->q.value);
    c.inverse = _mm256_set1_pd(t->q.inverse);
    double scale, quotient;
    store_pair(&scale, &quotient, t->inverse_degree, t->q.value);
    c.scale = _mm256_set1_pd(scale);
    c.scale_quotient = _mm256_set1_pd(quotient);
    return c;
}

/// The integer nearest to fl(x · y).
INLINE __m256d nearest_product(__m256d x, __m256d y) {
    return _mm256_round_pd(_mm256_mul_pd(x, y), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE __m256d multiply(__m256d x, __m256d w, __m256d quotient, const constants *c) {
    __m256d h = _mm256_mul_pd(x, w), k = nearest_product(x, quotient);
    __m256d l = _mm256_fmsub_pd(x, w, h);
    return _mm256_add_pd(_mm256_fnmadd_pd(k, c->q, h), l);
}

/// To magnitude at most q · (1/2 + 2^-50).
INLINE __m256d reduce(__m256d x, const constants *c) {
    return _mm256_fnmadd_pd(nearest_product(x, c->inverse), c->q, x);
}

/// Words below 2^52 to doubles and back, through the bits of 2^52 + x.
INLINE __m256d to_double(__m256i x) {
    __m256d magic = _mm256_set1_pd(4503599627370496.0);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x, _mm256_castpd_si256(magic))), magic);
}

INLINE __m256i to_residue(__m256d x, const constants *c) {
    x = reduce(x, c);
    // Chosen by the sign bit; a difference that is zero has a positive sign.
    x = _mm256_blendv_pd(x, _mm256_add_pd(x, c->q), x);
    __m256d magic = _mm256_set1_pd(4503599627370496.0);
    return _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(x, magic)), _mm256_castpd_si256(magic));
}

INLINE __m256d load(const uint64_t *x, int integers) {
    return integers ? to_double(_mm256_load_si256((const __m256i *)x)) : _mm256_load_pd((const double *)x);
}

INLINE void forward_pair(__m256d *a, __m256d *b, __m256d w, __m256d quotient, const constants *c) {
    __m256d x = *a, y = multiply(*b, w, quotient, c);
    *a = _mm256_add_pd(x, y);
    *b = _mm256_sub_pd(x, y);
}

INLINE void inverse_pair(__m256d *a, __m256d *b, __m256d w, __m256d quotient, const constants *c) {
    __m256d x = *a, y = *b;
    *a = _mm256_add_pd(x, y);
    *b = multiply(_mm256_sub_pd(x, y), w, quotient, c);
}

/// In units of q: values enter with magnitude at most 3. The upper half is reduced to 1/2 first; a layer takes sums of
/// magnitude s to s + 1/2 + s/8, so three layers end at 1.38, 2.05 and 2.81, and two more (the bottom) at 3.66 and 4.62.
INLINE void forward_layers(__m256d *v, int radix, const double *table, size_t node, const constants *c) {
    UNROLL for (int k = 0; k < radix / 2; k++) v[k] = reduce(v[k], c);
    UNROLL for (int groups = 1; groups < radix; groups *= 2) {
        int half = radix / groups / 2;
        UNROLL for (int g = 0; g < groups; g++) {
            const double *w = table + 2 * ((size_t)groups * node + (size_t)g);
            __m256d twiddle = _mm256_broadcast_sd(w), quotient = _mm256_broadcast_sd(w + 1);
            UNROLL for (int k = 0; k < half; k++)
                forward_pair(&v[2 * half * g + k], &v[2 * half * g + k + half], twiddle, quotient, c);
        }
    }
}

/// In units of q: values enter with magnitude at most 1 and leave so. Two layers may grow sums to 4, whose differences
/// give products of at most 1/2 + 4/8; sums are then reduced to 1/2, and always at the end.
INLINE void inverse_layers(__m256d *v, int radix, const double *table, size_t node, const constants *c) {
    UNROLL for (int groups = radix / 2; groups >= 1; groups /= 2) {
        int half = radix / groups / 2;
        UNROLL for (int g = 0; g < groups; g++) {
            const double *w = table + 2 * ((size_t)groups * node + (size_t)g);
            __m256d twiddle = _mm256_broadcast_sd(w), quotient = _mm256_broadcast_sd(w + 1);
            UNROLL for (int k = 0; k < half; k++)
                inverse_pair(&v[2 * half * g + k], &v[2 * half * g + k + half], twiddle, quotient, c);
        }
        if (groups == 1 || (radix == 8 && groups == 2)) {
            UNROLL for (int k = 0; k < radix; k++)
                if (((k / half) & 1) == 0) v[k] = reduce(v[k], c);
        }
    }
}

INLINE void forward_pass(uint64_t *x, size_t length, int radix, const double *table, size_t node, int first,
                         const constants *c) {
    size_t s = length / (size_t)radix;
    for (size_t j = 0; j < s; j += 4) {
        __m256d v[8];
        UNROLL for (int k = 0; k < radix; k++) v[k] = load(x + j + (size_t)k * s, first);
        forward_layers(v, radix, table, node, c);
        UNROLL for (int k = 0; k < radix; k++) _mm256_store_pd((double *)(x + j + (size_t)k * s), v[k]);
    }
}

INLINE void inverse_pass(uint64_t *x, size_t length, int radix, const double *table, size_t node, int last,
                         const constants *c) {
    size_t s = length / (size_t)radix;
    for (size_t j = 0; j < s; j += 4) {
        __m256d v[8];
        UNROLL for (int k = 0; k < radix; k++) v[k] = _mm256_load_pd((const double *)(x + j + (size_t)k * s));
        inverse_layers(v, radix, table, node, c);
        if (last) {
            UNROLL for (int k = 0; k < radix / 2; k++) v[k] = multiply(v[k], c->scale, c->scale_quotient, c);
            UNROLL for (int k = 0; k < radix; k++)
                _mm256_store_si256((__m256i *)(x + j + (size_t)k * s), to_residue(v[k], c));
        } else {
            UNROLL for (int k = 0; k < radix; k++) _mm256_store_pd((double *)(x + j + (size_t)k * s), v[k]);
        }
    }
}

INLINE void transpose(__m256d *v) {
    __m256d a = _mm256_unpacklo_pd(v[0], v[1]), b = _mm256_unpackhi_pd(v[0], v[1]);
    __m256d d = _mm256_unpacklo_pd(v[2], v[3]), e = _mm256_unpackhi_pd(v[2], v[3]);
    v[0] = _mm256_permute2f128_pd(a, d, 0x20);
    v[1] = _mm256_permute2f128_pd(b, e, 0x20);
    v[2] = _mm256_permute2f128_pd(a, d, 0x31);
    v[3] = _mm256_permute2f128_pd(b, e, 0x31);
}

/// The last five layers of one block of 32 words. Both halves go through the last two layers in step, which gives the
/// processor twice as many independent operations.
INLINE void forward_bottom(uint64_t *x, const double *table, size_t node, const double *bottom, const constants *c) {
    __m256d v[8];
    UNROLL for (int k = 0; k < 8; k++) v[k] = _mm256_load_pd((const double *)(x + 4 * k));
    forward_layers(v, 8, table, node, c);
    transpose(v);
    transpose(v + 4);
    UNROLL for (int groups = 1; groups < 4; groups *= 2) {
        int half = 2 / groups;
        UNROLL for (int g = 0; g < groups; g++)
            UNROLL for (int side = 0; side < 2; side++) {
                const double *row = bottom + 24 * side + 8 * (groups - 1 + g);
                __m256d w = _mm256_load_pd(row), quotient = _mm256_load_pd(row + 4), *y = v + 4 * side + 2 * half * g;
                UNROLL for (int k = 0; k < half; k++) forward_pair(&y[k], &y[k + half], w, quotient, c);
            }
    }
    UNROLL for (int k = 0; k < 8; k++) v[k] = _mm256_castsi256_pd(to_residue(v[k], c));
    transpose(v);
    transpose(v + 4);
    UNROLL for (int k = 0; k < 8; k++) _mm256_store_pd((double *)(x + 4 * k), v[k]);
}

INLINE void inverse_bottom(uint64_t *x, const double *table, size_t node, const double *bottom, const constants *c) {
    __m256d v[8];
    UNROLL for (int k = 0; k < 8; k++) v[k] = load(x + 4 * k, 1);
    transpose(v);
    transpose(v + 4);
    UNROLL for (int groups = 2; groups >= 1; groups /= 2) {
        int half = 2 / groups;
        UNROLL for (int g = 0; g < groups; g++)
            UNROLL for (int side = 0; side < 2; side++) {
                const double *row = bottom + 24 * side + 8 * (groups - 1 + g);
                __m256d w = _mm256_load_pd(row), quotient = _mm256_load_pd(row + 4), *y = v + 4 * side + 2 * half * g;
                UNROLL for (int k = 0; k < half; k++) inverse_pair(&y[k], &y[k + half], w, quotient, c);
            }
    }
    UNROLL for (int k = 0; k < 8; k++)
        if (k % 4 < 2) v[k] = reduce(v[k], c);
    transpose(v);
    transpose(v + 4);
    inverse_layers(v, 8, table, node, c);
    UNROLL for (int k = 0; k < 8; k++) _mm256_store_pd((double *)(x + 4 * k), v[k]);
}

/// Groups of at most 2^12 words (32 KiB) stay in the first cache and are transformed pass by pass; larger ones are first
/// cut by one pass of radix 8 each way down.
enum { LOG_CACHED = 12, LOG_BOTTOM = 5 };

/// Radix of the next pass over groups of 2^log_length words.
static inline int next_radix(int32_t log_length) {
    int32_t left = log_length - LOG_BOTTOM;
    return left == 1 ? 2 : (left % 3 == 0 ? 8 : 4);
}

/// One pass over `count` consecutive groups that begin at `node`.
AVX2 static void forward_passes(const tacit_ntt *t, uint64_t *x, int32_t log_length, size_t node, size_t count,
                                const constants *c) {
    const double *table = (const double *)t->forward;
    size_t length = (size_t)1 << log_length;
    int first = node == 1;
    switch (next_radix(log_length)) {
        case 2:
            for (size_t i = 0; i < count; i++) forward_pass(x + i * length, length, 2, table, node + i, 0, c);
            break;
        case 4:
            for (size_t i = 0; i < count; i++) forward_pass(x + i * length, length, 4, table, node + i, first, c);
            break;
        default:
            for (size_t i = 0; i < count; i++) forward_pass(x + i * length, length, 8, table, node + i, first, c);
    }
}

AVX2 static void forward_group(const tacit_ntt *t, uint64_t *x, int32_t log_length, size_t node, const constants *c) {
    if (log_length > LOG_CACHED) {
        forward_passes(t, x, log_length, node, 1, c);
        int shift = __builtin_ctz((unsigned)next_radix(log_length));
        log_length -= shift;
        for (size_t k = 0; k < (size_t)1 << shift; k++)
            forward_group(t, x + (k << log_length), log_length, (node << shift) + k, c);
        return;
    }
    size_t count = 1;
    while (log_length > LOG_BOTTOM) {
        forward_passes(t, x, log_length, node, count, c);
        int shift = __builtin_ctz((unsigned)next_radix(log_length));
        log_length -= shift, node <<= shift, count <<= shift;
    }
    const double *table = (const double *)t->forward, *bottom = table + ((size_t)1 << t->log_degree) / 2;
    bottom += 48 * (node - ((size_t)1 << (t->log_degree - LOG_BOTTOM)));
    for (size_t i = 0; i < count; i++) forward_bottom(x + 32 * i, table, node + i, bottom + 48 * i, c);
}

AVX2 static void inverse_passes(const tacit_ntt *t, uint64_t *x, int32_t log_length, size_t node, size_t count,
                                const constants *c) {
    const double *table = (const double *)t->inverse;
    size_t length = (size_t)1 << log_length;
    int last = node == 1;
    switch (next_radix(log_length)) {
        case 2:
            for (size_t i = 0; i < count; i++) inverse_pass(x + i * length, length, 2, table, node + i, 0, c);
            break;
        case 4:
            if (last) inverse_pass(x, length, 4, table, 1, 1, c);
            else for (size_t i = 0; i < count; i++) inverse_pass(x + i * length, length, 4, table, node + i, 0, c);
            break;
        default:
            if (last) inverse_pass(x, length, 8, table, 1, 1, c);
            else for (size_t i = 0; i < count; i++) inverse_pass(x + i * length, length, 8, table, node + i, 0, c);
    }
}

AVX2 static void inverse_group(const tacit_ntt *t, uint64_t *x, int32_t log_length, size_t node, const constants *c) {
    if (log_length > LOG_CACHED) {
        int shift = __builtin_ctz((unsigned)next_radix(log_length));
        int32_t below = log_length - shift;
        for (size_t k = 0; k < (size_t)1 << shift; k++)
            inverse_group(t, x + (k << below), below, (node << shift) + k, c);
        inverse_passes(t, x, log_length, node, 1, c);
        return;
    }
    size_t count = (size_t)1 << (log_length - LOG_BOTTOM), first = node << (log_length - LOG_BOTTOM);
    const double *table = (const double *)t->inverse, *bottom = table + ((size_t)1 << t->log_degree) / 2;
    bottom += 48 * (first - ((size_t)1 << (t->log_degree - LOG_BOTTOM)));
    for (size_t i = 0; i < count; i++) inverse_bottom(x + 32 * i, table, first + i, bottom + 48 * i, c);
    // The passes of the forward transform, backwards.
    int32_t lengths[8], passes = 0;
    for (int32_t l = log_length; l > LOG_BOTTOM; l -= __builtin_ctz((unsigned)next_radix(l))) lengths[passes++] = l;
    while (passes-- > 0) {
        int32_t above = log_length - lengths[passes];
        inverse_passes(t, x, lengths[passes], node << above, (size_t)1 << above, c);
    }
}

AVX2 void tacit_ntt_avx2_forward(const tacit_ntt *t, uint64_t *x) {
    constants c = load_constants(t);
    forward_group(t, x, t->log_degree, 1, &c);
}

AVX2 void tacit_ntt_avx2_inverse(const tacit_ntt *t, uint64_t *x) {
    constants c = load_constants(t);
    inverse_group(t, x, t->log_degree, 1, &c);
}

#endif
