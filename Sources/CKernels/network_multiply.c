#include "tacit_cpu.h"
#include "tacit_network.h"

#if defined(__x86_64__)
#define LANES 16
#define TILE_ROWS 14
#define ATTRIBUTE __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma")))
#define NAME(x) avx512_##x
// Left to itself the compiler loads all factors of a step first and spills the sums; the assembly fixes the order.
#define STEP_1(sum, left, right)                           \
    __asm__ volatile("vfmadd231ps (%1)%{1to16%}, %2, %0"   \
                     : "+v"((sum)[0])                      \
                     : "r"(left), "v"((right)[0]), "m"(*(left)))
#define STEP_2(sum, left, right)                                        \
    do {                                                                \
        NAME(vector) factor;                                            \
        __asm__ volatile("vbroadcastss (%3), %2\n\t"                    \
                         "vfmadd231ps %4, %2, %0\n\t"                   \
                         "vfmadd231ps %5, %2, %1"                       \
                         : "+v"((sum)[0]), "+v"((sum)[1]), "=&v"(factor) \
                         : "r"(left), "v"((right)[0]), "v"((right)[1]), "m"(*(left))); \
    } while (0)
#include "network_multiply_tier.h"
#undef LANES
#undef TILE_ROWS
#undef ATTRIBUTE
#undef NAME
#define LANES 8
#define TILE_ROWS 6
#define ATTRIBUTE __attribute__((target("avx2,fma")))
#define NAME(x) avx2_##x
#include "network_multiply_tier.h"
#undef LANES
#undef TILE_ROWS
#undef ATTRIBUTE
#undef NAME
#endif
// The baseline: SSE2 on x86 without AVX2, NEON elsewhere.
#define LANES 4
#define TILE_ROWS 6
#define ATTRIBUTE
#define NAME(x) baseline_##x
#include "network_multiply_tier.h"

void tacit_network_multiply(const float *a, const int32_t *row_offsets, const int32_t *inner_offsets, const float *b,
                            ptrdiff_t b_stride, int b_transposed, float *c, ptrdiff_t c_stride, size_t rows,
                            size_t columns, size_t inner, int accumulate) {
    if (rows == 0 || columns == 0) return;
    if (inner == 0) {
        if (!accumulate)
            for (size_t i = 0; i < rows; i++)
                for (size_t j = 0; j < columns; j++) c[(ptrdiff_t)i * c_stride + (ptrdiff_t)j] = 0;
        return;
    }
#if defined(__x86_64__)
    int32_t tier = tacit_cpu_tier();
    if (tier >= TACIT_TIER_AVX512_IFMA) {
        avx512_multiply(a, row_offsets, inner_offsets, b, b_stride, b_transposed, c, c_stride, rows, columns, inner,
                        accumulate);
        return;
    }
    if (tier >= TACIT_TIER_AVX2) {
        avx2_multiply(a, row_offsets, inner_offsets, b, b_stride, b_transposed, c, c_stride, rows, columns, inner,
                      accumulate);
        return;
    }
#endif
    baseline_multiply(a, row_offsets, inner_offsets, b, b_stride, b_transposed, c, c_stride, rows, columns, inner,
                      accumulate);
}

// Tables of offsets are made for blocks of this many rows and inner indices, on the stack.
#define BLOCK 1024

void tacit_network_multiply_strided(const float *a, ptrdiff_t row_stride, ptrdiff_t inner_stride, const float *b,
                                    ptrdiff_t b_stride, int b_transposed, float *c, ptrdiff_t c_stride, size_t rows,
                                    size_t columns, size_t inner, int accumulate) {
    int32_t row_offsets[BLOCK], inner_offsets[BLOCK];
    size_t k0 = 0;
    do {
        size_t depth = inner - k0 < BLOCK ? inner - k0 : BLOCK;
        for (size_t k = 0; k < depth; k++) inner_offsets[k] = (int32_t)((ptrdiff_t)k * inner_stride);
        for (size_t i0 = 0; i0 < rows; i0 += BLOCK) {
            size_t height = rows - i0 < BLOCK ? rows - i0 : BLOCK;
            for (size_t i = 0; i < height; i++) row_offsets[i] = (int32_t)((ptrdiff_t)i * row_stride);
            tacit_network_multiply(a + (ptrdiff_t)i0 * row_stride + (ptrdiff_t)k0 * inner_stride, row_offsets,
                                   inner_offsets,
                                   b_transposed ? b + (ptrdiff_t)k0 : b + (ptrdiff_t)k0 * b_stride, b_stride,
                                   b_transposed, c + (ptrdiff_t)i0 * c_stride, c_stride, height, columns, depth,
                                   accumulate || k0 > 0);
        }
        k0 += depth;
    } while (k0 < inner);
}
