#ifndef TACIT_LATTICE_H
#define TACIT_LATTICE_H

#include <stddef.h>
#include <stdint.h>

// Arithmetic in Z_q[X]/(X^N + 1) for primes q < 2^50, one residue per 64-bit word.
//
// Every function exists in three tiers (scalar, AVX2 with FMA, AVX-512 with IFMA) and every result is the one residue
// in [0, q), so all tiers give the same bits. Vectors are 64-byte aligned and their length is a multiple of 64.
// No branch and no address depends on a residue's value.

/// A prime q in (2^14, 2^50) with the constants that its reductions need.
typedef struct {
    uint64_t value;             ///< q
    uint64_t barrett64;         ///< floor(2^(63 + bits) / q), in (2^63, 2^64)
    uint64_t barrett52;         ///< floor(2^(51 + bits) / q), in (2^51, 2^52)
    uint64_t word_quotient;     ///< floor(2^64 / q)
    uint64_t one_quotient52;    ///< floor(2^52 / q)
    uint64_t radix52;           ///< 2^52 mod q
    uint64_t radix52_quotient;  ///< floor(2^52 · (2^52 mod q) / q)
    uint64_t radix64;           ///< 2^64 mod q
    double inverse;             ///< 1/q, rounded to nearest
    int32_t bits;               ///< 2^(bits - 1) < q < 2^bits
    int32_t unused;
} tacit_modulus;

/// The constants of `q`; whether it is prime is not looked at.
tacit_modulus tacit_modulus_make(uint64_t q);

/// 1 when `n` < 2^63 is prime (deterministic Miller–Rabin), 0 otherwise. Time depends on `n`.
int tacit_is_prime(uint64_t n);

/// a · b mod q, base^exponent mod q; operands in [0, q). The power's time depends on the exponent.
uint64_t tacit_modulus_multiply(const tacit_modulus *q, uint64_t a, uint64_t b);
uint64_t tacit_modulus_power(const tacit_modulus *q, uint64_t base, uint64_t exponent);

// MARK: Number-theoretic transform

/// Tables of one ring and prime for one tier.
typedef struct tacit_ntt tacit_ntt;

/// - root: a primitive 2N-th root of unity modulo q, N = 2^log_degree, 10 ≤ log_degree ≤ 17.
/// - tier: one that this machine has.
/// Returns NULL when memory is short.
tacit_ntt *tacit_ntt_create(int32_t log_degree, const tacit_modulus *q, uint64_t root, int32_t tier);
void tacit_ntt_destroy(tacit_ntt *tables);
size_t tacit_ntt_bytes(const tacit_ntt *tables);

/// In place: coefficients of a(X) to a(root^(2·reverse(i) + 1)) at position i, where reverse mirrors log2 N bits.
/// Input and output in [0, q).
void tacit_ntt_forward(const tacit_ntt *tables, uint64_t *x);
/// The inverse of `tacit_ntt_forward`.
void tacit_ntt_inverse(const tacit_ntt *tables, uint64_t *x);

// MARK: Element-wise kernels, modulo one prime; operands in [0, q) unless said; `out` may be an operand

void tacit_vector_add(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q);
void tacit_vector_subtract(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q);
/// out = a + s
void tacit_vector_add_constant(uint64_t *out, const uint64_t *a, uint64_t s, size_t n, const tacit_modulus *q);
void tacit_vector_negate(uint64_t *out, const uint64_t *a, size_t n, const tacit_modulus *q);
void tacit_vector_multiply(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, const tacit_modulus *q);
/// out = a · b + c
void tacit_vector_multiply_add(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *c, size_t n,
                               const tacit_modulus *q);
/// out = a · s
void tacit_vector_scale(uint64_t *out, const uint64_t *a, uint64_t s, size_t n, const tacit_modulus *q);
/// out = a · s + c
void tacit_vector_scale_add(uint64_t *out, const uint64_t *a, uint64_t s, const uint64_t *c, size_t n,
                            const tacit_modulus *q);
/// out = (a − b) · s, the last step of dividing by a product of primes
void tacit_vector_subtract_scale(uint64_t *out, const uint64_t *a, const uint64_t *b, uint64_t s, size_t n,
                                 const tacit_modulus *q);
/// out = x mod q for words below 2^63
void tacit_vector_reduce(uint64_t *out, const uint64_t *x, size_t n, const tacit_modulus *q);
/// out = Σ_k a[k] · b[k] over `count` pairs, 1 ≤ count ≤ 4096; a reduction serves many products
void tacit_vector_dot(uint64_t *out, const uint64_t *const *a, const uint64_t *const *b, size_t count, size_t n,
                      const tacit_modulus *q);

/// Two dot products that share their left factors: out0 = Σ a[k]·b0[k], out1 = Σ a[k]·b1[k].
void tacit_vector_dot_pair(uint64_t *out0, uint64_t *out1, const uint64_t *const *a, const uint64_t *const *b0,
                           const uint64_t *const *b1, size_t count, size_t n, const tacit_modulus *q);

/// Permutation of evaluations under X → X^g. `table` has n/8 entries made by `tacit_automorphism_table`; `out` must
/// not overlap `a`.
void tacit_vector_automorphism(uint64_t *out, const uint64_t *a, const uint32_t *table, uint32_t g, size_t n);
/// table[b] is the source position of output position 8b; eight neighbours come from one block of eight.
void tacit_automorphism_table(uint32_t *table, uint32_t g, int32_t log_degree);

// MARK: Conversion between bases

/// Constants of a conversion from `sources` primes q_i with product Q to `targets` primes p_j.
typedef struct {
    size_t sources, targets;
    const tacit_modulus *source;      ///< the q_i
    const tacit_modulus *target;      ///< the p_j
    const uint64_t *inverse;          ///< [i] (Q/q_i)^(-1) mod q_i
    const uint64_t *matrix;           ///< [j·sources + i] Q/q_i mod p_j
    const uint64_t *product;          ///< [j] p_j − (Q mod p_j)
} tacit_conversion;

/// out_j = x − v·Q mod p_j where x in [0, Q) is given by its residues and v is 0 or 1, the nearest integer to x/Q:
/// the representative nearest to zero, up to a rounding error of 2^-45 · sources at the boundary ±Q/2, where either
/// neighbour may come out; exactly the nearest for one source. (Halevi, Polyakov, Shoup 2019, section 2.1.)
/// - out, in: one pointer per prime.
/// - first, n: the range of coefficients, multiples of 64.
void tacit_convert_centred(uint64_t *const *out, const uint64_t *const *in, const tacit_conversion *conversion,
                           size_t first, size_t n);

/// The half of it that no target has a part in: y_i = x_i·(Q/q_i)^(-1) mod q_i and v, the nearest integer to Σ y_i/q_i.
/// - y: one pointer per source, may be `in`. v: one word per coefficient.
void tacit_convert_prepare(uint64_t *const *y, uint64_t *v, const uint64_t *const *in,
                           const tacit_conversion *conversion, size_t first, size_t n);

/// The other half: out_j = Σ y_i·(Q/q_i) − v·Q mod p_j, for any choice of the targets.
void tacit_convert_finish(uint64_t *const *out, const uint64_t *const *y, const uint64_t *v,
                          const tacit_conversion *conversion, size_t first, size_t n);

/// The most primes on either side of a conversion.
#define TACIT_CONVERSION_SOURCES 64
#define TACIT_CONVERSION_TARGETS 128

// MARK: Sampling and encoding

/// Residues of small signed integers: out = v mod q for |v| < q.
void tacit_vector_from_signed(uint64_t *out, const int64_t *v, size_t n, const tacit_modulus *q);
/// Residues of reals rounded to the nearest integer (ties to even), any finite magnitude. No branch or address depends on
/// a value while all are below 2^52 in magnitude (2^63 but for the answer whether all are).
void tacit_vector_from_double(uint64_t *out, const double *v, size_t n, const tacit_modulus *q);

/// The place of the first NaN or infinity among n numbers; n when there is none.
size_t tacit_first_not_finite(const double *v, size_t n);

/// Constants for putting together an integer from its residues modulo `primes` primes q_i, q_0 first.
typedef struct {
    size_t primes;                ///< at most TACIT_CONVERSION_SOURCES
    const tacit_modulus *moduli;  ///< the q_i
    const uint64_t *inverse;      ///< [i·primes + j] q_i^(-1) mod q_j for i < j
} tacit_garner;

/// The representatives in (−Q/2, Q/2) of coefficients first … first + n − 1, as doubles: the nearest ones for one or two
/// primes; within a relative error of primes · 2^-53 for more. The same bits in every tier.
/// - in: one pointer per prime. first, n: multiples of 64.
void tacit_centred(double *out, const uint64_t *const *in, const tacit_garner *garner, size_t first, size_t n);

/// Uniform residues by rejection from a ChaCha20 stream: words of `bits` low bits, taken in order, those ≥ q left out.
void tacit_sample_uniform(uint64_t *out, size_t n, const tacit_modulus *q, const uint8_t seed[32], uint64_t nonce);

/// Discrete Gaussian of parameter σ = 3.2 cut at ±tail from n random words, by comparing with all entries of a table of
/// `tail` cumulative probabilities scaled by 2^63; constant time.
void tacit_sample_gaussian(int64_t *out, const uint64_t *random, size_t n, const uint64_t *cumulative, size_t tail);

/// Sorts the keys by a network of compare-exchanges whose order depends on n (a power of two) only.
void tacit_sort_network(uint64_t *keys, size_t n);

/// n residues of `bits` bits each, least significant first, into n · bits / 8 bytes and back. n is a multiple of 8.
void tacit_pack_bits(uint8_t *out, const uint64_t *in, size_t n, int32_t bits);
/// Returns 1 when every residue is below `q`, 0 otherwise.
int tacit_unpack_bits(uint64_t *out, const uint8_t *in, size_t n, int32_t bits, uint64_t q);

#endif
