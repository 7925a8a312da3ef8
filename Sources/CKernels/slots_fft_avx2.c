// The canonical embedding with AVX2: four doubles a register.
#if defined(__x86_64__)

#define LANES 4
#define TARGET __attribute__((target("avx2,fma")))
#define TIER(NAME) tacit_slots_avx2_##NAME
#include "slots_fft_tier.h"

#endif
