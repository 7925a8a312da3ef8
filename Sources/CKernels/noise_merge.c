#include "tacit_cpu.h"
#include "tacit_noise.h"

// Each output block stays in registers while all atoms are added to it.
#define DEFINE_MERGE(NAME, LANES, ATTRIBUTE)                                                                         \
    typedef double NAME##_vector __attribute__((vector_size(8 * LANES), aligned(8)));                                \
    ATTRIBUTE static void NAME(double *out, size_t n, const double *padded, const int32_t *shifts,                   \
                               const double *masses, size_t atoms) {                                                 \
        for (size_t i = 0; i < n; i += 4 * LANES) {                                                                  \
            NAME##_vector sum[4] = {{0}, {0}, {0}, {0}};                                                             \
            for (size_t k = 0; k < atoms; k++) {                                                                     \
                const double *from = padded + (ptrdiff_t)i - shifts[k];                                              \
                for (int j = 0; j < 4; j++) sum[j] += masses[k] * *(const NAME##_vector *)(from + j * LANES);        \
            }                                                                                                        \
            for (int j = 0; j < 4; j++) *(NAME##_vector *)(out + i + (size_t)j * LANES) = sum[j];                    \
        }                                                                                                            \
    }

#if defined(__x86_64__)
DEFINE_MERGE(merge_avx512, 8, __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))))
DEFINE_MERGE(merge_avx2, 4, __attribute__((target("avx2,fma"))))
#endif
DEFINE_MERGE(merge_baseline, 2, )

void tacit_noise_merge(double *out, size_t n, const double *padded, const int32_t *shifts, const double *masses,
                       size_t atoms) {
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA) return merge_avx512(out, n, padded, shifts, masses, atoms);
    if (tier >= TACIT_TIER_AVX2) return merge_avx2(out, n, padded, shifts, masses, atoms);
#endif
    merge_baseline(out, n, padded, shifts, masses, atoms);
}
