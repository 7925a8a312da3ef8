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

/// ln x for normal positive x: x = 2^e·m with m in [√½, √2), series in s = (m − 1)/(m + 1).
#define LOGARITHM(x, result)                                                                             \
    do {                                                                                                 \
        ints bits = (ints)(x);                                                                           \
        ints exponent = (bits - 0x3f3504f3) >> 23;                                                       \
        floats m = (floats)(bits - (exponent << 23));                                                    \
        floats s = (m - 1.0f) / (m + 1.0f), t = s * s;                                                   \
        floats series = ((t * 0.22222222f + 0.28571429f) * t + 0.4f) * t + 0.66666667f;                  \
        (result) = __builtin_convertvector(exponent, floats) * 0.69314718f + s * (2.0f + t * series);    \
    } while (0)

/// Draws again, in doubles and with 64 more bits, what came from a word below TAIL.
static void refine(const uint32_t *random, const uint64_t *tail, size_t spare, size_t *used, floats z[2]) {
    for (size_t lane = 0; lane < 16; lane++) {
        if (random[lane] >= TAIL) continue;
        if (*used == spare) abort();
        double u = ((double)random[lane] + ((double)tail[(*used)++] + 0.5) * 0x1p-64) * 0x1p-32;
        double angle = ((double)random[16 + lane] + 0.5) * (2 * M_PI * 0x1p-32), radius = sqrt(-2 * log(u));
        z[0][lane] = (float)(radius * cos(angle));
        z[1][lane] = (float)(radius * sin(angle));
    }
}

// Angle 2π·v/2³²: the top three bits choose the octant, the rest an angle in [0, π/4].
#define DEFINE_GAUSSIAN(TIER, ATTRIBUTE)                                                                             \
    ATTRIBUTE static void pairs_##TIER(const uint32_t *random, floats *first, floats *second) {                      \
        words u, v;                                                                                                  \
        memcpy(&u, random, sizeof u);                                                                                \
        memcpy(&v, random + 16, sizeof v);                                                                           \
        /* (u + ½)/2³² in (0, 1], from the two halves of u so that small values keep their bits. */                  \
        floats uniform = __builtin_convertvector((ints)(u >> 16), floats) * 0x1p-16f +                               \
                         (__builtin_convertvector((ints)(u & 0xffff), floats) + 0.5f) * 0x1p-32f;                    \
        floats logarithm;                                                                                            \
        LOGARITHM(uniform, logarithm);                                                                               \
        floats square = -2.0f * logarithm;                                                                           \
        square = (floats)((ints)square & (square > 0.0f));                                                           \
        floats radius = __builtin_elementwise_sqrt(square);                                                          \
        words octant = v >> 29;                                                                                      \
        /* Odd octants run backwards, which keeps the angle within [0, π/4]. */                                      \
        words low = v & 0x1fffffff;                                                                                  \
        low ^= (0u - (octant & 1)) & 0x1fffffff;                                                                      \
        floats angle = (__builtin_convertvector((ints)low, floats) + 0.5f) * (float)(M_PI / 4 / 0x1p29);             \
        floats a2 = angle * angle;                                                                                   \
        floats sine = angle * (1.0f + a2 * (-0.16666667f + a2 * (8.3333310e-3f + a2 * -1.9840874e-4f)));             \
        floats cosine = 1.0f + a2 * (-0.5f + a2 * (0.041666668f + a2 * (-1.3888889e-3f + a2 * 2.4801587e-5f)));      \
        ints swaps = ((ints)((octant + 1) & 2) != 0);                                                                \
        floats c = SELECT(swaps, sine, cosine), s = SELECT(swaps, cosine, sine);                                     \
        words cosine_sign = (words)((ints)((octant + 2) & 4) != 0) & 0x80000000u, sine_sign = (octant & 4) << 29;    \
        *first = radius * (floats)((words)c ^ cosine_sign);                                                          \
        *second = radius * (floats)((words)s ^ sine_sign);                                                           \
    }                                                                                                                \
    /* Rounds to the grid by adding and subtracting 1.5·2²³ grids, which leaves larger values as they are. */        \
    ATTRIBUTE static void add_##TIER(const uint32_t *random, const uint64_t *tail, size_t spare, float deviation,    \
                                     float grid, float *y, size_t count) {                                           \
        const float magic = 12582912.0f * grid, limit = 4194304.0f * grid;                                           \
        size_t used = 0;                                                                                             \
        for (size_t i = 0; i < count; i += 32) {                                                                     \
            floats z[2];                                                                                             \
            pairs_##TIER(random + i, &z[0], &z[1]);                                                                  \
            words u;                                                                                                 \
            memcpy(&u, random + i, sizeof u);                                                                        \
            if (__builtin_expect(__builtin_reduce_min(u) < TAIL, 0))                                                 \
                refine(random + i, tail, spare, &used, z);                                                           \
            for (size_t half = 0; half < 2 && i + 16 * half < count; half++) {                                       \
                size_t here = count - i - 16 * half < 16 ? count - i - 16 * half : 16;                               \
                floats value = {0};                                                                                  \
                if (here == 16) memcpy(&value, y + i + 16 * half, 64);                                               \
                else for (size_t lane = 0; lane < here; lane++) value[lane] = y[i + 16 * half + lane];               \
                floats rounded = (value + magic) - magic;                                                            \
                ints small = (value < limit) & (value > -limit);                                                     \
                value = SELECT(small, rounded, value);                                                               \
                value += (z[half] * deviation + magic) - magic;                                                      \
                if (here == 16) memcpy(y + i + 16 * half, &value, 64);                                               \
                else for (size_t lane = 0; lane < here; lane++) y[i + 16 * half + lane] = value[lane];               \
            }                                                                                                        \
        }                                                                                                            \
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
