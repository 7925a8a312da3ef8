#ifndef TACIT_FIELD_H
#define TACIT_FIELD_H

#include <stddef.h>
#include <stdint.h>

// Arithmetic in the two fields of Prio3 that have large power-of-two subgroups:
//   TACIT_FIELD64   p = 2^64 − 2^32 + 1, elements as they are;
//   TACIT_FIELD128  p = 2^128 − 7·2^66 + 1, elements times 2^128 (Montgomery's form).
// Elements are below p. `field` is one of the two. Every function is constant time in the elements; `exponent` of a power
// is public.

enum { TACIT_FIELD64 = 0, TACIT_FIELD128 = 1 };

typedef struct {
    uint64_t low, high;
} tacit_field_element;

tacit_field_element tacit_field_add(int field, tacit_field_element a, tacit_field_element b);
tacit_field_element tacit_field_subtract(int field, tacit_field_element a, tacit_field_element b);
tacit_field_element tacit_field_multiply(int field, tacit_field_element a, tacit_field_element b);
/// From an integer below 2^64, reduced.
tacit_field_element tacit_field_from(int field, uint64_t value);
/// The integer, below p.
tacit_field_element tacit_field_to(int field, tacit_field_element a);
/// a^−1; 0 for 0.
tacit_field_element tacit_field_inverse(int field, tacit_field_element a);
/// The root of unity of order 2^log_order that the generator of the specification gives; at most 32 or 66.
tacit_field_element tacit_field_root(int field, int log_order);

/// left += right and left −= right.
void tacit_field_add_vector(int field, tacit_field_element *left, const tacit_field_element *right, size_t count);
void tacit_field_subtract_vector(int field, tacit_field_element *left, const tacit_field_element *right, size_t count);

/// Little-endian integers of 8 or 16 bytes; returns 1 when all are below p, 0 otherwise.
int tacit_field_decode(int field, tacit_field_element *out, const uint8_t *in, size_t count);
void tacit_field_encode(int field, uint8_t *out, const tacit_field_element *in, size_t count);
/// As decode, leaving out integers that are not below p; returns how many were taken. Its time depends on which.
size_t tacit_field_accept(int field, tacit_field_element *out, const uint8_t *in, size_t count);

/// v_k = Σ_i v_i·w^(ik) in natural order, in place; count = 2^log_count, powers[i] = w^i for i < count/2.
void tacit_field_transform(int field, tacit_field_element *values, int log_count, const tacit_field_element *powers);

/// basis[i] = (t^n − 1)/n · w^i/(t − w^i): the values at t of the polynomials of degree below n = 2^log_count that are 1 at
/// w^i and 0 at the other powers. Returns 0 when t is a power of w, and then writes nothing useful.
int tacit_field_basis(int field, tacit_field_element *basis, int log_count, tacit_field_element t);

/// Σ left_i·right_i.
tacit_field_element tacit_field_dot(int field, const tacit_field_element *left, const tacit_field_element *right,
                                    size_t count);

/// The wires of a sum of `chunk` products, called `calls` times on `count` ≤ chunk·calls values x (then zeros): wire 2j of
/// call i is r_i^(j+1)·x_(i·chunk+j), wire 2j + 1 is x_(i·chunk+j) − offset. Adds basis_(i+1)·wire to sums[wire].
void tacit_field_product_wires(int field, tacit_field_element *sums, const tacit_field_element *x, size_t count,
                               size_t chunk, size_t calls, const tacit_field_element *r,
                               const tacit_field_element *basis, tacit_field_element offset);

/// Adds to `result` (2n values, n = 2^log_count > calls) the values at the powers of the root of order 2n of
/// Σ_(first ≤ j < last) u_j·v_j, where u_j and v_j are the polynomials of degree below n with the values seeds[2j],
/// seeds[2j+1] at 1, wires 2j and 2j + 1 of call i at w^(i+1), and zeros. `powers` and `inverses`: w^i and w^−i for
/// i < n/2; `shifts`: s^i/n for i < n with s the root of order 2n. `scratch` has 3n elements.
void tacit_field_product_proof(int field, tacit_field_element *result, const tacit_field_element *x, size_t count,
                               size_t chunk, size_t calls, size_t first, size_t last, const tacit_field_element *r,
                               const tacit_field_element *seeds, tacit_field_element offset, int log_count,
                               const tacit_field_element *powers, const tacit_field_element *inverses,
                               const tacit_field_element *shifts, tacit_field_element *scratch);

#endif
