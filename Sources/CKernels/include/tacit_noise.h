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

/// The whole mirrored spectrum of a real sequence from such a half.
void tacit_spectrum_complete(double *real, double *imaginary, const double *half_real, const double *half_imaginary,
                             size_t length);

#endif
