#include "tacit_montgomery52.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define IFMA __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma")))
#define INLINE static inline __attribute__((always_inline)) IFMA

#define SHIFT(r) if ((r) + 1 < rows) { lows[r] = lows[(r) + 1]; highs[r] = highs[(r) + 1]; }

typedef __m512i vector;

#define DIGIT_MASK ((1ULL << 52) - 1)
#define ROWS 8
#define UNROLLED _Pragma("clang loop unroll(full)")

// Sums are kept unreduced in `columns[0 ..< 2·limbs]`: each column receives at most 2·limbs low or high halves from the
// product and as many from the reduction, so it stays below 4·limbs·2^52 < 2^64 for limbs < 1024. Digits are cut to 52
// bits in two places only: where a quotient digit is needed, and in the result.
//
// Work goes by blocks of eight rows (the first block has the remainder), in the order
//     product(0), quotients(0), product(1), reduction(0), quotients(1), product(2), reduction(1), …
// since the quotient digits of a block form one long chain of dependent instructions: the product of the next block, which
// does not need them, keeps the multipliers busy meanwhile.

INLINE vector load(const uint64_t *words) { return _mm512_load_si512(words); }
INLINE void store(uint64_t *words, vector value) { _mm512_store_si512(words, value); }
INLINE vector broadcast(const uint64_t *word) { return _mm512_set1_epi64((long long)*word); }
INLINE vector low(vector sum, vector a, vector b) { return _mm512_madd52lo_epu64(sum, a, b); }
INLINE vector high(vector sum, vector a, vector b) { return _mm512_madd52hi_epu64(sum, a, b); }
INLINE vector zero(void) { return _mm512_setzero_si512(); }
INLINE vector digit_mask(void) { return _mm512_set1_epi64((long long)DIGIT_MASK); }

// Where finished columns go: as they are to memory, or as digits to the result.
typedef struct {
    uint64_t *words;
    vector carry;
} sink;

INLINE void put(const int digits, sink *target, size_t index, vector sum) {
    if (digits) {
        sum = _mm512_add_epi64(sum, target->carry);
        store(target->words + 8 * index, _mm512_and_si512(sum, digit_mask()));
        target->carry = _mm512_srli_epi64(sum, 52);
    } else {
        store(target->words + 8 * index, sum);
    }
}

// One step of `stream`: column `index` is finished and the sums move one column on. `last` is the digit for the last row.
INLINE void step(const int rows, const int digits, const uint64_t *columns, sink *target, size_t index, vector digit,
                 vector last, const vector x[], vector lows[], vector highs[], vector *out) {
    UNROLLED for (int r = 0; r < rows; r++) lows[r] = low(lows[r], x[r], r + 1 < rows ? digit : last);
    UNROLLED for (int r = 0; r < rows; r++) highs[r] = high(highs[r], x[r], r + 1 < rows ? digit : last);
    put(digits, target, index, _mm512_add_epi64(lows[0], *out));
    *out = highs[0];
    // Written out, since a loop would be taken for a memmove and force the sums into memory.
    SHIFT(0) SHIFT(1) SHIFT(2) SHIFT(3) SHIFT(4) SHIFT(5) SHIFT(6)
    lows[rows - 1] = load(columns + 8 * (index + (size_t)rows));
    highs[rows - 1] = zero();
}

// Adds `rows` multipliers times y[start ..< count] to the columns. On entry lows[r] and highs[r] hold the sums of the columns
// start + r and start + r + 1 so far (lows with what memory held, highs without), `out` the high halves of column
// `start`. Each column is stored once. `lanes` says whether y is a lane array or shared by the lanes.
INLINE void stream(const int rows, const int lanes, const int digits, const uint64_t *columns, sink *target,
                   const uint64_t *y, size_t start, size_t count, const vector x[], vector lows[], vector highs[],
                   vector out) {
#pragma clang loop unroll_count(8)
    for (size_t j = start; j < count; j++) {
        vector digit = lanes ? load(y + 8 * j) : broadcast(y + j);
        step(rows, digits, columns, target, j, digit, digit, x, lows, highs, &out);
    }
    put(digits, target, count, _mm512_add_epi64(lows[0], out));
    UNROLLED for (int r = 1; r < rows; r++)
        put(digits, target, count + (size_t)r, _mm512_add_epi64(lows[r], highs[r - 1]));
}

// columns += left[0 ..< rows] · right.
INLINE void product_rows(const int rows, uint64_t *columns, const uint64_t *left, const uint64_t *right, size_t limbs) {
    vector x[ROWS], lows[ROWS], highs[ROWS];
    UNROLLED for (int r = 0; r < rows; r++) {
        x[r] = load(left + 8 * r);
        lows[r] = load(columns + 8 * r);
        highs[r] = zero();
    }
    sink target = {columns, zero()};
    stream(rows, 1, 0, columns, &target, right, 0, limbs, x, lows, highs, zero());
}

// Digits of twice the operand, which is below R/2.
INLINE void double_digits(uint64_t *doubled, const uint64_t *operand, size_t limbs) {
    vector previous = zero();
    for (size_t i = 0; i < limbs; i++) {
        vector digit = load(operand + 8 * i);
        vector twice = _mm512_and_si512(_mm512_add_epi64(digit, digit), digit_mask());
        store(doubled + 8 * i, _mm512_or_si512(twice, _mm512_srli_epi64(previous, 51)));
        previous = digit;
    }
}

// columns += Σ operand[r]·(operand[r]·2^(104r) + 2·Σ operand[j]·2^(52(r+j)), r < j < limbs) over r < rows.
//
// 2·Σ operand[j]·2^(52j) over j > r has the digits of the doubled operand, except that its digit r + 1 lacks the bit that
// was carried out of digit r.
INLINE void square_rows(const int rows, uint64_t *columns, const uint64_t *operand, const uint64_t *doubled,
                        size_t limbs) {
    const vector even = _mm512_set1_epi64(-2);
    vector x[ROWS], lows[2 * ROWS], highs[2 * ROWS + 1];
    UNROLLED for (int c = 0; c < 2 * rows; c++) {
        lows[c] = load(columns + 8 * c);
        highs[c] = zero();
    }
    highs[2 * rows] = zero();
    UNROLLED for (int r = 0; r < rows; r++) x[r] = load(operand + 8 * r);
    UNROLLED for (int j = 0; j < rows; j++) {
        vector digit = load(doubled + 8 * j);
        UNROLLED for (int r = 0; r < rows; r++)
            if (r <= j) {
                vector y = r == j ? x[r] : r + 1 == j ? _mm512_and_si512(digit, even) : digit;
                lows[r + j] = low(lows[r + j], x[r], y);
                highs[r + j + 1] = high(highs[r + j + 1], x[r], y);
            }
    }
    UNROLLED for (int c = 0; c < rows; c++) store(columns + 8 * c, _mm512_add_epi64(lows[c], highs[c]));
    if (limbs == (size_t)rows) {
        UNROLLED for (int c = rows; c < 2 * rows; c++)
            store(columns + 8 * c, _mm512_add_epi64(lows[c], highs[c]));
        return;
    }
    columns += 8 * rows;
    sink target = {columns, zero()};
    vector digit = load(doubled + 8 * rows), out = highs[rows];
    step(rows, 0, columns, &target, 0, digit, _mm512_and_si512(digit, even), x, lows + rows, highs + rows + 1, &out);
    stream(rows, 1, 0, columns, &target, doubled + 8 * rows, 1, limbs - (size_t)rows, x, lows + rows,
           highs + rows + 1, out);
}

// The quotient digits m[0 ..< rows] that make columns[0 ..< rows] vanish modulo 2^(52·rows) when m·N is added, and
// after them the carry into column `rows`.
INLINE void quotient_rows(const int rows, uint64_t *quotients, const uint64_t *columns,
                          const tacit_mont52_modulus *modulus) {
    const uint64_t *n = modulus->digits;
    const vector inverse = broadcast(&modulus->inverse);
    vector lows[ROWS], highs[ROWS], carry = zero();
    UNROLLED for (int c = 0; c < rows; c++) {
        lows[c] = load(columns + 8 * c);
        highs[c] = zero();
    }
    UNROLLED for (int r = 0; r < rows; r++) {
        vector sum = _mm512_add_epi64(_mm512_add_epi64(lows[r], carry), highs[r]);
        vector m = low(zero(), sum, inverse);
        store(quotients + 8 * r, m);
        // sum + low half of m·n[0] is a multiple of 2^52: the carry is sum / 2^52 rounded up.
        carry = _mm512_srli_epi64(_mm512_add_epi64(sum, digit_mask()), 52);
        UNROLLED for (int j = 0; j < rows; j++) {
            if (j > 0 && r + j < rows) lows[r + j] = low(lows[r + j], m, broadcast(n + j));
            if (r + j + 1 < rows) highs[r + j + 1] = high(highs[r + j + 1], m, broadcast(n + j));
        }
    }
    store(quotients + 8 * rows, carry);
}

// Adds quotients · N to the columns from `rows` on, and the carry. With `digits` these are the last quotients, and
// the columns become the digits of the result.
INLINE void reduce_rows(const int rows, const int digits, uint64_t *columns, const uint64_t *quotients,
                        const tacit_mont52_modulus *modulus, uint64_t *result) {
    const uint64_t *n = modulus->digits;
    vector m[ROWS], lows[ROWS], highs[ROWS + 1];
    columns += 8 * rows;
    UNROLLED for (int r = 0; r < rows; r++) {
        m[r] = load(quotients + 8 * r);
        lows[r] = load(columns + 8 * r);
        highs[r] = zero();
    }
    highs[rows] = zero();
    lows[0] = _mm512_add_epi64(lows[0], load(quotients + 8 * rows));
    UNROLLED for (int j = 0; j < rows; j++) {
        vector digit = broadcast(n + j);
        UNROLLED for (int r = 0; r < rows; r++) {
            if (r + j >= rows) lows[r + j - rows] = low(lows[r + j - rows], m[r], digit);
            if (r + j + 1 >= rows) highs[r + j + 1 - rows] = high(highs[r + j + 1 - rows], m[r], digit);
        }
    }
    sink target = {digits ? result : columns, zero()};
    stream(rows, 0, digits, columns, &target, n + rows, 0, modulus->limbs - (size_t)rows, m, lows, highs + 1,
           highs[0]);
}

// Calls with the number of rows of a short block as a constant.
#define SWITCH_ROWS(rows, call)       \
    switch (rows) {                   \
        case 1: call(1); break;       \
        case 2: call(2); break;       \
        case 3: call(3); break;       \
        case 4: call(4); break;       \
        case 5: call(5); break;       \
        case 6: call(6); break;       \
        case 7: call(7); break;       \
        default: break;               \
    }

// Scratch memory: columns, quotients of one block with their carry, doubled operand.
INLINE uint64_t *quotients_in(uint64_t *scratch, size_t limbs) { return scratch + 8 * (2 * limbs + ROWS); }
INLINE uint64_t *doubled_in(uint64_t *scratch, size_t limbs) { return scratch + 8 * (2 * limbs + 2 * ROWS + 1); }

size_t tacit_mont52_scratch_words(size_t limbs) { return 8 * (3 * limbs + 2 * ROWS + 1); }

INLINE void clear(uint64_t *columns, size_t count) {
    for (size_t i = 0; i < count; i++) store(columns + 8 * i, zero());
}

// The reduction of a single short block, and the digits of the result.
IFMA static void finish_short(uint64_t *result, uint64_t *columns, const tacit_mont52_modulus *modulus) {
    const size_t limbs = modulus->limbs;
    uint64_t *quotients = quotients_in(columns, limbs);
#define CALL(R)                                    \
    quotient_rows(R, quotients, columns, modulus); \
    reduce_rows(R, 1, columns, quotients, modulus, result)
    SWITCH_ROWS(limbs, CALL)
#undef CALL
}

// One short block first, then blocks of eight; `product(rows, i)` is the product of the block that begins with row i.
#define PRODUCT_AND_REDUCTION(product)                                                                   \
    const size_t limbs = modulus->limbs, first = limbs % ROWS;                                           \
    uint64_t *const columns = scratch, *const quotients = quotients_in(scratch, limbs);                  \
    clear(columns, 2 * limbs + ROWS);                                                                    \
    size_t i = first;                                                                                    \
    SWITCH_ROWS(first, product##_FIRST)                                                                  \
    if (limbs < ROWS) {                                                                                  \
        finish_short(result, columns, modulus);                                                          \
        return;                                                                                          \
    }                                                                                                    \
    if (first > 0) {                                                                                     \
        SWITCH_ROWS(first, QUOTIENTS_FIRST)                                                              \
        product(ROWS, i);                                                                                \
        SWITCH_ROWS(first, REDUCE_FIRST)                                                                 \
    } else {                                                                                             \
        product(ROWS, i);                                                                                \
    }                                                                                                    \
    for (; i + ROWS < limbs; i += ROWS) {                                                                \
        quotient_rows(ROWS, quotients, columns + 8 * i, modulus);                                        \
        product(ROWS, i + ROWS);                                                                         \
        reduce_rows(ROWS, 0, columns + 8 * i, quotients, modulus, result);                               \
    }                                                                                                    \
    quotient_rows(ROWS, quotients, columns + 8 * i, modulus);                                            \
    reduce_rows(ROWS, 1, columns + 8 * i, quotients, modulus, result);

#define QUOTIENTS_FIRST(R) quotient_rows(R, quotients, columns, modulus)
#define REDUCE_FIRST(R) reduce_rows(R, 0, columns, quotients, modulus, result)

#define MULTIPLY(R, i) product_rows(R, columns + 8 * (i), left + 8 * (i), right, limbs)
#define MULTIPLY_FIRST(R) MULTIPLY(R, 0)

IFMA void tacit_mont52_multiply(uint64_t *result, const uint64_t *left, const uint64_t *right,
                                const tacit_mont52_modulus *modulus, uint64_t *scratch) {
    PRODUCT_AND_REDUCTION(MULTIPLY)
}

#define SQUARE(R, i) square_rows(R, columns + 16 * (i), operand + 8 * (i), doubled + 8 * (i), limbs - (i))
#define SQUARE_FIRST(R) SQUARE(R, 0)

IFMA void tacit_mont52_square(uint64_t *result, const uint64_t *operand, const tacit_mont52_modulus *modulus,
                              uint64_t *scratch) {
    uint64_t *const doubled = doubled_in(scratch, modulus->limbs);
    double_digits(doubled, operand, modulus->limbs);
    PRODUCT_AND_REDUCTION(SQUARE)
}

// The operand stands for the product.
#define PLAIN(R, i) \
    if ((i) == 0) memcpy(columns, operand, 64 * limbs)
#define PLAIN_FIRST(R) PLAIN(R, 0)

IFMA static void divide_by_r(uint64_t *result, const uint64_t *operand, const tacit_mont52_modulus *modulus,
                             uint64_t *scratch) {
    PRODUCT_AND_REDUCTION(PLAIN)
}

IFMA void tacit_mont52_reduce(uint64_t *result, const uint64_t *operand, const tacit_mont52_modulus *modulus,
                              uint64_t *scratch) {
    divide_by_r(result, operand, modulus, scratch);
    // (operand + m·N) / R with operand < R and m < R is at most N.
    tacit_mont52_canonical(result, modulus);
}

IFMA void tacit_mont52_canonical(uint64_t *numbers, const tacit_mont52_modulus *modulus) {
    const size_t limbs = modulus->limbs;
    const vector mask = _mm512_set1_epi64((long long)DIGIT_MASK);
    vector borrow = _mm512_setzero_si512();  // 0 or −1
    for (size_t i = 0; i < limbs; i++) {
        vector difference = _mm512_sub_epi64(load(numbers + 8 * i), broadcast(modulus->digits + i));
        borrow = _mm512_srai_epi64(_mm512_add_epi64(difference, borrow), 52);
    }
    const __mmask8 subtract = _mm512_cmpeq_epi64_mask(borrow, _mm512_setzero_si512());
    borrow = _mm512_setzero_si512();
    for (size_t i = 0; i < limbs; i++) {
        vector digit = _mm512_maskz_mov_epi64(subtract, broadcast(modulus->digits + i));
        vector difference = _mm512_add_epi64(_mm512_sub_epi64(load(numbers + 8 * i), digit), borrow);
        store(numbers + 8 * i, _mm512_and_si512(difference, mask));
        borrow = _mm512_srai_epi64(difference, 52);
    }
}

#endif
