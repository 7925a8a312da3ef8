// Complex transforms in double precision, radix 4, decimation in frequency forward and in time backward, so that no
// pass reorders the data. Real and imaginary parts lie in separate arrays; the inner loops run over neighbouring
// elements and are turned into vector code by the compiler according to the target attribute.
#include <math.h>
#include <stdlib.h>

#include "tacit_cpu.h"
#include "tacit_noise.h"

struct tacit_fourier {
    int32_t log_length;
    /// For each radix-4 level with quarter m: cosines and sines of w^j, w^2j, w^3j, 6m numbers.
    double *levels[16];
    double *memory;
};

static void circle(double *c, double *s, size_t k, size_t n) {
    // Reduced to the first octant, where both are accurate to a unit in the last place.
    size_t eighth = (8 * k) / n;
    size_t quarter = n / 4;
    double x;
    switch (eighth) {
        case 0: x = 2 * M_PI * (double)k / (double)n; *c = cos(x); *s = sin(x); break;
        case 1: x = 2 * M_PI * ((double)quarter - (double)k) / (double)n; *c = sin(x); *s = cos(x); break;
        case 2: x = 2 * M_PI * ((double)k - (double)quarter) / (double)n; *c = -sin(x); *s = cos(x); break;
        case 3: x = 2 * M_PI * (2.0 * (double)quarter - (double)k) / (double)n; *c = -cos(x); *s = sin(x); break;
        case 4: x = 2 * M_PI * ((double)k - 2.0 * (double)quarter) / (double)n; *c = -cos(x); *s = -sin(x); break;
        case 5: x = 2 * M_PI * (3.0 * (double)quarter - (double)k) / (double)n; *c = -sin(x); *s = -cos(x); break;
        case 6: x = 2 * M_PI * ((double)k - 3.0 * (double)quarter) / (double)n; *c = sin(x); *s = -cos(x); break;
        default: x = 2 * M_PI * ((double)n - (double)k) / (double)n; *c = cos(x); *s = -sin(x); break;
    }
}

tacit_fourier *tacit_fourier_create(int32_t log_length) {
    tacit_fourier *plan = calloc(1, sizeof *plan);
    if (!plan) return NULL;
    plan->log_length = log_length;
    size_t words = 0;
    for (int32_t log = log_length; log >= 2; log -= 2) words += 6 * ((size_t)1 << (log - 2));
    plan->memory = aligned_alloc(64, (words * sizeof(double) + 127) / 64 * 64);
    if (!plan->memory) {
        free(plan);
        return NULL;
    }
    double *next = plan->memory;
    int level = 0;
    for (int32_t log = log_length; log >= 2; log -= 2, level++) {
        size_t n = (size_t)1 << log, m = n / 4;
        plan->levels[level] = next;
        for (size_t power = 1; power <= 3; power++)
            for (size_t j = 0; j < m; j++)
                circle(next + (2 * power - 2) * m + j, next + (2 * power - 1) * m + j, power * j, n);
        next += 6 * m;
    }
    return plan;
}

void tacit_fourier_destroy(tacit_fourier *plan) {
    if (!plan) return;
    free(plan->memory);
    free(plan);
}

// exp(−iφ) = c − i·s forward, exp(iφ) = c + i·s backward.
#define DEFINE_FOURIER(NAME, ATTRIBUTE)                                                                               \
    ATTRIBUTE static void NAME##_forward(const tacit_fourier *plan, double *restrict re, double *restrict im) {       \
        size_t length = (size_t)1 << plan->log_length;                                                                \
        int level = 0;                                                                                                \
        int32_t log = plan->log_length;                                                                               \
        for (; log >= 2; log -= 2, level++) {                                                                         \
            size_t n = (size_t)1 << log, m = n / 4;                                                                   \
            const double *restrict c1 = plan->levels[level], *restrict s1 = c1 + m, *restrict c2 = s1 + m,            \
                         *restrict s2 = c2 + m, *restrict c3 = s2 + m, *restrict s3 = c3 + m;                         \
            for (size_t start = 0; start < length; start += n) {                                                      \
                double *restrict r0 = re + start, *restrict r1 = r0 + m, *restrict r2 = r1 + m,                       \
                                *restrict r3 = r2 + m;                                                                \
                double *restrict i0 = im + start, *restrict i1 = i0 + m, *restrict i2 = i1 + m,                       \
                                *restrict i3 = i2 + m;                                                                \
                for (size_t j = 0; j < m; j++) {                                                                      \
                    double ar = r0[j] + r2[j], ai = i0[j] + i2[j], br = r0[j] - r2[j], bi = i0[j] - i2[j];            \
                    double cr = r1[j] + r3[j], ci = i1[j] + i3[j], dr = i1[j] - i3[j], di = r3[j] - r1[j];            \
                    double er = ar - cr, ei = ai - ci, fr = br + dr, fi = bi + di, gr = br - dr, gi = bi - di;        \
                    r0[j] = ar + cr;                                                                                  \
                    i0[j] = ai + ci;                                                                                  \
                    r1[j] = er * c2[j] + ei * s2[j];                                                                  \
                    i1[j] = ei * c2[j] - er * s2[j];                                                                  \
                    r2[j] = fr * c1[j] + fi * s1[j];                                                                  \
                    i2[j] = fi * c1[j] - fr * s1[j];                                                                  \
                    r3[j] = gr * c3[j] + gi * s3[j];                                                                  \
                    i3[j] = gi * c3[j] - gr * s3[j];                                                                  \
                }                                                                                                     \
            }                                                                                                         \
        }                                                                                                             \
        if (log == 1)                                                                                                 \
            for (size_t j = 0; j < length; j += 2) {                                                                  \
                double ar = re[j], ai = im[j], br = re[j + 1], bi = im[j + 1];                                        \
                re[j] = ar + br, im[j] = ai + bi, re[j + 1] = ar - br, im[j + 1] = ai - bi;                           \
            }                                                                                                         \
    }                                                                                                                 \
    ATTRIBUTE static void NAME##_inverse(const tacit_fourier *plan, double *restrict re, double *restrict im) {       \
        size_t length = (size_t)1 << plan->log_length;                                                                \
        int32_t log = plan->log_length % 2 + 2;                                                                       \
        int level = plan->log_length / 2 - 1;                                                                         \
        if (plan->log_length % 2)                                                                                     \
            for (size_t j = 0; j < length; j += 2) {                                                                  \
                double ar = re[j], ai = im[j], br = re[j + 1], bi = im[j + 1];                                        \
                re[j] = ar + br, im[j] = ai + bi, re[j + 1] = ar - br, im[j + 1] = ai - bi;                           \
            }                                                                                                         \
        for (; level >= 0; log += 2, level--) {                                                                       \
            size_t n = (size_t)1 << log, m = n / 4;                                                                   \
            const double *restrict c1 = plan->levels[level], *restrict s1 = c1 + m, *restrict c2 = s1 + m,            \
                         *restrict s2 = c2 + m, *restrict c3 = s2 + m, *restrict s3 = c3 + m;                         \
            for (size_t start = 0; start < length; start += n) {                                                      \
                double *restrict r0 = re + start, *restrict r1 = r0 + m, *restrict r2 = r1 + m,                       \
                                *restrict r3 = r2 + m;                                                                \
                double *restrict i0 = im + start, *restrict i1 = i0 + m, *restrict i2 = i1 + m,                       \
                                *restrict i3 = i2 + m;                                                                \
                for (size_t j = 0; j < m; j++) {                                                                      \
                    double er = r1[j] * c2[j] - i1[j] * s2[j], ei = i1[j] * c2[j] + r1[j] * s2[j];                    \
                    double fr = r2[j] * c1[j] - i2[j] * s1[j], fi = i2[j] * c1[j] + r2[j] * s1[j];                    \
                    double gr = r3[j] * c3[j] - i3[j] * s3[j], gi = i3[j] * c3[j] + r3[j] * s3[j];                    \
                    double ar = r0[j] + er, ai = i0[j] + ei, br = r0[j] - er, bi = i0[j] - ei;                        \
                    double cr = fr + gr, ci = fi + gi, dr = gi - fi, di = fr - gr;                                    \
                    r0[j] = ar + cr, i0[j] = ai + ci;                                                                 \
                    r2[j] = ar - cr, i2[j] = ai - ci;                                                                 \
                    r1[j] = br + dr, i1[j] = bi + di;                                                                 \
                    r3[j] = br - dr, i3[j] = bi - di;                                                                 \
                }                                                                                                     \
            }                                                                                                         \
        }                                                                                                             \
    }

#if defined(__x86_64__)
DEFINE_FOURIER(avx512, __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma,prefer-256-bit"))))
DEFINE_FOURIER(avx2, __attribute__((target("avx2,fma"))))
#endif
DEFINE_FOURIER(plain, )

void tacit_fourier_forward(const tacit_fourier *plan, double *real, double *imaginary) {
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA) {
        avx512_forward(plan, real, imaginary);
        return;
    }
    if (tier >= TACIT_TIER_AVX2) {
        avx2_forward(plan, real, imaginary);
        return;
    }
#endif
    plain_forward(plan, real, imaginary);
}

void tacit_fourier_inverse(const tacit_fourier *plan, double *real, double *imaginary) {
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA) {
        avx512_inverse(plan, real, imaginary);
        return;
    }
    if (tier >= TACIT_TIER_AVX2) {
        avx2_inverse(plan, real, imaginary);
        return;
    }
#endif
    plain_inverse(plan, real, imaginary);
}
