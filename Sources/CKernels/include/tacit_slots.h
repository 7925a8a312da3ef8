#ifndef TACIT_SLOTS_H
#define TACIT_SLOTS_H

#include <stddef.h>
#include <stdint.h>

// The canonical embedding in doubles, real and imaginary parts in arrays of their own.
//
// A real polynomial p of degree below 2n has the values z_j = p(ξ^(5^j)), j < n, with ξ = exp(πi/2n). With
// w_k = p_k + i·p_(k+n) they are Σ_k w_k·ξ^(k·5^j), a discrete Fourier transform of length n at the roots of x^n = i.
//
// Every tier does the same additions and products, none of them fused, on the same twiddles: all give the same bits.
// No branch and no address depends on a value.

/// Twiddles of all lengths up to a greatest one.
typedef struct tacit_slots tacit_slots;

/// - log_slots: the greatest number of slots is 2^log_slots, 0 ≤ log_slots ≤ 17. Returns NULL when memory is short.
tacit_slots *tacit_slots_create(int32_t log_slots);
void tacit_slots_destroy(tacit_slots *tables);

/// cos and sin of π/4 · e/whole for 0 ≤ e ≤ whole ≤ 2^20, whole a power of two: each within 0.51 units in the last place
/// of the true value, the same on every machine.
void tacit_slots_octant(double *cosine, double *sine, uint64_t e, uint64_t whole);

/// scale · z from w: n values from n pairs of coefficients, n a power of two up to the greatest. No overlap.
void tacit_slots_evaluate(const tacit_slots *tables, double *real, double *imaginary, const double *low,
                          const double *high, size_t n, double scale);

/// scale · w from z. `imaginary` may be NULL for zeros. `scratch` has 2n doubles. No overlap.
void tacit_slots_interpolate(const tacit_slots *tables, double *low, double *high, const double *real,
                             const double *imaginary, size_t n, double scale, double *scratch);

#endif
