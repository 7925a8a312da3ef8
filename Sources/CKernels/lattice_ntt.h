// Shared by the tiers of the number-theoretic transform.
//
// Twiddles are numbered as in a heap: node 1 is the first layer's only group, the groups of node v's halves are 2v and
// 2v + 1, so layer with m groups uses nodes m … 2m − 1. Node v holds root^reverse(v), and its inverse.
#ifndef TACIT_LATTICE_NTT_H
#define TACIT_LATTICE_NTT_H

#include "lattice_scalar.h"
#include "tacit_cpu.h"

struct tacit_ntt {
    tacit_modulus q;
    int32_t log_degree, tier;
    uint64_t inverse_degree;           // N^(-1) mod q
    uint64_t inverse_degree_quotient;  // its Shoup quotient in the tier's radix
    uint64_t *forward, *inverse;       // tables in the tier's layout
    size_t words;                      // of each table
};

// Each tier: words a table takes, filling it from plain twiddles of all N nodes, the two transforms.
size_t tacit_ntt_scalar_words(int32_t log_degree);
void tacit_ntt_scalar_fill(const struct tacit_ntt *t, uint64_t *table, const uint64_t *twiddles);
void tacit_ntt_scalar_forward(const struct tacit_ntt *t, uint64_t *x);
void tacit_ntt_scalar_inverse(const struct tacit_ntt *t, uint64_t *x);

#if defined(__x86_64__)
size_t tacit_ntt_avx2_words(int32_t log_degree);
void tacit_ntt_avx2_fill(const struct tacit_ntt *t, uint64_t *table, const uint64_t *twiddles);
void tacit_ntt_avx2_forward(const struct tacit_ntt *t, uint64_t *x);
void tacit_ntt_avx2_inverse(const struct tacit_ntt *t, uint64_t *x);

size_t tacit_ntt_ifma_words(int32_t log_degree);
void tacit_ntt_ifma_fill(const struct tacit_ntt *t, uint64_t *table, const uint64_t *twiddles);
void tacit_ntt_ifma_forward(const struct tacit_ntt *t, uint64_t *x);
void tacit_ntt_ifma_inverse(const struct tacit_ntt *t, uint64_t *x);
#endif

#endif
