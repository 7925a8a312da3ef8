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

float tacit_network_sum_of_squares(const float *x, size_t count) { CHOOSE(sum_of_squares, x, count); }

void tacit_network_add(float factor, const float *x, float *y, size_t count) { CHOOSE(add, factor, x, y, count); }
