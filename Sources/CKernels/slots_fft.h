// Shared by the tiers of the canonical embedding.
#ifndef TACIT_SLOTS_FFT_H
#define TACIT_SLOTS_FFT_H

#include "tacit_cpu.h"
#include "tacit_slots.h"

struct tacit_slots {
    size_t slots;
    // Entry h + j, j < h, is exp(2πi · 5^j / 8h): the twiddle of pair j in blocks of 2h values.
    double *real, *imaginary;
};

static inline uint32_t slots_reverse(uint32_t x, int32_t count) {
    uint32_t r = 0;
    for (int32_t i = 0; i < count; i++) r |= ((x >> i) & 1) << (count - 1 - i);
    return r;
}

// Each tier, for n ≥ 4 (2 lanes), 16 (4 lanes), 64 (8 lanes). `interpolate` works on z in place and leaves it spoiled.
#define DECLARE_SLOTS_TIER(TIER)                                                                                   \
    void TIER##_evaluate(const tacit_slots *, double *, double *, const double *, const double *, size_t, double); \
    void TIER##_interpolate(const tacit_slots *, double *, double *, double *, double *, size_t, double);

DECLARE_SLOTS_TIER(tacit_slots_two)
#if defined(__x86_64__)
DECLARE_SLOTS_TIER(tacit_slots_avx2)
DECLARE_SLOTS_TIER(tacit_slots_avx512)
#endif

#endif
