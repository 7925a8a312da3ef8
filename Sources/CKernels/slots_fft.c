// The canonical embedding: tables, choice of the tier, and the tier for pairs of doubles, which every 64-bit machine has.
#include <stdlib.h>

#define LANES 2
#define TARGET
#define TIER(NAME) tacit_slots_two_##NAME
#include "slots_fft_tier.h"

// MARK: Tables

static inline uint64_t high64(uint64_t a, uint64_t b) { return (uint64_t)(((unsigned __int128)a * b) >> 64); }

/// 1 − x²/d_1·(1 − x²/d_2·(1 − …)) with d_k = (2k + first)(2k + first + 1), in units of 2^-64: cos x for first = −1,
/// (sin x)/x for first = 0. Eleven terms: x² < 0.617, so the next is below 2^-75. Each step rounds by less than 2^-63 and
/// is then multiplied by x²/d < 0.31, which leaves less than 2^-62.
static uint64_t alternating(uint64_t square, uint64_t first) {
    uint64_t sum = UINT64_MAX;
    for (uint64_t k = 11; k >= 1; k--) {
        uint64_t d = (2 * k + first) * (2 * k + first + 1);
        sum = 0 - high64(square / d, sum);
    }
    return sum;
}

void tacit_slots_octant(double *cosine, double *sine, uint64_t e, uint64_t whole) {
    if (e == 0) {
        *cosine = 1, *sine = 0;
        return;
    }
    const uint64_t eighth_turn = 0xC90FDAA22168C235;  // π/4 in units of 2^-64
    uint64_t x = (uint64_t)(((unsigned __int128)eighth_turn * e) >> __builtin_ctzll(whole));
    uint64_t square = high64(x, x);
    *cosine = (double)alternating(square, (uint64_t)-1) * 0x1p-64;
    unsigned __int128 product = (unsigned __int128)high64(alternating(square, 0), eighth_turn) * e;
    // The product of two 64-bit words; the conversion rounds once.
    *sine = (double)product * 0x1p-64 / (double)whole;
}

tacit_slots *tacit_slots_create(int32_t log_slots) {
    size_t n = (size_t)1 << log_slots;
    tacit_slots *t = calloc(1, sizeof *t);
    size_t bytes = (n * sizeof(double) + 63) / 64 * 64;
    double *cosines = malloc((n / 2 + 1) * sizeof(double)), *sines = malloc((n / 2 + 1) * sizeof(double));
    if (!t || !cosines || !sines) goto failed;
    t->slots = n;
    t->real = aligned_alloc(64, bytes);
    t->imaginary = aligned_alloc(64, bytes);
    if (!t->real || !t->imaginary) goto failed;
    t->real[0] = t->imaginary[0] = 0;  // no layer has this entry
    // Layer h turns by 5^j/8h of a circle; the finest layer, n/2, by multiples of 1/4n, whose eighth has n/2 steps.
    size_t eighth = n / 2;
    for (size_t e = 0; e <= eighth && n > 1; e++) tacit_slots_octant(&cosines[e], &sines[e], e, eighth);
    for (size_t h = 1; h < n; h *= 2) {
        size_t power = 1;  // 5^j mod 8h
        for (size_t j = 0; j < h; j++, power = power * 5 & (8 * h - 1)) {
            size_t e = power * (eighth / h), octant = e / eighth, rest = e % eighth;
            if (octant & 1) rest = eighth - rest;
            double c = cosines[rest], s = sines[rest];
            int swaps = octant == 1 || octant == 2 || octant == 5 || octant == 6;
            double x = swaps ? s : c, y = swaps ? c : s;
            t->real[h + j] = octant >= 2 && octant < 6 ? -x : x;
            t->imaginary[h + j] = octant >= 4 ? -y : y;
        }
    }
    free(cosines);
    free(sines);
    return t;

failed:
    free(cosines);
    free(sines);
    tacit_slots_destroy(t);
    return NULL;
}

void tacit_slots_destroy(tacit_slots *t) {
    if (!t) return;
    free(t->real);
    free(t->imaginary);
    free(t);
}

// MARK: Choice of the tier

/// n ≤ 2: by the definition of the one layer there is.
static void evaluate_small(const tacit_slots *t, double *re, double *im, const double *low, const double *high,
                           size_t n, double scale) {
    double a = scale * low[0], b = scale * high[0];
    if (n == 1) {
        re[0] = a, im[0] = b;
        return;
    }
    double c = scale * low[1], d = scale * high[1], w = t->real[1], u = t->imaginary[1];
    double x = w * c - u * d, y = w * d + u * c;
    re[0] = a + x, im[0] = b + y, re[1] = a - x, im[1] = b - y;
}

static void interpolate_small(const tacit_slots *t, double *low, double *high, const double *re, const double *im,
                              size_t n, double scale) {
    scale /= (double)n;
    if (n == 1) {
        low[0] = scale * re[0], high[0] = scale * im[0];
        return;
    }
    double x = re[0] - re[1], y = im[0] - im[1], w = t->real[1], u = t->imaginary[1];
    low[0] = scale * (re[0] + re[1]), high[0] = scale * (im[0] + im[1]);
    low[1] = scale * (w * x + u * y), high[1] = scale * (w * y - u * x);
}

void tacit_slots_evaluate(const tacit_slots *t, double *re, double *im, const double *low, const double *high, size_t n,
                          double scale) {
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (n >= 64 && tier >= TACIT_TIER_AVX512_IFMA) {
        tacit_slots_avx512_evaluate(t, re, im, low, high, n, scale);
        return;
    }
    if (n >= 16 && tier >= TACIT_TIER_AVX2) {
        tacit_slots_avx2_evaluate(t, re, im, low, high, n, scale);
        return;
    }
#endif
    if (n >= 4)
        tacit_slots_two_evaluate(t, re, im, low, high, n, scale);
    else
        evaluate_small(t, re, im, low, high, n, scale);
}

void tacit_slots_interpolate(const tacit_slots *t, double *low, double *high, const double *re, const double *im,
                             size_t n, double scale, double *scratch) {
    double *x = scratch, *y = scratch + n;
    memcpy(x, re, n * sizeof(double));
    if (im)
        memcpy(y, im, n * sizeof(double));
    else
        memset(y, 0, n * sizeof(double));
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (n >= 64 && tier >= TACIT_TIER_AVX512_IFMA) {
        tacit_slots_avx512_interpolate(t, low, high, x, y, n, scale);
        return;
    }
    if (n >= 16 && tier >= TACIT_TIER_AVX2) {
        tacit_slots_avx2_interpolate(t, low, high, x, y, n, scale);
        return;
    }
#endif
    if (n >= 4)
        tacit_slots_two_interpolate(t, low, high, x, y, n, scale);
    else
        interpolate_small(t, low, high, x, y, n, scale);
}
