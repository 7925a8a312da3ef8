// The canonical embedding for vectors of LANES doubles; included once by each tier, which defines
//
//     LANES              doubles in a vector
//     TARGET             the attribute that lets the compiler use the tier's instructions
//     TIER(name)         the tier's name for a function
//
// Evaluation is decimation in time: values lie in order of the powers of 5 from the first layer on, hence the
// coefficients go in by mirrored numbers. Layer h joins blocks of h values to blocks of 2h:
//
//     x_j, x_(j+h)  ←  x_j ± w·x_(j+h),   w = exp(2πi · 5^j / 8h).
//
// Mirroring takes the number (a, m, l), with a and l of log2 LANES bits, to (mirrored l, mirrored m, mirrored a). So the
// first log2 LANES layers are done on vectors of consecutive l, then LANES × LANES values are transposed, and every
// vector is stored where it belongs. Interpolation is the same backwards.
#include "slots_fft.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("clang loop unroll(full)")

typedef double vec __attribute__((vector_size(8 * LANES)));
typedef double loose __attribute__((vector_size(8 * LANES), aligned(8)));

INLINE vec load(const double *p) { return *(const loose *)p; }
INLINE void store(double *p, vec v) { *(loose *)p = v; }
INLINE vec all(double x) { return (vec){0} + x; }

typedef struct {
    vec re, im;
} complex_vec;

INLINE complex_vec load_pair(const double *re, const double *im) { return (complex_vec){load(re), load(im)}; }
INLINE complex_vec plus(complex_vec a, complex_vec b) { return (complex_vec){a.re + b.re, a.im + b.im}; }
INLINE complex_vec minus(complex_vec a, complex_vec b) { return (complex_vec){a.re - b.re, a.im - b.im}; }
INLINE complex_vec times(complex_vec w, complex_vec b) {
    return (complex_vec){w.re * b.re - w.im * b.im, w.re * b.im + w.im * b.re};
}
/// conj(w) · b
INLINE complex_vec times_conjugate(complex_vec w, complex_vec b) {
    return (complex_vec){w.re * b.re + w.im * b.im, w.re * b.im - w.im * b.re};
}
/// −i · w
INLINE complex_vec turned(complex_vec w) { return (complex_vec){w.im, -w.re}; }

INLINE void forward_pair(complex_vec *a, complex_vec *b, complex_vec w) {
    complex_vec t = times(w, *b), x = *a;
    *a = plus(x, t);
    *b = minus(x, t);
}

INLINE void inverse_pair(complex_vec *a, complex_vec *b, complex_vec w) {
    complex_vec d = minus(*a, *b);
    *a = plus(*a, *b);
    *b = times_conjugate(w, d);
}

INLINE complex_vec twiddle(const tacit_slots *t, size_t index) {
    return load_pair(t->real + index, t->imaginary + index);
}
INLINE complex_vec same_twiddle(const tacit_slots *t, size_t index) {
    return (complex_vec){all(t->real[index]), all(t->imaginary[index])};
}

/// Layers h = s and 2s of one block of 4s values. 5^s = 1 + 4s·(3 mod 4), so the twiddles of the second half of layer 2s
/// are −i times those of the first.
INLINE void forward_four(const tacit_slots *t, double *re, double *im, size_t s) {
    for (size_t j = 0; j < s; j += LANES) {
        complex_vec v[4], w = twiddle(t, s + j), u = twiddle(t, 2 * s + j);
        UNROLL for (size_t k = 0; k < 4; k++) v[k] = load_pair(re + k * s + j, im + k * s + j);
        forward_pair(&v[0], &v[1], w);
        forward_pair(&v[2], &v[3], w);
        forward_pair(&v[0], &v[2], u);
        forward_pair(&v[1], &v[3], turned(u));
        UNROLL for (size_t k = 0; k < 4; k++) store(re + k * s + j, v[k].re), store(im + k * s + j, v[k].im);
    }
}

INLINE void forward_two(const tacit_slots *t, double *re, double *im, size_t s) {
    for (size_t j = 0; j < s; j += LANES) {
        complex_vec a = load_pair(re + j, im + j), b = load_pair(re + s + j, im + s + j);
        forward_pair(&a, &b, twiddle(t, s + j));
        store(re + j, a.re), store(im + j, a.im), store(re + s + j, b.re), store(im + s + j, b.im);
    }
}

INLINE void inverse_four(const tacit_slots *t, double *re, double *im, size_t s) {
    for (size_t j = 0; j < s; j += LANES) {
        complex_vec v[4], w = twiddle(t, s + j), u = twiddle(t, 2 * s + j);
        UNROLL for (size_t k = 0; k < 4; k++) v[k] = load_pair(re + k * s + j, im + k * s + j);
        inverse_pair(&v[0], &v[2], u);
        inverse_pair(&v[1], &v[3], turned(u));
        inverse_pair(&v[0], &v[1], w);
        inverse_pair(&v[2], &v[3], w);
        UNROLL for (size_t k = 0; k < 4; k++) store(re + k * s + j, v[k].re), store(im + k * s + j, v[k].im);
    }
}

INLINE void inverse_two(const tacit_slots *t, double *re, double *im, size_t s) {
    for (size_t j = 0; j < s; j += LANES) {
        complex_vec a = load_pair(re + j, im + j), b = load_pair(re + s + j, im + s + j);
        inverse_pair(&a, &b, twiddle(t, s + j));
        store(re + j, a.re), store(im + j, a.im), store(re + s + j, b.re), store(im + s + j, b.im);
    }
}

/// Blocks up to this many values (32 KiB) do all their layers in the first cache.
enum { CACHED = 2048 };

/// Layers LANES … n/2.
TARGET static void forward_layers(const tacit_slots *t, double *re, double *im, size_t n) {
    if (n > CACHED) {
        for (size_t k = 0; k < 4; k++) forward_layers(t, re + k * (n / 4), im + k * (n / 4), n / 4);
        forward_four(t, re, im, n / 4);
        return;
    }
    size_t s = LANES;
    if (__builtin_ctzll(n / LANES) & 1) {
        for (size_t i = 0; i < n; i += 2 * s) forward_two(t, re + i, im + i, s);
        s *= 2;
    }
    for (; s < n; s *= 4)
        for (size_t i = 0; i < n; i += 4 * s) forward_four(t, re + i, im + i, s);
}

TARGET static void inverse_layers(const tacit_slots *t, double *re, double *im, size_t n) {
    if (n > CACHED) {
        inverse_four(t, re, im, n / 4);
        for (size_t k = 0; k < 4; k++) inverse_layers(t, re + k * (n / 4), im + k * (n / 4), n / 4);
        return;
    }
    size_t s = n / 4;
    for (; s >= LANES; s /= 4)
        for (size_t i = 0; i < n; i += 4 * s) inverse_four(t, re + i, im + i, s);
    if (__builtin_ctzll(n / LANES) & 1)
        for (size_t i = 0; i < n; i += 2 * LANES) inverse_two(t, re + i, im + i, LANES);
}

/// The places where vector k belongs when log2 LANES bits are mirrored.
static const uint8_t mirrored[LANES] = {
#if LANES == 2
    0, 1
#elif LANES == 4
    0, 2, 1, 3
#else
    0, 4, 2, 6, 1, 5, 3, 7
#endif
};

INLINE void transpose(vec *v) {
#if LANES == 2
    vec a = v[0], b = v[1];
    v[0] = __builtin_shufflevector(a, b, 0, 2);
    v[1] = __builtin_shufflevector(a, b, 1, 3);
#elif LANES == 4
    vec a = __builtin_shufflevector(v[0], v[1], 0, 4, 2, 6), b = __builtin_shufflevector(v[0], v[1], 1, 5, 3, 7);
    vec c = __builtin_shufflevector(v[2], v[3], 0, 4, 2, 6), d = __builtin_shufflevector(v[2], v[3], 1, 5, 3, 7);
    v[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5), v[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    v[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7), v[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
#else
    vec a[8];
    UNROLL for (int k = 0; k < 8; k += 2) {
        a[k] = __builtin_shufflevector(v[k], v[k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        a[k + 1] = __builtin_shufflevector(v[k], v[k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    UNROLL for (int k = 0; k < 2; k++) {
        vec low = __builtin_shufflevector(a[k], a[k + 2], 0, 1, 4, 5, 8, 9, 12, 13);
        vec high = __builtin_shufflevector(a[k], a[k + 2], 2, 3, 6, 7, 10, 11, 14, 15);
        vec low2 = __builtin_shufflevector(a[k + 4], a[k + 6], 0, 1, 4, 5, 8, 9, 12, 13);
        vec high2 = __builtin_shufflevector(a[k + 4], a[k + 6], 2, 3, 6, 7, 10, 11, 14, 15);
        v[k] = __builtin_shufflevector(low, low2, 0, 1, 4, 5, 8, 9, 12, 13);
        v[k + 4] = __builtin_shufflevector(low, low2, 2, 3, 6, 7, 10, 11, 14, 15);
        v[k + 2] = __builtin_shufflevector(high, high2, 0, 1, 4, 5, 8, 9, 12, 13);
        v[k + 6] = __builtin_shufflevector(high, high2, 2, 3, 6, 7, 10, 11, 14, 15);
    }
#endif
}

TARGET void TIER(evaluate)(const tacit_slots *t, double *re, double *im, const double *low, const double *high,
                           size_t n, double scale) {
    size_t stride = n / LANES, blocks = stride / LANES;
    int32_t bits = __builtin_ctzll(blocks);
    vec factor = all(scale);
    for (size_t m = 0; m < blocks; m++) {
        complex_vec v[LANES];
        UNROLL for (size_t a = 0; a < LANES; a++) {
            size_t from = a * stride + m * LANES;
            v[mirrored[a]] = (complex_vec){factor * load(low + from), factor * load(high + from)};
        }
        UNROLL for (size_t h = 1; h < LANES; h *= 2)
            UNROLL for (size_t i = 0; i < LANES; i += 2 * h)
                UNROLL for (size_t j = 0; j < h; j++)
                    forward_pair(&v[i + j], &v[i + j + h], same_twiddle(t, h + j));
        vec part[LANES];
        size_t to = slots_reverse((uint32_t)m, bits) * LANES;
        UNROLL for (size_t a = 0; a < LANES; a++) part[a] = v[a].re;
        transpose(part);
        UNROLL for (size_t a = 0; a < LANES; a++) store(re + mirrored[a] * stride + to, part[a]);
        UNROLL for (size_t a = 0; a < LANES; a++) part[a] = v[a].im;
        transpose(part);
        UNROLL for (size_t a = 0; a < LANES; a++) store(im + mirrored[a] * stride + to, part[a]);
    }
    forward_layers(t, re, im, n);
}

TARGET void TIER(interpolate)(const tacit_slots *t, double *low, double *high, double *re, double *im, size_t n,
                              double scale) {
    inverse_layers(t, re, im, n);
    size_t stride = n / LANES, blocks = stride / LANES;
    int32_t bits = __builtin_ctzll(blocks);
    vec factor = all(scale / (double)n);
    for (size_t m = 0; m < blocks; m++) {
        complex_vec v[LANES];
        vec part[LANES];
        size_t from = slots_reverse((uint32_t)m, bits) * LANES;
        UNROLL for (size_t a = 0; a < LANES; a++) part[a] = load(re + mirrored[a] * stride + from);
        transpose(part);
        UNROLL for (size_t a = 0; a < LANES; a++) v[a].re = part[a];
        UNROLL for (size_t a = 0; a < LANES; a++) part[a] = load(im + mirrored[a] * stride + from);
        transpose(part);
        UNROLL for (size_t a = 0; a < LANES; a++) v[a].im = part[a];
        UNROLL for (size_t h = LANES / 2; h >= 1; h /= 2)
            UNROLL for (size_t i = 0; i < LANES; i += 2 * h)
                UNROLL for (size_t j = 0; j < h; j++)
                    inverse_pair(&v[i + j], &v[i + j + h], same_twiddle(t, h + j));
        UNROLL for (size_t a = 0; a < LANES; a++) {
            size_t to = a * stride + m * LANES;
            store(low + to, factor * v[mirrored[a]].re);
            store(high + to, factor * v[mirrored[a]].im);
        }
    }
}
