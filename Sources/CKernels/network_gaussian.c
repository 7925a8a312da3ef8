#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tacit_cpu.h"
#include "tacit_network.h"

// Box and Muller on blocks of 2·LANES numbers: radius √(−2 ln u) from one word, angle from the other. Written over
// vectors of 16 so that one text serves all tiers.

typedef float floats __attribute__((vector_size(64), aligned(4)));
typedef int32_t ints __attribute__((vector_size(64), aligned(4)));
typedef uint32_t words __attribute__((vector_size(64), aligned(4)));

/// Words below this have their logarithm taken again with more bits.
#define TAIL (1u << 12)

#define SELECT(mask, yes, no) ((floats)(((mask) & (ints)(yes)) | (~(mask) & (ints)(no))))

/// −2 ln x for x in (0, 1]: x = 2^e·m with m in [√½, √2), series in s = (m − 1)/(m + 1). Never below zero, since e ≤ 0 and
/// s ≤ 0 where e = 0.
#define LOGARITHM(x, result)                                                                           \
    do {                                                                                               \
        ints bits = (ints)(x);                                                                         \
        ints exponent = (bits - 0x3f3504f3) >> 23;                                                     \
        floats m = (floats)(bits - (exponent << 23));                                                  \
        floats s = (m - 1.0f) / (m + 1.0f), t = s * s;                                                 \
        floats series = ((t * -0.44444444f + -0.57142857f) * t + -0.8f) * t + -1.3333333f;             \
        (result) = __builtin_convertvector(exponent, floats) * -1.3862944f + s * (t * series + -4.0f); \
    } while (0)

/// Draws again, in doubles and with 64 more bits, what came from a word below TAIL.
__attribute__((noinline, cold)) static void refine(const uint32_t *random, const uint64_t *tail, size_t spare,
                                                   size_t *used, floats z[2]) {
    for (size_t lane = 0; lane < 16; lane++) {
        if (random[lane] >= TAIL) continue;
        if (*used == spare) abort();
        double u = ((double)random[lane] + ((double)tail[(*used)++] + 0.5) * 0x1p-64) * 0x1p-32;
        double angle = ((double)random[16 + lane] + 0.5) * (2 * M_PI * 0x1p-32), radius = sqrt(-2 * log(u));
        z[0][lane] = (float)(radius * cos(angle));
        z[1][lane] = (float)(radius * sin(angle));
    }
}

/// 32 numbers of which some are too large for the grid: those keep their bits, and only the noise is rounded.
__attribute__((noinline, cold)) static void add_large(float *y, const floats z[2], float deviation, float magic,
                                                      float limit) {
    for (size_t i = 0; i < 32; i++) {
        float value = y[i] < limit && y[i] > -limit ? (y[i] + magic) - magic : y[i];
        y[i] = value + ((z[i / 16][i % 16] * deviation + magic) - magic);
    }
}

// The angle: 30 bits of v choose it in [−π/4, π/4); the top bit turns it by half a circle and the next one exchanges sine
// and cosine, which together reach every quadrant once.
#define DEFINE_GAUSSIAN(TIER, ATTRIBUTE)                                                                             \
    ATTRIBUTE static void pairs_##TIER(const uint32_t *random, floats *first, floats *second) {                      \
        words u, v;                                                                                                  \
        memcpy(&u, random, sizeof u);                                                                                \
        memcpy(&v, random + 16, sizeof v);                                                                           \
        /* (u + ½)/2³² in (0, 1]; small values keep their bits. */                                                   \
        floats square;                                                                                               \
        floats uniform = __builtin_convertvector(u, floats) * 0x1p-32f + 0x1p-33f;                                   \
        LOGARITHM(uniform, square);                                                                                  \
        floats radius = (floats)((words)__builtin_elementwise_sqrt(square) ^ (v & 0x80000000u));                     \
        floats angle = __builtin_convertvector((ints)(v << 2), floats) * (float)(M_PI / 4 / 0x1p31) +                \
                       (float)(M_PI / 4 / 0x1p30);                                                                   \
        floats a2 = angle * angle;                                                                                   \
        floats sine = angle * (1.0f + a2 * (-0.16666667f + a2 * (8.3333310e-3f + a2 * -1.9840874e-4f)));             \
        floats cosine = 1.0f + a2 * (-0.5f + a2 * (0.041666668f + a2 * (-1.3888889e-3f + a2 * 2.4801587e-5f)));      \
        ints swaps = (v & 0x40000000u) != 0;                                                                         \
        *first = radius * SELECT(swaps, sine, cosine);                                                               \
        *second = radius * SELECT(swaps, cosine, sine);                                                              \
    }                                                                                                                \
    /* 32 numbers: value + z·deviation, rounded once to the grid by adding and subtracting 1.5·2²³ grids. Values too \
       large for that keep their bits, and only the noise is rounded. */                                             \
    ATTRIBUTE static inline void block_##TIER(const uint32_t *random, const uint64_t *tail, size_t spare,            \
                                              size_t *used, float deviation, float grid, float *y) {                 \
        const float magic = 12582912.0f * grid, limit = 4000000.0f * grid;                                           \
        floats z[2];                                                                                                 \
        pairs_##TIER(random, &z[0], &z[1]);                                                                          \
        words u;                                                                                                     \
        memcpy(&u, random, sizeof u);                                                                                \
        if (__builtin_expect(__builtin_reduce_or((ints)(u < TAIL)), 0)) {                                            \
            floats refined[2] = {z[0], z[1]};                                                                        \
            refine(random, tail, spare, used, refined);                                                              \
            z[0] = refined[0];                                                                                       \
            z[1] = refined[1];                                                                                       \
        }                                                                                                            \
        floats first, second;                                                                                        \
        memcpy(&first, y, sizeof first);                                                                             \
        memcpy(&second, y + 16, sizeof second);                                                                      \
        ints large = ((ints)first & 0x7fffffff) >= (ints)((floats){0} + limit);                                      \
        large |= ((ints)second & 0x7fffffff) >= (ints)((floats){0} + limit);                                         \
        floats a = (z[0] * deviation + (first + magic)) - magic, b = (z[1] * deviation + (second + magic)) - magic;  \
        if (__builtin_expect(__builtin_reduce_or(large), 0)) {                                                       \
            const floats noise[2] = {z[0], z[1]};                                                                    \
            add_large(y, noise, deviation, magic, limit);                                                            \
            return;                                                                                                  \
        }                                                                                                            \
        memcpy(y, &a, sizeof a);                                                                                     \
        memcpy(y + 16, &b, sizeof b);                                                                                \
    }                                                                                                                \
    ATTRIBUTE static void add_##TIER(const uint32_t *random, const uint64_t *tail, size_t spare, float deviation,    \
                                     float grid, float *y, size_t count) {                                           \
        size_t used = 0, i = 0;                                                                                      \
        for (; i + 32 <= count; i += 32) block_##TIER(random + i, tail, spare, &used, deviation, grid, y + i);       \
        if (i == count) return;                                                                                      \
        float rest[32] = {0};                                                                                        \
        memcpy(rest, y + i, (count - i) * sizeof *y);                                                                \
        block_##TIER(random + i, tail, spare, &used, deviation, grid, rest);                                         \
        memcpy(y + i, rest, (count - i) * sizeof *y);                                                                \
    }

DEFINE_GAUSSIAN(baseline, )
#if defined(__x86_64__)
DEFINE_GAUSSIAN(avx2, __attribute__((target("avx2,fma"))))
DEFINE_GAUSSIAN(avx512, __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))))
#endif

void tacit_network_add_gaussian(const uint32_t *random, const uint64_t *tail, size_t spare, float deviation, float *y,
                                size_t count) {
    int exponent;
    frexpf(deviation, &exponent);
    float grid = ldexpf(1, exponent - 1 - 12);
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA) return add_avx512(random, tail, spare, deviation, grid, y, count);
    if (tier >= TACIT_TIER_AVX2) return add_avx2(random, tail, spare, deviation, grid, y, count);
#endif
    add_baseline(random, tail, spare, deviation, grid, y, count);
}
