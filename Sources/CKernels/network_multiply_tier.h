// The matrix product for one instruction set. The including file defines LANES (floats in a vector), TILE_ROWS (the
// accumulators fill the register file: TILE_ROWS × 2 of them), ATTRIBUTE and NAME(x).
//
// Loop order: blocks of the inner dimension, then panels of 2·LANES columns of B (packed where they are not already
// contiguous, so that a panel stays in the first-level cache), then tiles of rows of A, whose elements are broadcast
// straight from where they lie.

#define INNER_BLOCK 256

typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4)));

#ifndef STEP_1
#define STEP_1(sum, left, right) (sum)[0] += (*(left) - (NAME(vector)){0}) * (right)[0]
#define STEP_2(sum, left, right)                           \
    do {                                                   \
        NAME(vector) factor = *(left) - (NAME(vector)){0}; \
        (sum)[0] += factor * (right)[0];                   \
        (sum)[1] += factor * (right)[1];                   \
    } while (0)
#endif

#define UNROLLED(i, count) _Pragma("clang loop unroll(full)") for (int i = 0; i < count; i++)

// One tile of ROWS × (WIDTH·LANES), `inner` ≥ 1. STEP adds (one element of A) × (a row of B) to a row of sums.
#define DEFINE_TILE(ROWS, WIDTH)                                                                                     \
    ATTRIBUTE static void NAME(tile_##ROWS##_##WIDTH)(const float *const *a, const int32_t *restrict inner_offsets,  \
                                                      const float *restrict b, ptrdiff_t b_stride, float *restrict c, \
                                                      ptrdiff_t c_stride, size_t inner, int accumulate) {            \
        NAME(vector) sum[ROWS][WIDTH];                                                                               \
        const float *row[ROWS];                                                                                      \
        UNROLLED(i, ROWS) {                                                                                          \
            row[i] = a[i];                                                                                           \
            UNROLLED(j, WIDTH)                                                                                       \
            sum[i][j] = accumulate ? *(const NAME(vector) *)(c + i * c_stride + j * LANES) : (NAME(vector)){0};      \
        }                                                                                                            \
        for (size_t k = 0; k < inner; k++) {                                                                         \
            ptrdiff_t offset = inner_offsets[k];                                                                     \
            NAME(vector) right[WIDTH];                                                                               \
            UNROLLED(j, WIDTH) right[j] = *(const NAME(vector) *)(b + (ptrdiff_t)k * b_stride + j * LANES);          \
            UNROLLED(i, ROWS) STEP_##WIDTH(sum[i], row[i] + offset, right);                                          \
        }                                                                                                            \
        UNROLLED(i, ROWS) UNROLLED(j, WIDTH) *(NAME(vector) *)(c + i * c_stride + j * LANES) = sum[i][j];            \
    }

#pragma clang fp contract(fast)
#define DEFINE_TILES(ROWS) DEFINE_TILE(ROWS, 1) DEFINE_TILE(ROWS, 2)
DEFINE_TILES(1) DEFINE_TILES(2) DEFINE_TILES(3) DEFINE_TILES(4) DEFINE_TILES(5) DEFINE_TILES(6)
#if TILE_ROWS > 6
DEFINE_TILES(7) DEFINE_TILES(8) DEFINE_TILES(9) DEFINE_TILES(10) DEFINE_TILES(11) DEFINE_TILES(12) DEFINE_TILES(13)
DEFINE_TILES(14)
#endif

typedef void (*NAME(tile))(const float *const *, const int32_t *, const float *, ptrdiff_t, float *, ptrdiff_t, size_t,
                           int);
#define TILES(ROWS) {NAME(tile_##ROWS##_1), NAME(tile_##ROWS##_2)}
static const NAME(tile) NAME(tiles)[TILE_ROWS][2] = {
    TILES(1), TILES(2), TILES(3), TILES(4), TILES(5), TILES(6),
#if TILE_ROWS > 6
    TILES(7), TILES(8), TILES(9), TILES(10), TILES(11), TILES(12), TILES(13), TILES(14),
#endif
};

/// Copies `inner`×`columns` of B to rows of `width` floats, zeros after the last column.
ATTRIBUTE static void NAME(pack)(const float *restrict b, ptrdiff_t b_stride, int transposed, size_t inner,
                                 size_t columns, size_t width, float *restrict panel) {
    if (transposed) {
        for (size_t j = 0; j < columns; j++)
            for (size_t k = 0; k < inner; k++) panel[k * width + j] = b[(ptrdiff_t)j * b_stride + (ptrdiff_t)k];
        if (columns < width)
            for (size_t k = 0; k < inner; k++)
                for (size_t j = columns; j < width; j++) panel[k * width + j] = 0;
        return;
    }
    for (size_t k = 0; k < inner; k++) {
        const float *row = b + (ptrdiff_t)k * b_stride;
        for (size_t j = 0; j < columns; j++) panel[k * width + j] = row[j];
        for (size_t j = columns; j < width; j++) panel[k * width + j] = 0;
    }
}

/// The sums of products are added to C unless it is the first inner block of a product that does not accumulate.
ATTRIBUTE static void NAME(multiply)(const float *a, const int32_t *row_offsets, const int32_t *inner_offsets,
                                     const float *b, ptrdiff_t b_stride, int b_transposed, float *c,
                                     ptrdiff_t c_stride, size_t rows, size_t columns, size_t inner, int accumulate) {
    float panel[INNER_BLOCK * 2 * LANES] __attribute__((aligned(64)));
    float corner[TILE_ROWS * 2 * LANES] __attribute__((aligned(64)));
    size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    for (size_t k0 = 0; k0 < inner; k0 += INNER_BLOCK) {
        size_t depth = inner - k0 < INNER_BLOCK ? inner - k0 : INNER_BLOCK;
        int adds = accumulate || k0 > 0;
        for (size_t j0 = 0; j0 < columns; j0 += 2 * LANES) {
            size_t rest = columns - j0 < 2 * LANES ? columns - j0 : 2 * LANES;
            size_t vectors = (rest + LANES - 1) / LANES, width = vectors * LANES;
            const float *right = b_transposed ? b + (ptrdiff_t)j0 * b_stride + (ptrdiff_t)k0
                                              : b + (ptrdiff_t)k0 * b_stride + (ptrdiff_t)j0;
            ptrdiff_t right_stride = b_stride;
            // Few tiles do not repay the copy of a panel whose rows are already whole vectors.
            if (b_transposed || rest < width || (tiles > 3 && b_stride > 2 * (ptrdiff_t)width)) {
                NAME(pack)(right, b_stride, b_transposed, depth, rest, width, panel);
                right = panel;
                right_stride = (ptrdiff_t)width;
            }
            for (size_t tile = 0; tile < tiles; tile++) {
                size_t i0 = rows * tile / tiles, height = rows * (tile + 1) / tiles - i0;
                const float *starts[TILE_ROWS];
                for (size_t i = 0; i < height; i++) starts[i] = a + row_offsets[i0 + i];
                float *target = c + (ptrdiff_t)i0 * c_stride + (ptrdiff_t)j0;
                NAME(tile) run = NAME(tiles)[height - 1][vectors - 1];
                if (rest == width) {
                    run(starts, inner_offsets + k0, right, right_stride, target, c_stride, depth, adds);
                    continue;
                }
                run(starts, inner_offsets + k0, right, right_stride, corner, (ptrdiff_t)width, depth, 0);
                for (size_t i = 0; i < height; i++)
                    for (size_t j = 0; j < rest; j++) {
                        float *entry = target + (ptrdiff_t)i * c_stride + (ptrdiff_t)j;
                        *entry = adds ? *entry + corner[i * width + j] : corner[i * width + j];
                    }
            }
        }
    }
}

#undef INNER_BLOCK
#undef STEP_1
#undef STEP_2
#undef UNROLLED
#undef DEFINE_TILE
#undef DEFINE_TILES
#undef TILES
