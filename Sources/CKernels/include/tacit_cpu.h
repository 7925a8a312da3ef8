#ifndef TACIT_CPU_H
#define TACIT_CPU_H

#include <stdint.h>

/// Instruction-set tiers, each including the ones before it.
enum {
    TACIT_TIER_SCALAR = 0,
    TACIT_TIER_AVX2 = 1,         ///< AVX2 with FMA
    TACIT_TIER_AVX512_IFMA = 2,  ///< AVX-512 F, DQ, VL, BW and IFMA (52-bit products)
};

/// The highest tier that processor and operating system offer, lowered by `tacit_cpu_limit_tier`.
int32_t tacit_cpu_tier(void);

/// Lowers the tier that kernels may use, for tests and benchmarks that compare tiers; a value above the machine's own
/// changes nothing. Process-wide.
void tacit_cpu_limit_tier(int32_t highest);

#endif
