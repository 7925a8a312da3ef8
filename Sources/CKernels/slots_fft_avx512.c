// The canonical embedding with AVX-512: eight doubles a register.
#if defined(__x86_64__)

#define LANES 8
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw"), min_vector_width(512)))
#define TIER(NAME) tacit_slots_avx512_##NAME
#include "slots_fft_tier.h"

#endif
