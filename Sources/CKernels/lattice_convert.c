// Conversion between bases: choice of the tier, and the scalar tier.
//
// The quotient v is found in floating point in every tier with the same operations in the same order, so that all round
// alike: contraction to fused operations is off. For one source the definition is exact and takes no products at all.
#include "lattice_vector.h"

#pragma STDC FP_CONTRACT OFF

void tacit_convert_prepare(uint64_t *const *y, uint64_t *v, const uint64_t *const *in, const tacit_conversion *c,
                           size_t first, size_t n) {
    if (c->sources > 1) {
        DISPATCH(convert_prepare, y, v, in, c, first, n)
        return;
    }
    uint64_t half = (c->source[0].value - 1) / 2;
    for (size_t i = first; i < first + n; i++) {
        uint64_t x = in[0][i];
        y[0][i] = x;
        v[i] = (half - x) >> 63;
    }
}

void tacit_convert_finish(uint64_t *const *out, const uint64_t *const *y, const uint64_t *v, const tacit_conversion *c,
                          size_t first, size_t n) {
    if (c->sources > 1) {
        DISPATCH(convert_finish, out, y, v, c, first, n)
        return;
    }
    for (size_t j = 0; j < c->targets; j++)
        DISPATCH(convert_one, out[j] + first, y[0] + first, &c->source[0], &c->target[j], c->product[j], n)
}

void tacit_convert_centred(uint64_t *const *out, const uint64_t *const *in, const tacit_conversion *c, size_t first,
                           size_t n) {
    enum { RUN = 64 };
    if (c->sources == 1) {
        tacit_convert_finish(out, in, NULL, c, first, n);
        return;
    }
    // What is prepared stays in the first cache.
    uint64_t words[TACIT_CONVERSION_SOURCES + 1][RUN], *y[TACIT_CONVERSION_SOURCES], *v = words[c->sources];
    uint64_t *to[TACIT_CONVERSION_TARGETS];
    const uint64_t *from[TACIT_CONVERSION_SOURCES];
    for (size_t k = 0; k < c->sources; k++) y[k] = words[k];
    for (size_t i = first; i < first + n; i += RUN) {
        for (size_t k = 0; k < c->sources; k++) from[k] = in[k] + i;
        tacit_convert_prepare(y, v, from, c, 0, RUN);
        for (size_t j = 0; j < c->targets; j++) to[j] = out[j] + i;
        tacit_convert_finish(to, (const uint64_t *const *)y, v, c, 0, RUN);
    }
}

// MARK: Scalar tier

/// x − v·q mod p for x in [0, q), v whether x > (q − 1)/2; `negative` is p − (q mod p).
void tacit_scalar_convert_one(uint64_t *out, const uint64_t *x, const tacit_modulus *q, const tacit_modulus *p,
                              uint64_t negative, size_t n) {
    tacit_modulus m = *p;
    uint64_t half = (q->value - 1) / 2;
    for (size_t i = 0; i < n; i++) {
        uint64_t above = 0 - ((half - x[i]) >> 63);
        out[i] = subtract_if(reduce_word(x[i], &m) + (negative & above), m.value);
    }
}

void tacit_scalar_convert_prepare(uint64_t *const *y, uint64_t *v, const uint64_t *const *in, const tacit_conversion *c,
                                  size_t first, size_t n) {
    enum { RUN = 64 };
    uint64_t quotients[TACIT_CONVERSION_SOURCES];
    for (size_t k = 0; k < c->sources; k++) quotients[k] = shoup64(c->inverse[k], c->source[k].value);
    for (size_t i = first; i < first + n; i += RUN) {
        double fraction[RUN] = {0};
        for (size_t k = 0; k < c->sources; k++) {
            uint64_t q = c->source[k].value, w = c->inverse[k], quotient = quotients[k];
            const uint64_t *x = in[k] + i;
            uint64_t *to = y[k] + i;
            double inverse = c->source[k].inverse;
            for (size_t u = 0; u < RUN; u++) {
                uint64_t r = subtract_if(multiply_shoup(x[u], w, quotient, q), q);
                to[u] = r;
                fraction[u] = fraction[u] + (double)(int64_t)r * inverse;
            }
        }
        for (size_t u = 0; u < RUN; u++) v[i + u] = (uint64_t)nearest_integer(fraction[u]);
    }
}

/// One target; `k` is a constant where it matters.
static inline __attribute__((always_inline)) void rows(uint64_t *out, const uint64_t *const *y, const uint64_t *v,
                                                       const uint64_t *row, uint64_t product, size_t k,
                                                       const tacit_modulus *p, size_t first, size_t n) {
    tacit_modulus m = *p;
    for (size_t i = first; i < first + n; i++) {
        wide sum = (wide)v[i] * product;
        for (size_t h = 0; h < k; h++) sum += (wide)y[h][i] * row[h];
        out[i] = reduce_wide(sum, &m);
    }
}

void tacit_scalar_convert_finish(uint64_t *const *out, const uint64_t *const *y, const uint64_t *v,
                                 const tacit_conversion *c, size_t first, size_t n) {
    for (size_t j = 0; j < c->targets; j++) {
        const uint64_t *row = c->matrix + j * c->sources;
        const tacit_modulus *p = &c->target[j];
        switch (c->sources) {
            case 2: rows(out[j], y, v, row, c->product[j], 2, p, first, n); break;
            case 3: rows(out[j], y, v, row, c->product[j], 3, p, first, n); break;
            case 4: rows(out[j], y, v, row, c->product[j], 4, p, first, n); break;
            default: rows(out[j], y, v, row, c->product[j], c->sources, p, first, n);
        }
    }
}
