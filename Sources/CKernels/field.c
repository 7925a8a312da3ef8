#include "tacit_field.h"

#include <string.h>

#include "tacit_zeroise.h"

typedef tacit_field_element element;
typedef unsigned __int128 wide;

// MARK: 2^64 − 2^32 + 1

#define P64 UINT64_C(0xFFFFFFFF00000001)
#define EPSILON UINT64_C(0xFFFFFFFF)  // 2^64 mod p

static inline element add64(element a, element b) {
    uint64_t sum = a.low + b.low;
    uint64_t over = sum < a.low;
    uint64_t reduced = sum - P64;
    uint64_t keep = (uint64_t)0 - (uint64_t)((over | (sum >= P64)) != 0);
    return (element){(reduced & keep) | (sum & ~keep), 0};
}

static inline element subtract64(element a, element b) {
    uint64_t difference = a.low - b.low;
    return (element){difference + (P64 & ((uint64_t)0 - (uint64_t)(a.low < b.low))), 0};
}

static inline element multiply64(element a, element b) {
    // x = low + 2^64·middle + 2^96·top = low − top + (2^32 − 1)·middle.
    wide product = (wide)a.low * b.low;
    uint64_t low = (uint64_t)product, high = (uint64_t)(product >> 64);
    uint64_t top = high >> 32, middle = high & EPSILON;
    uint64_t first = low - top;
    first -= EPSILON & ((uint64_t)0 - (uint64_t)(low < top));
    uint64_t second = middle * EPSILON;
    uint64_t sum = first + second;
    sum += EPSILON & ((uint64_t)0 - (uint64_t)(sum < first));
    uint64_t reduced = sum - P64;
    uint64_t keep = (uint64_t)0 - (uint64_t)(sum >= P64);
    return (element){(reduced & keep) | (sum & ~keep), 0};
}

static inline element from64(element value) { return value; }
static inline element to64(element a) { return a; }
static inline int below64(element a) { return a.low < P64 && a.high == 0; }
#define BYTES64 8

// MARK: 2^128 − 7·2^66 + 1

#define P128_HIGH (~UINT64_C(0) - 27)  // 2^64 − 28; the low word of p is 1
#define P128 (((wide)P128_HIGH << 64) | 1)

static inline wide pack(element a) { return ((wide)a.high << 64) | a.low; }
static inline element unpack(wide a) { return (element){(uint64_t)a, (uint64_t)(a >> 64)}; }

// a + carry·2^128, below 2p, modulo p.
static inline wide reduce128(wide a, uint64_t carry) {
    wide reduced = a - P128;
    wide keep = (wide)0 - (wide)((carry | (uint64_t)(a >= P128)) != 0);
    return (reduced & keep) | (a & ~keep);
}

static inline element add128(element a, element b) {
    wide x = pack(a), sum = x + pack(b);
    return unpack(reduce128(sum, sum < x));
}

static inline element subtract128(element a, element b) {
    wide x = pack(a), y = pack(b), difference = x - y;
    return unpack(difference + (P128 & ((wide)0 - (wide)(x < y))));
}

// One step of Montgomery's reduction: p ≡ 1 mod 2^64, so the multiple of p that clears the lowest word t is −t.
static inline element multiply128(element a, element b) {
    wide p00 = (wide)a.low * b.low, p01 = (wide)a.low * b.high, p10 = (wide)a.high * b.low, p11 = (wide)a.high * b.high;
    wide middle = (p00 >> 64) + (uint64_t)p01 + (uint64_t)p10;
    uint64_t t0 = (uint64_t)p00, t1 = (uint64_t)middle;
    wide upper = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
    uint64_t t2 = (uint64_t)upper, t3 = (uint64_t)(upper >> 64);

    wide v = ((wide)t2 << 64) | t1;
    wide sum = v + (wide)((uint64_t)0 - t0) * P128_HIGH;
    uint64_t carry = sum < v;
    sum += (uint64_t)(t0 != 0);
    carry += (sum == 0) & (uint64_t)(t0 != 0);
    t3 += carry;

    uint64_t u0 = (uint64_t)sum;
    v = ((wide)t3 << 64) | (uint64_t)(sum >> 64);
    wide last = v + (wide)((uint64_t)0 - u0) * P128_HIGH;
    carry = last < v;
    last += (uint64_t)(u0 != 0);
    carry += (last == 0) & (uint64_t)(u0 != 0);
    return unpack(reduce128(last, carry));
}

// 2^256 mod p, by which an integer becomes Montgomery's form. 2^128 = 28·2^64 − 1.
static inline element from128(element value) {
    // (28·2^64 − 1)^2 = 784·2^128 − 56·2^64 + 1 = 784·(28·2^64 − 1) − 56·2^64 + 1 = 21896·2^64 − 783.
    const element square = {(uint64_t)0 - 783, 21896 - 1};
    return multiply128(value, square);
}
static inline element to128(element a) { return multiply128(a, (element){1, 0}); }
static inline int below128(element a) { return pack(a) < P128; }
#define BYTES128 16

// MARK: What both fields have

#define DEFINE_FIELD(BITS, LOG_ORDER, COFACTOR)                                                                       \
    static inline element constant##BITS(uint64_t value) {                                                            \
        if (BITS == 64) value = value >= P64 ? value - P64 : value;                                                   \
        return from##BITS((element){value, 0});                                                                       \
    }                                                                                                                 \
                                                                                                                      \
    static element power##BITS(element base, uint64_t high, uint64_t low) {                                           \
        element result = constant##BITS(1);                                                                           \
        for (int bit = 127; bit >= 0; bit--) {                                                                        \
            result = multiply##BITS(result, result);                                                                  \
            if (((bit >= 64 ? high >> (bit - 64) : low >> bit) & 1) != 0) result = multiply##BITS(result, base);      \
        }                                                                                                             \
        return result;                                                                                                \
    }                                                                                                                 \
                                                                                                                      \
    static element inverse##BITS(element a) {                                                                         \
        wide exponent = BITS == 64 ? (wide)P64 - 2 : P128 - 2;                                                        \
        return power##BITS(a, (uint64_t)(exponent >> 64), (uint64_t)exponent);                                        \
    }                                                                                                                 \
                                                                                                                      \
    static element root##BITS(int log_order) {                                                                        \
        element root = power##BITS(constant##BITS(7), 0, COFACTOR);                                                   \
        for (int i = log_order; i < LOG_ORDER; i++) root = multiply##BITS(root, root);                                \
        return root;                                                                                                  \
    }                                                                                                                 \
                                                                                                                      \
    static int decode##BITS(element *out, const uint8_t *in, size_t count) {                                          \
        int fits = 1;                                                                                                 \
        for (size_t i = 0; i < count; i++) {                                                                          \
            element value = {0, 0};                                                                                   \
            memcpy(&value, in + BYTES##BITS * i, BYTES##BITS);                                                        \
            fits &= below##BITS(value);                                                                               \
            out[i] = from##BITS(value);                                                                               \
        }                                                                                                             \
        return fits;                                                                                                  \
    }                                                                                                                 \
                                                                                                                      \
    static size_t accept##BITS(element *out, const uint8_t *in, size_t count) {                                       \
        size_t taken = 0;                                                                                             \
        for (size_t i = 0; i < count; i++) {                                                                          \
            element value = {0, 0};                                                                                   \
            memcpy(&value, in + BYTES##BITS * i, BYTES##BITS);                                                        \
            if (below##BITS(value)) out[taken++] = from##BITS(value);                                                 \
        }                                                                                                             \
        return taken;                                                                                                 \
    }                                                                                                                 \
                                                                                                                      \
    static void encode##BITS(uint8_t *out, const element *in, size_t count) {                                         \
        for (size_t i = 0; i < count; i++) {                                                                          \
            element value = to##BITS(in[i]);                                                                          \
            memcpy(out + BYTES##BITS * i, &value, BYTES##BITS);                                                       \
        }                                                                                                             \
    }                                                                                                                 \
                                                                                                                      \
    static void transform##BITS(element *values, int log_count, const element *powers) {                              \
        size_t count = (size_t)1 << log_count;                                                                        \
        for (size_t i = 1, j = 0; i < count; i++) {                                                                   \
            size_t bit = count >> 1;                                                                                  \
            for (; j & bit; bit >>= 1) j ^= bit;                                                                      \
            j |= bit;                                                                                                 \
            if (i < j) {                                                                                              \
                element swapped = values[i];                                                                          \
                values[i] = values[j];                                                                                \
                values[j] = swapped;                                                                                  \
            }                                                                                                         \
        }                                                                                                             \
        for (size_t half = 1; half < count; half *= 2) {                                                              \
            size_t step = count / 2 / half;                                                                           \
            for (size_t start = 0; start < count; start += 2 * half)                                                  \
                for (size_t i = 0; i < half; i++) {                                                                   \
                    element a = values[start + i];                                                                    \
                    element b = multiply##BITS(values[start + half + i], powers[i * step]);                           \
                    values[start + i] = add##BITS(a, b);                                                              \
                    values[start + half + i] = subtract##BITS(a, b);                                                  \
                }                                                                                                     \
        }                                                                                                             \
    }                                                                                                                 \
                                                                                                                      \
    static int basis##BITS(element *basis, int log_count, element t) {                                                \
        /* Inverses of all t − w^i by one inversion of their product. */                                              \
        size_t count = (size_t)1 << log_count;                                                                        \
        element w = root##BITS(log_count), power = constant##BITS(1), product = power, factor = t;                    \
        for (size_t i = 0; i < count; i++) {                                                                          \
            basis[i] = product;                                                                                       \
            product = multiply##BITS(product, subtract##BITS(t, power));                                              \
            power = multiply##BITS(power, w);                                                                         \
        }                                                                                                             \
        for (int i = 0; i < log_count; i++) factor = multiply##BITS(factor, factor);                                  \
        factor = subtract##BITS(factor, constant##BITS(1));                                                           \
        if ((factor.low | factor.high) == 0) return 0;                                                                \
        factor = multiply##BITS(factor, inverse##BITS(constant##BITS(count)));                                        \
        element inverse = inverse##BITS(product), back = inverse##BITS(w);                                            \
        for (size_t i = count; i-- > 0;) {                                                                            \
            power = multiply##BITS(power, back);                                                                      \
            element one = multiply##BITS(basis[i], inverse);                                                          \
            inverse = multiply##BITS(inverse, subtract##BITS(t, power));                                              \
            basis[i] = multiply##BITS(multiply##BITS(factor, power), one);                                            \
        }                                                                                                             \
        return 1;                                                                                                     \
    }                                                                                                                 \
                                                                                                                      \
    static element dot##BITS(const element *left, const element *right, size_t count) {                               \
        element sum = {0, 0};                                                                                         \
        for (size_t i = 0; i < count; i++) sum = add##BITS(sum, multiply##BITS(left[i], right[i]));                   \
        return sum;                                                                                                   \
    }                                                                                                                 \
                                                                                                                      \
    static void wires##BITS(element *sums, const element *x, size_t count, size_t chunk, size_t calls,                \
                            const element *r, const element *basis, element offset) {                                 \
        for (size_t i = 0; i < calls; i++) {                                                                          \
            element weight = basis[i + 1], scaled = multiply##BITS(weight, r[i]);                                     \
            element missing = subtract##BITS((element){0, 0}, multiply##BITS(weight, offset));                        \
            size_t filled = count - i * chunk < chunk ? count - i * chunk : chunk;                                    \
            for (size_t j = 0; j < filled; j++) {                                                                     \
                element value = x[i * chunk + j];                                                                     \
                sums[2 * j] = add##BITS(sums[2 * j], multiply##BITS(scaled, value));                                  \
                sums[2 * j + 1] = add##BITS(                                                                          \
                    sums[2 * j + 1], multiply##BITS(weight, subtract##BITS(value, offset)));                          \
                scaled = multiply##BITS(scaled, r[i]);                                                                \
            }                                                                                                         \
            for (size_t j = filled; j < chunk; j++) sums[2 * j + 1] = add##BITS(sums[2 * j + 1], missing);            \
        }                                                                                                             \
    }                                                                                                                 \
                                                                                                                      \
    static void proof##BITS(element *result, const element *x, size_t count, size_t chunk, size_t calls,              \
                            size_t first, size_t last, const element *r, const element *seeds, element offset,        \
                            int log_count, const element *powers, const element *inverses, const element *shifts,     \
                            element *scratch) {                                                                       \
        size_t n = (size_t)1 << log_count;                                                                            \
        element *u = scratch, *v = scratch + n, *factors = scratch + 2 * n;                                           \
        for (size_t i = 0; i < calls; i++) factors[i] = power##BITS(r[i], 0, first + 1);                              \
        for (size_t j = first; j < last; j++) {                                                                       \
            memset(u, 0, 2 * n * sizeof *u);                                                                          \
            u[0] = seeds[2 * j];                                                                                      \
            v[0] = seeds[2 * j + 1];                                                                                  \
            for (size_t i = 0; i < calls; i++) {                                                                      \
                size_t place = i * chunk + j;                                                                         \
                element value = place < count ? x[place] : (element){0, 0};                                           \
                u[i + 1] = multiply##BITS(factors[i], value);                                                         \
                v[i + 1] = subtract##BITS(value, offset);                                                             \
                factors[i] = multiply##BITS(factors[i], r[i]);                                                        \
            }                                                                                                         \
            for (size_t i = 0; i < n; i++) result[2 * i] = add##BITS(result[2 * i], multiply##BITS(u[i], v[i]));      \
            /* Between the given points: to coefficients and back with the argument shifted. */                       \
            element *both[2] = {u, v};                                                                                \
            for (int k = 0; k < 2; k++) {                                                                             \
                transform##BITS(both[k], log_count, inverses);                                                        \
                for (size_t i = 0; i < n; i++) both[k][i] = multiply##BITS(both[k][i], shifts[i]);                    \
                transform##BITS(both[k], log_count, powers);                                                          \
            }                                                                                                         \
            for (size_t i = 0; i < n; i++)                                                                            \
                result[2 * i + 1] = add##BITS(result[2 * i + 1], multiply##BITS(u[i], v[i]));                         \
        }                                                                                                             \
        tacit_zeroise(scratch, 3 * n * sizeof *scratch);                                                              \
    }

DEFINE_FIELD(64, 32, UINT64_C(4294967295))
DEFINE_FIELD(128, 66, UINT64_C(4611686018427387897))

#define CHOOSE(name, ...) return field == TACIT_FIELD64 ? name##64(__VA_ARGS__) : name##128(__VA_ARGS__)

element tacit_field_add(int field, element a, element b) { CHOOSE(add, a, b); }
element tacit_field_subtract(int field, element a, element b) { CHOOSE(subtract, a, b); }
element tacit_field_multiply(int field, element a, element b) { CHOOSE(multiply, a, b); }
element tacit_field_from(int field, uint64_t value) { CHOOSE(constant, value); }
element tacit_field_to(int field, element a) { CHOOSE(to, a); }
element tacit_field_inverse(int field, element a) { CHOOSE(inverse, a); }
element tacit_field_root(int field, int log_order) { CHOOSE(root, log_order); }

void tacit_field_add_vector(int field, element *left, const element *right, size_t count) {
    if (field == TACIT_FIELD64)
        for (size_t i = 0; i < count; i++) left[i] = add64(left[i], right[i]);
    else
        for (size_t i = 0; i < count; i++) left[i] = add128(left[i], right[i]);
}

void tacit_field_subtract_vector(int field, element *left, const element *right, size_t count) {
    if (field == TACIT_FIELD64)
        for (size_t i = 0; i < count; i++) left[i] = subtract64(left[i], right[i]);
    else
        for (size_t i = 0; i < count; i++) left[i] = subtract128(left[i], right[i]);
}

int tacit_field_decode(int field, element *out, const uint8_t *in, size_t count) { CHOOSE(decode, out, in, count); }
size_t tacit_field_accept(int field, element *out, const uint8_t *in, size_t count) { CHOOSE(accept, out, in, count); }
void tacit_field_encode(int field, uint8_t *out, const element *in, size_t count) { CHOOSE(encode, out, in, count); }
void tacit_field_transform(int field, element *values, int log_count, const element *powers) {
    CHOOSE(transform, values, log_count, powers);
}
int tacit_field_basis(int field, element *basis, int log_count, element t) { CHOOSE(basis, basis, log_count, t); }
element tacit_field_dot(int field, const element *left, const element *right, size_t count) {
    CHOOSE(dot, left, right, count);
}
void tacit_field_product_wires(int field, element *sums, const element *x, size_t count, size_t chunk, size_t calls,
                               const element *r, const element *basis, element offset) {
    CHOOSE(wires, sums, x, count, chunk, calls, r, basis, offset);
}
void tacit_field_product_proof(int field, element *result, const element *x, size_t count, size_t chunk, size_t calls,
                               size_t first, size_t last, const element *r, const element *seeds, element offset,
                               int log_count, const element *powers, const element *inverses, const element *shifts,
                               element *scratch) {
    CHOOSE(proof, result, x, count, chunk, calls, first, last, r, seeds, offset, log_count, powers, inverses, shifts,
           scratch);
}
