#ifndef TACIT_NETWORK_H
#define TACIT_NETWORK_H

#include <stddef.h>
#include <stdint.h>

// Single-precision kernels of the neural-network library. All run on the calling thread and choose the instruction
// set at run time.

/// C = A·B, or C += A·B when `accumulate` is not 0.
///
/// Element (i, k) of A is `a[row_offsets[i] + inner_offsets[k]]`: with row_offsets[i] = i·stride this is an ordinary
/// matrix, with the two tables exchanged its transpose, and with window and pixel offsets the matrix of a convolution,
/// which is then never written down. B is `inner`×`columns` with rows `b_stride` apart, or its transpose
/// (`columns`×`inner`) when `b_transposed` is not 0; C is `rows`×`columns` with rows `c_stride` apart.
void tacit_network_multiply(const float *a, const int32_t *row_offsets, const int32_t *inner_offsets, const float *b,
                            ptrdiff_t b_stride, int b_transposed, float *c, ptrdiff_t c_stride, size_t rows,
                            size_t columns, size_t inner, int accumulate);

/// As `tacit_network_multiply` for a matrix A with element (i, k) at `a[i·row_stride + k·inner_stride]`.
void tacit_network_multiply_strided(const float *a, ptrdiff_t row_stride, ptrdiff_t inner_stride, const float *b,
                                    ptrdiff_t b_stride, int b_transposed, float *c, ptrdiff_t c_stride, size_t rows,
                                    size_t columns, size_t inner, int accumulate);

/// Σ x², in sixteen interleaved partial sums.
float tacit_network_sum_of_squares(const float *x, size_t count);

/// norms[r] += (one + Σ a²)·(Σ g²) over the r-th rows of a and g: squared norms of outer products and their biases.
void tacit_network_add_row_norms(const float *a, ptrdiff_t a_stride, size_t a_count, const float *g, ptrdiff_t g_stride,
                                 size_t g_count, float one, float *norms, size_t rows);

/// Rounds y to the grid 2^(⌊log₂ deviation⌋ − 12) and adds normal noise rounded to the same grid; `count` is at most
/// that of the random words rounded down to a multiple of 32, `tail` holds `spare` words for rare large draws.
void tacit_network_add_gaussian(const uint32_t *random, const uint64_t *tail, size_t spare, float deviation, float *y,
                                size_t count);

/// y = max(x, 0).
void tacit_network_rectify(const float *x, float *y, size_t count);

/// g = 0 where x is not above 0.
void tacit_network_mask_by_positive(const float *x, float *g, size_t count);

/// For each channel the largest value of a window of `lines` × `columns` pixels that begins at `image`, and its index,
/// counted from `first` for the window's first number. Of equal values the first counts.
void tacit_network_window_maximum(const float *image, size_t line_stride, size_t lines, size_t columns, size_t channels,
                                  int32_t first, float *best, int32_t *place);

/// y += factor·x.
void tacit_network_add(float factor, const float *x, float *y, size_t count);

#endif
