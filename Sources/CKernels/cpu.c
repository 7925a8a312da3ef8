#include "tacit_cpu.h"

#include <stdatomic.h>

static _Atomic int32_t limit = INT32_MAX;

static int32_t machine_tier(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) return TACIT_TIER_SCALAR;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512ifma"))
        return TACIT_TIER_AVX512_IFMA;
    return TACIT_TIER_AVX2;
#else
    return TACIT_TIER_SCALAR;
#endif
}

// −1 until it is known; every thread finds the same.
static _Atomic int32_t known = -1;

int32_t tacit_cpu_tier(void) {
    int32_t machine = atomic_load_explicit(&known, memory_order_relaxed);
    if (machine < 0) {
        machine = machine_tier();
        atomic_store_explicit(&known, machine, memory_order_relaxed);
    }
    int32_t highest = atomic_load_explicit(&limit, memory_order_relaxed);
    return machine < highest ? machine : highest;
}

void tacit_cpu_limit_tier(int32_t highest) {
    atomic_store_explicit(&limit, highest, memory_order_relaxed);
}
