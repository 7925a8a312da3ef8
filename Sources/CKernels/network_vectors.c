#include "tacit_cpu.h"
#include "tacit_network.h"

#include <math.h>

// Loops over vectors, compiled once for every tier: the attribute of the caller decides the width.

#define DEFINE_LOOPS(TIER, ATTRIBUTE)                                                                   \
    ATTRIBUTE static float sum_of_squares_##TIER(const float *x, size_t count) {                        \
        float sums[16] = {0};                                                                           \
        size_t i = 0;                                                                                   \
        for (; i + 16 <= count; i += 16)                                                                \
            for (int j = 0; j < 16; j++) sums[j] += x[i + (size_t)j] * x[i + (size_t)j];                \
        float rest = 0;                                                                                 \
        for (; i < count; i++) rest += x[i] * x[i];                                                     \
        for (int half = 8; half > 0; half /= 2)                                                         \
            for (int j = 0; j < half; j++) sums[j] += sums[j + half];                                   \
        return sums[0] + rest;                                                                          \
    }                                                                                                   \
    ATTRIBUTE static void add_##TIER(float factor, const float *restrict x, float *restrict y, size_t count) { \
        for (size_t i = 0; i < count; i++) y[i] += factor * x[i];                                       \
    }                                                                                                   \
    ATTRIBUTE static void rectify_##TIER(const float *restrict x, float *restrict y, size_t count) {    \
        for (size_t i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : 0;                                  \
    }                                                                                                   \
    ATTRIBUTE static void mask_##TIER(const float *restrict x, float *restrict g, size_t count) {       \
        for (size_t i = 0; i < count; i++) {                                                            \
            float value = g[i];                                                                         \
            g[i] = x[i] > 0 ? value : 0;                                                                \
        }                                                                                               \
    }                                                                                                   \
    ATTRIBUTE static void maximum_##TIER(const float *restrict image, size_t line_stride, size_t lines, size_t columns, \
                                         size_t channels, int32_t first, float *restrict best,          \
                                         int32_t *restrict place) {                                     \
        for (size_t c = 0; c < channels; c++) {                                                         \
            best[c] = image[c];                                                                         \
            place[c] = first + (int32_t)c;                                                              \
        }                                                                                               \
        for (size_t line = 0; line < lines; line++)                                                     \
            for (size_t column = 0; column < columns; column++) {                                       \
                size_t start = line * line_stride + column * channels;                                  \
                const float *source = image + start;                                                    \
                int32_t index = first + (int32_t)start;                                                 \
                for (size_t c = 0; c < channels; c++) {                                                 \
                    int larger = source[c] > best[c];                                                   \
                    best[c] = larger ? source[c] : best[c];                                             \
                    place[c] = larger ? index + (int32_t)c : place[c];                                  \
                }                                                                                       \
            }                                                                                           \
    }

DEFINE_LOOPS(baseline, )
#if defined(__x86_64__)
DEFINE_LOOPS(avx2, __attribute__((target("avx2,fma"))))
DEFINE_LOOPS(avx512, __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))))
#define CHOOSE(NAME, ...)                                                            \
    do {                                                                             \
        int32_t tier = tacit_cpu_tier();                                             \
        if (tier >= TACIT_TIER_AVX512_IFMA) return NAME##_avx512(__VA_ARGS__);       \
        if (tier >= TACIT_TIER_AVX2) return NAME##_avx2(__VA_ARGS__);                \
        return NAME##_baseline(__VA_ARGS__);                                         \
    } while (0)
#else
#define CHOOSE(NAME, ...) return NAME##_baseline(__VA_ARGS__)
#endif

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))) static inline float row_squares_avx512(const float *x,
                                                                                                          size_t count) {
    __m512 sum = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        __m512 v = _mm512_loadu_ps(x + i);
        sum = _mm512_fmadd_ps(v, v, sum);
    }
    if (i < count) {
        __m512 v = _mm512_maskz_loadu_ps((__mmask16)((1u << (count - i)) - 1), x + i);
        sum = _mm512_fmadd_ps(v, v, sum);
    }
    return _mm512_reduce_add_ps(sum);
}

__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))) static void row_norms_avx512(
    const float *a, ptrdiff_t a_stride, size_t a_count, const float *g, ptrdiff_t g_stride, size_t g_count, float one,
    float *norms, size_t rows) {
    for (size_t r = 0; r < rows; r++)
        norms[r] += (one + row_squares_avx512(a + (ptrdiff_t)r * a_stride, a_count)) *
                    row_squares_avx512(g + (ptrdiff_t)r * g_stride, g_count);
}
#endif

void tacit_network_add_row_norms(const float *a, ptrdiff_t a_stride, size_t a_count, const float *g, ptrdiff_t g_stride,
                                 size_t g_count, float one, float *norms, size_t rows) {
#if defined(__x86_64__)
    if (tacit_cpu_tier() >= TACIT_TIER_AVX512_IFMA)
        return row_norms_avx512(a, a_stride, a_count, g, g_stride, g_count, one, norms, rows);
#endif
    for (size_t r = 0; r < rows; r++)
        norms[r] += (one + tacit_network_sum_of_squares(a + (ptrdiff_t)r * a_stride, a_count)) *
                    tacit_network_sum_of_squares(g + (ptrdiff_t)r * g_stride, g_count);
}

float tacit_network_sum_of_squares(const float *x, size_t count) { CHOOSE(sum_of_squares, x, count); }

void tacit_network_add(float factor, const float *x, float *y, size_t count) { CHOOSE(add, factor, x, y, count); }

void tacit_network_rectify(const float *x, float *y, size_t count) { CHOOSE(rectify, x, y, count); }

void tacit_network_mask_by_positive(const float *x, float *g, size_t count) { CHOOSE(mask, x, g, count); }

void tacit_network_window_maximum(const float *image, size_t line_stride, size_t lines, size_t columns, size_t channels,
                                  int32_t first, float *best, int32_t *place) {
    CHOOSE(maximum, image, line_stride, lines, columns, channels, first, best, place);
}
