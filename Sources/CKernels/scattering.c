#include <stdint.h>
#include <string.h>

#include "tacit_cpu.h"
#include "tacit_scattering.h"

typedef float lanes __attribute__((vector_size(64), aligned(64)));

/// Lines longer than this are refused by the caller.
#define TACIT_SCATTERING_LONGEST 256

#if defined(__x86_64__)
#define ATTRIBUTE __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma")))
#define NAME(x) avx512_##x
#include "scattering_tier.h"
#undef ATTRIBUTE
#undef NAME
#define ATTRIBUTE __attribute__((target("avx2,fma")))
#define NAME(x) avx2_##x
#include "scattering_tier.h"
#undef ATTRIBUTE
#undef NAME
#endif
#define ATTRIBUTE
#define NAME(x) baseline_##x
#include "scattering_tier.h"

size_t tacit_scattering_scratch(const tacit_scattering_plan *plan) {
    size_t size = plan->rows * plan->columns;
    return (4 * size + size / 2) * TACIT_SCATTERING_LANES;
}

void tacit_scattering_transform(const tacit_scattering_plan *plan, const float *images, float *result, float *scratch) {
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA) return avx512_scattering(plan, images, result, scratch);
    if (tier >= TACIT_TIER_AVX2) return avx2_scattering(plan, images, result, scratch);
#endif
    baseline_scattering(plan, images, result, scratch);
}
