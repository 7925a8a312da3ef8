// The element-wise kernels of each tier; same contracts as their public namesakes.
#ifndef TACIT_LATTICE_VECTOR_H
#define TACIT_LATTICE_VECTOR_H

#include "lattice_scalar.h"
#include "tacit_cpu.h"

#define DECLARE_TIER(TIER)                                                                                             \
    void TIER##_add(uint64_t *, const uint64_t *, const uint64_t *, size_t, const tacit_modulus *);                    \
    void TIER##_subtract(uint64_t *, const uint64_t *, const uint64_t *, size_t, const tacit_modulus *);               \
    void TIER##_multiply(uint64_t *, const uint64_t *, const uint64_t *, size_t, const tacit_modulus *);               \
    void TIER##_multiply_add(uint64_t *, const uint64_t *, const uint64_t *, const uint64_t *, size_t,                 \
                             const tacit_modulus *);                                                                   \
    void TIER##_scale_add(uint64_t *, const uint64_t *, uint64_t, const uint64_t *, size_t, const tacit_modulus *);    \
    void TIER##_subtract_scale(uint64_t *, const uint64_t *, const uint64_t *, uint64_t, size_t,                       \
                               const tacit_modulus *);                                                                 \
    void TIER##_dot_pair(uint64_t *, uint64_t *, const uint64_t *const *, const uint64_t *const *,                     \
                         const uint64_t *const *, size_t, size_t, const tacit_modulus *);                              \
    void TIER##_convert_prepare(uint64_t *const *, uint64_t *, const uint64_t *const *, const tacit_conversion *,      \
                                size_t, size_t);                                                                       \
    void TIER##_convert_finish(uint64_t *const *, const uint64_t *const *, const uint64_t *, const tacit_conversion *, \
                               size_t, size_t);                                                                        \
    void TIER##_convert_one(uint64_t *, const uint64_t *, const tacit_modulus *, const tacit_modulus *, uint64_t,      \
                            size_t);                                                                                   \
    void TIER##_from_double(uint64_t *, const double *, size_t, const tacit_modulus *);                                \
    void TIER##_centred(double *, const uint64_t *const *, const tacit_garner *, size_t, size_t);

DECLARE_TIER(tacit_scalar)
#if defined(__x86_64__)
DECLARE_TIER(tacit_avx2)
DECLARE_TIER(tacit_ifma)
void tacit_ifma_automorphism(uint64_t *, const uint64_t *, const uint32_t *, uint32_t, size_t);
#endif

/// Steps that bring any double below 2^63: each takes off 49 bits or more of 1024.
#define DOUBLE_STEPS 20

// Calls the tier's own kernel.
#if defined(__x86_64__)
#define DISPATCH(NAME, ...)                                                           \
    switch (tacit_cpu_tier()) {                                                       \
        case TACIT_TIER_AVX512_IFMA: tacit_ifma_##NAME(__VA_ARGS__); break;           \
        case TACIT_TIER_AVX2: tacit_avx2_##NAME(__VA_ARGS__); break;                  \
        default: tacit_scalar_##NAME(__VA_ARGS__);                                    \
    }
#else
#define DISPATCH(NAME, ...) tacit_scalar_##NAME(__VA_ARGS__);
#endif

/// The eight positions inside a block of eight under X → X^g, for each position that the first of them may have.
void tacit_automorphism_lanes(uint64_t lanes[8][8], uint32_t g);

// Products of residues summed without reduction stay below 2^104 for sixteen products: both halves of 52 bits fit.
#define LAZY_PRODUCTS 16

// Long sums read more vectors side by side than prefetchers follow and cache sets hold. So from this many products on
// they are done a run of coefficients at a time, pair of products by pair of products, with the sums in the first cache:
// each vector is read in stretches of 4 KiB.
#define LONG_SUM 5
#define SUM_RUN 512

#endif
