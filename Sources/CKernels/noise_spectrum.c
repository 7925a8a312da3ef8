// Products of powers of spectra, with a running bound on what errors of the factors can do.
#include <math.h>
#include <string.h>

#include "tacit_cpu.h"
#include "tacit_noise.h"

enum { RUN = 64 };

#define DEFINE_SPECTRUM(NAME, ATTRIBUTE)                                                                              \
    ATTRIBUTE static void NAME##_power(double *vr, double *vi, double *bound, double *zr, double *zi, size_t n,       \
                                       uint64_t count, double error) {                                                \
        double m[RUN];                                                                                                \
        for (size_t j = 0; j < n; j++) m[j] = sqrt(zr[j] * zr[j] + zi[j] * zi[j]) + error;                            \
        while (count) {                                                                                               \
            if (count & 1)                                                                                            \
                for (size_t j = 0; j < n; j++) {                                                                      \
                    double r = vr[j] * zr[j] - vi[j] * zi[j];                                                         \
                    vi[j] = vr[j] * zi[j] + vi[j] * zr[j];                                                            \
                    vr[j] = r;                                                                                        \
                    bound[j] *= m[j];                                                                                 \
                }                                                                                                     \
            count >>= 1;                                                                                              \
            if (count)                                                                                                \
                for (size_t j = 0; j < n; j++) {                                                                      \
                    double r = zr[j] * zr[j] - zi[j] * zi[j];                                                         \
                    zi[j] = 2 * zr[j] * zi[j];                                                                        \
                    m[j] *= m[j];                                                                                     \
                    double keep = m[j] < 1e-150 ? 0.0 : 1.0;                                                          \
                    zr[j] = r * keep;                                                                                 \
                    zi[j] *= keep;                                                                                    \
                    m[j] = m[j] < 1e-150 ? 1e-150 : m[j];                                                             \
                }                                                                                                     \
        }                                                                                                             \
        for (size_t j = 0; j < n; j++) {                                                                              \
            double keep = bound[j] < 1e-150 ? 0.0 : 1.0;                                                              \
            vr[j] *= keep;                                                                                            \
            vi[j] *= keep;                                                                                            \
            bound[j] = bound[j] < 1e-150 ? 1e-150 : bound[j];                                                         \
        }                                                                                                             \
    }                                                                                                                 \
    ATTRIBUTE static void NAME(double *vr, double *vi, double *bound, const double *re, const double *im,             \
                               const double *last_re, const double *last_im, size_t n, uint64_t count_a,              \
                               uint64_t count_b, double error) {                                                      \
        /* position j belongs with partner last − j */                                                                \
        double zr[RUN], zi[RUN];                                                                                      \
        if (count_a) {                                                                                                \
            for (size_t j = 0; j < n; j++) {                                                                          \
                zr[j] = 0.5 * (re[j] + *(last_re - j));                                                               \
                zi[j] = 0.5 * (im[j] - *(last_im - j));                                                               \
            }                                                                                                         \
            NAME##_power(vr, vi, bound, zr, zi, n, count_a, error);                                                   \
        }                                                                                                             \
        if (count_b) {                                                                                                \
            for (size_t j = 0; j < n; j++) {                                                                          \
                zr[j] = 0.5 * (im[j] + *(last_im - j));                                                               \
                zi[j] = 0.5 * (*(last_re - j) - re[j]);                                                               \
            }                                                                                                         \
            NAME##_power(vr, vi, bound, zr, zi, n, count_b, error);                                                   \
        }                                                                                                             \
    }

#if defined(__x86_64__)
DEFINE_SPECTRUM(avx512, __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma,prefer-256-bit"))))
DEFINE_SPECTRUM(avx2, __attribute__((target("avx2,fma"))))
#endif
DEFINE_SPECTRUM(plain, )

static void run(double *vr, double *vi, double *bound, const double *re, const double *im, const double *last_re,
                const double *last_im, size_t n, uint64_t count_a, uint64_t count_b, double error) {
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA) {
        avx512(vr, vi, bound, re, im, last_re, last_im, n, count_a, count_b, error);
        return;
    }
    if (tier >= TACIT_TIER_AVX2) {
        avx2(vr, vi, bound, re, im, last_re, last_im, n, count_a, count_b, error);
        return;
    }
#endif
    plain(vr, vi, bound, re, im, last_re, last_im, n, count_a, count_b, error);
}

void tacit_spectrum_multiply(double *product_real, double *product_imaginary, double *bound, const double *real,
                             const double *imaginary, size_t length, uint64_t count_a, uint64_t count_b,
                             double error) {
    size_t at = 0;
    for (size_t p = 0; p < 2; p++, at++)
        run(product_real + at, product_imaginary + at, bound + at, real + p, imaginary + p, real + p, imaginary + p, 1,
            count_a, count_b, error);
    for (size_t block = 2; block < length; block *= 2)
        for (size_t j = 0; j < block / 2; j += RUN) {
            size_t n = block / 2 - j < RUN ? block / 2 - j : RUN, last = 2 * block - 1 - j;
            run(product_real + at, product_imaginary + at, bound + at, real + block + j, imaginary + block + j,
                real + last, imaginary + last, n, count_a, count_b, error);
            at += n;
        }
}

void tacit_spectrum_complete(double *real, double *imaginary, const double *half_real, const double *half_imaginary,
                             size_t length) {
    size_t at = 0;
    for (size_t p = 0; p < 2; p++, at++) {
        real[p] = half_real[at];
        imaginary[p] = half_imaginary[at];
    }
    for (size_t block = 2; block < length; block *= 2)
        for (size_t j = 0; j < block / 2; j++, at++) {
            real[block + j] = real[2 * block - 1 - j] = half_real[at];
            imaginary[block + j] = half_imaginary[at];
            imaginary[2 * block - 1 - j] = -half_imaginary[at];
        }
}
