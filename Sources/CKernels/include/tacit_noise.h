#ifndef TACIT_NOISE_H
#define TACIT_NOISE_H

#include <stddef.h>
#include <stdint.h>

// MARK: Fourier transforms of noise distributions

/// Twiddle factors of complex transforms of length 2^log_length, 2 ≤ log_length ≤ 26.
typedef struct tacit_fourier tacit_fourier;

/// NULL when memory is short.
tacit_fourier *tacit_fourier_create(int32_t log_length);
void tacit_fourier_destroy(tacit_fourier *plan);

/// X_k = Σ_j x_j exp(−2πi jk/N) in place; position j of the result holds k = j with its bits mirrored.
/// Every result's error is at most 8·2^−53·log2 N times Σ_j |x_j|.
void tacit_fourier_forward(const tacit_fourier *plan, double *real, double *imaginary);

/// The inverse of `tacit_fourier_forward` times N, from mirrored to natural order, with the same relative error.
void tacit_fourier_inverse(const tacit_fourier *plan, double *real, double *imaginary);

/// Let x = a + i·b for real a and b, and `real`, `imaginary` its forward transform. Multiplies the first half of a
/// spectrum (length/2 + 1 frequencies: positions 0 and 1 of the mirrored order, then the first halves of its blocks
/// [2^m, 2^(m+1))) by the transforms of a and of b to the powers `count_a` and `count_b`, and `bound` by
/// (magnitude + `error`) to the same powers. Magnitudes below 1e-150 become 0, their bounds 1e-150.
void tacit_spectrum_multiply(double *product_real, double *product_imaginary, double *bound, const double *real,
                             const double *imaginary, size_t length, uint64_t count_a, uint64_t count_b, double error);

/// out[i] = Σ_k masses[k]·padded[i − shifts[k]] for i < n, a multiple of 32: the sum of a dense and a sparse
/// distribution. Shifts are in [0, M]; `padded` points behind M zeros and is followed by zeros up to n.
void tacit_noise_merge(double *out, size_t n, const double *padded, const int32_t *shifts, const double *masses,
                       size_t atoms);

/// The whole mirrored spectrum of a real sequence from such a half.
void tacit_spectrum_complete(double *real, double *imaginary, const double *half_real, const double *half_imaginary,
                             size_t length);

// MARK: Discrete Laplace and discrete Gaussian noise

/// A column of an alias table: a draw below `threshold` is `bin`, another `alias`.
typedef struct {
    uint64_t threshold;
    uint32_t bin, alias;
} tacit_noise_column;

/// The noise's mass at |x| is proportional to f(x) = exp(−γ), γ = x^power · multiplier / divisor, divisor = high·2^64 + low.
/// The range is divided into bins of 2^width_bits numbers; bin k has the integer weight weights[k] ≥ scale · max f.
typedef struct {
    const tacit_noise_column *columns;  ///< 2^column_bits of them, weights of 2^(63 − column_bits) each
    const uint64_t *weights;
    const uint32_t *quick;   ///< 2^32 · scale · min f / weight, rounded down with a margin: below it all is accepted
    int32_t column_bits;     ///< at most 12; the last bin is the one that is rejected
    int32_t width_bits;      ///< at most 32
    int32_t power;           ///< 1 Laplace, 2 Gaussian
    uint64_t scale, multiplier, divisor_high, divisor_low;
    double rate;             ///< multiplier / divisor
} tacit_noise_table;

/// Draws up to `n` numbers from `count` uniformly random words; returns how many, and in `used` the words taken.
/// Its time depends on what is drawn.
/// The distribution of a draw is within 2^-88 of the one cut at the last bin.
size_t tacit_noise_draw(int64_t *out, size_t n, const uint64_t *words, size_t count, size_t *used,
                        const tacit_noise_table *table);

/// exp(−numerator/divisor) · 2^127 with an error of at most 256, for numerator/divisor below 4096. For tests.
void tacit_noise_exponential(uint64_t result[2], const uint64_t numerator[2], const uint64_t divisor[2]);

#endif
