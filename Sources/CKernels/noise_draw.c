// Rejection from a step function: a bin by an alias table with integer weights, a number in it by random bits, and
// acceptance with the exact ratio. Most draws are accepted by comparing with a bound. Others are decided in double
// precision where its error bound allows, and otherwise in 128-bit integers.
#include <math.h>

#include "tacit_noise.h"

typedef unsigned __int128 wide;

/// a · b / 2^127
static wide product(wide a, wide b) {
    uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a, b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
    wide low = (wide)a0 * b0, middle = (wide)a1 * b0, other = (wide)a0 * b1, high = (wide)a1 * b1;
    wide sum = (low >> 64) + (uint64_t)middle + (uint64_t)other;
    high += (middle >> 64) + (other >> 64) + (sum >> 64);
    return (high << 1) | ((uint64_t)sum >> 63);
}

/// exp(−x/2^127) · 2^127 for x ≤ 2^127
static wide small_exponential(wide x) {
    // The even and the odd terms; each is rounded down by less than 2 units.
    wide one = (wide)1 << 127, term = one, even = one, odd = 0;
    for (uint64_t j = 1; j < 40 && term; j++) {
        term = product(term, x) / j;
        if (j & 1)
            odd += term;
        else
            even += term;
    }
    return even - odd;
}

static wide exponential(wide numerator, wide divisor) {
    wide whole = numerator / divisor, rest = numerator % divisor, fraction = 0;
    for (int bit = 0; bit < 127; bit++) {
        rest <<= 1;
        fraction <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            fraction |= 1;
        }
    }
    wide result = small_exponential(fraction);
    if (whole > 4095) return 0;
    wide base = small_exponential((wide)1 << 127);
    for (uint64_t n = (uint64_t)whole; n; n >>= 1) {
        if (n & 1) result = product(result, base);
        base = product(base, base);
    }
    return result;
}

void tacit_noise_exponential(uint64_t result[2], const uint64_t numerator[2], const uint64_t divisor[2]) {
    wide value = exponential(((wide)numerator[1] << 64) | numerator[0], ((wide)divisor[1] << 64) | divisor[0]);
    result[0] = (uint64_t)value;
    result[1] = (uint64_t)(value >> 64);
}

/// Whether U · weight < scale · f(x) for U = (top + next/2^64)/2^32.
__attribute__((noinline)) static int accepts(const tacit_noise_table *t, uint64_t x, uint64_t weight, uint32_t top,
                                             uint64_t next) {
    double gamma = t->power == 1 ? (double)x * t->rate : (double)x * (double)x * t->rate;
    double ratio = (double)t->scale / (double)weight * exp(-gamma);
    double u = ((double)top + (double)next * 0x1p-64) * 0x1p-32;
    // γ is below 100 and has four roundings.
    if (u < ratio - 1e-12) return 1;
    if (u > ratio + 1e-12) return 0;
    wide numerator = t->power == 1 ? (wide)x * t->multiplier : (wide)x * x * t->multiplier;
    wide f = exponential(numerator, ((wide)t->divisor_high << 64) | t->divisor_low) >> 31;  // times 2^96
    wide left_low = (wide)weight * next, left = (wide)weight * top + (left_low >> 64);
    wide right_low = (wide)t->scale * (uint64_t)f, right = (wide)t->scale * (uint64_t)(f >> 64) + (right_low >> 64);
    if (left != right) return left < right;
    return (uint64_t)left_low < (uint64_t)right_low;
}

size_t tacit_noise_draw(int64_t *out, size_t n, const uint64_t *words, size_t count, size_t *used,
                        const tacit_noise_table *t) {
    const int32_t shift = 63 - t->column_bits, width = t->width_bits;
    const uint64_t low = ((uint64_t)1 << shift) - 1, within = ((uint64_t)1 << width) - 1;
    const uint32_t rejected = (1u << t->column_bits) - 1;
    size_t drawn = 0, at = 0;
    while (drawn < n && at + 3 <= count) {
        uint64_t a = words[at], b = words[at + 1];
        at += 2;
        uint64_t sign = a >> 63;
        const tacit_noise_column *column = &t->columns[(a >> shift) & rejected];
        uint32_t bin = (a & low) < column->threshold ? column->bin : column->alias;
        uint64_t x = ((uint64_t)bin << width) + (b & within);
        uint32_t top = (uint32_t)(b >> 32);
        int accepted = top < t->quick[bin];
        if (__builtin_expect(!accepted, 0)) {
            if (bin == rejected) continue;
            accepted = accepts(t, x, t->weights[bin], top, words[at++]);
        }
        // Zero has one sign.
        accepted &= (x != 0) | (sign == 0);
        out[drawn] = (int64_t)((x ^ (0 - sign)) + sign);
        drawn += (size_t)accepted;
    }
    *used = at;
    return drawn;
}
