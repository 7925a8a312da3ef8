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

INLINE vector load(const uint64_t *words) { return _mm512_load_si512(words); }
INLINE void store(uint64_t *words, vector value) { _mm512_store_si512(words, value); }
INLINE vector broadcast(const uint64_t *word) { return _mm512_set1_epi64((long long)*word); }
INLINE vector low(vector sum, vector a, vector b) { return _mm512_madd52lo_epu64(sum, a, b); }
INLINE vector high(vector sum, vector a, vector b) { return _mm512_madd52hi_epu64(sum, a, b); }

// Adds `rows` multipliers times y[0 ..< count] to the columns. On entry lows[r] and highs[r] hold the sums of the columns
// r and r + 1 so far (lows with what memory held, highs without), `out` the high halves of column 0; the sums move
// one column on with each step, and each column is stored once. `lanes` says whether y is a lane array or shared.
INLINE void stream(const int rows, const int lanes, uint64_t *columns, const uint64_t *y, size_t count,
                   const vector x[], vector lows[], vector highs[], vector out) {
#pragma clang loop unroll_count(8)
    for (size_t j = 0; j < count; j++) {
        vector digit = lanes ? load(y + 8 * j) : broadcast(y + j);
        UNROLLED for (int r = 0; r < rows; r++) lows[r] = low(lows[r], x[r], digit);
        UNROLLED for (int r = 0; r < rows; r++) highs[r] = high(highs[r], x[r], digit);
        store(columns + 8 * j, _mm512_add_epi64(lows[0], out));
        out = highs[0];
        // Written out, since a loop would be taken for a memmove and force the sums into memory.
        SHIFT(0) SHIFT(1) SHIFT(2) SHIFT(3) SHIFT(4) SHIFT(5) SHIFT(6)
        lows[rows - 1] = load(columns + 8 * (j + (size_t)rows));
        highs[rows - 1] = _mm512_setzero_si512();
    }
    store(columns + 8 * count, _mm512_add_epi64(lows[0], out));
    UNROLLED for (int r = 1; r < rows; r++)
        store(columns + 8 * (count + (size_t)r), _mm512_add_epi64(lows[r], highs[r - 1]));
}

// columns += left[0 ..< rows] · right.
INLINE void product_rows(const int rows, uint64_t *columns, const uint64_t *left, const uint64_t *right, size_t limbs) {
    vector x[ROWS], lows[ROWS], highs[ROWS];
    UNROLLED for (int r = 0; r < rows; r++) {
        x[r] = load(left + 8 * r);
        lows[r] = load(columns + 8 * r);
        highs[r] = _mm512_setzero_si512();
    }
    stream(rows, 1, columns, right, limbs, x, lows, highs, _mm512_setzero_si512());
}

// columns += Σ operand[r]·operand[j]·2^(52(r+j)) over r < rows and r < j < limbs.
INLINE void square_rows(const int rows, uint64_t *columns, const uint64_t *operand, size_t limbs) {
    vector x[ROWS], lows[2 * ROWS], highs[2 * ROWS + 1];
    UNROLLED for (int c = 0; c < 2 * rows; c++) {
        lows[c] = load(columns + 8 * c);
        highs[c] = _mm512_setzero_si512();
    }
    highs[2 * rows] = _mm512_setzero_si512();
    UNROLLED for (int r = 0; r < rows; r++) x[r] = load(operand + 8 * r);
    UNROLLED for (int j = 1; j < rows; j++)
        UNROLLED for (int r = 0; r < rows; r++)
            if (r < j) {
                lows[r + j] = low(lows[r + j], x[r], x[j]);
                highs[r + j + 1] = high(highs[r + j + 1], x[r], x[j]);
            }
    UNROLLED for (int c = 0; c < rows; c++) store(columns + 8 * c, _mm512_add_epi64(lows[c], highs[c]));
    stream(rows, 1, columns + 8 * rows, operand + 8 * rows, limbs - (size_t)rows, x, lows + rows, highs + rows + 1,
           highs[rows]);
}

// Makes columns[0 ..< rows] multiples of 2^52·… by adding a multiple of the modulus; their carry goes to column `rows`.
INLINE void reduce_rows(const int rows, uint64_t *columns, const tacit_mont52_modulus *modulus) {
    const uint64_t *n = modulus->digits;
    const vector inverse = broadcast(&modulus->inverse), mask = _mm512_set1_epi64((long long)DIGIT_MASK);
    vector m[ROWS], lows[2 * ROWS], highs[2 * ROWS + 1], carry = _mm512_setzero_si512();
    UNROLLED for (int c = 0; c < 2 * rows; c++) {
        lows[c] = load(columns + 8 * c);
        highs[c] = _mm512_setzero_si512();
    }
    highs[2 * rows] = _mm512_setzero_si512();
    UNROLLED for (int r = 0; r < rows; r++) {
        vector sum = _mm512_add_epi64(_mm512_add_epi64(lows[r], highs[r]), carry);
        m[r] = low(_mm512_setzero_si512(), sum, inverse);
        // sum + low half of m·n[0] is a multiple of 2^52: the carry is sum / 2^52 rounded up.
        carry = _mm512_srli_epi64(_mm512_add_epi64(sum, mask), 52);
        UNROLLED for (int j = 0; j < rows; j++) {
            if (j > 0 && r + j < rows) lows[r + j] = low(lows[r + j], m[r], broadcast(n + j));
            if (r + j + 1 < rows) highs[r + j + 1] = high(highs[r + j + 1], m[r], broadcast(n + j));
        }
    }
    lows[rows] = _mm512_add_epi64(lows[rows], carry);
    UNROLLED for (int j = 0; j < rows; j++) {
        vector digit = broadcast(n + j);
        UNROLLED for (int r = 0; r < rows; r++) {
            if (r + j >= rows) lows[r + j] = low(lows[r + j], m[r], digit);
            if (r + j + 1 >= rows) highs[r + j + 1] = high(highs[r + j + 1], m[r], digit);
        }
    }
    stream(rows, 0, columns + 8 * rows, n + rows, modulus->limbs - (size_t)rows, m, lows + rows, highs + rows + 1,
           highs[rows]);
}

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

IFMA static void reduce_columns(uint64_t *result, uint64_t *columns, const tacit_mont52_modulus *modulus) {
    const size_t limbs = modulus->limbs;
    size_t i = 0;
    for (; i + ROWS <= limbs; i += ROWS) reduce_rows(ROWS, columns + 8 * i, modulus);
#define CALL(R) reduce_rows(R, columns + 8 * i, modulus)
    SWITCH_ROWS(limbs - i, CALL)
#undef CALL
    const vector mask = _mm512_set1_epi64((long long)DIGIT_MASK);
    vector carry = _mm512_setzero_si512();
    columns += 8 * limbs;
    for (i = 0; i < limbs; i++) {
        vector sum = _mm512_add_epi64(load(columns + 8 * i), carry);
        store(result + 8 * i, _mm512_and_si512(sum, mask));
        carry = _mm512_srli_epi64(sum, 52);
    }
}

size_t tacit_mont52_scratch_words(size_t limbs) { return 8 * (2 * limbs + 2 * ROWS); }

IFMA void tacit_mont52_multiply(uint64_t *result, const uint64_t *left, const uint64_t *right,
                                const tacit_mont52_modulus *modulus, uint64_t *scratch) {
    const size_t limbs = modulus->limbs;
    memset(scratch, 0, 8 * tacit_mont52_scratch_words(limbs));
    size_t i = 0;
    for (; i + ROWS <= limbs; i += ROWS) product_rows(ROWS, scratch + 8 * i, left + 8 * i, right, limbs);
#define CALL(R) product_rows(R, scratch + 8 * i, left + 8 * i, right, limbs)
    SWITCH_ROWS(limbs - i, CALL)
#undef CALL
    reduce_columns(result, scratch, modulus);
}

IFMA void tacit_mont52_square(uint64_t *result, const uint64_t *operand, const tacit_mont52_modulus *modulus,
                              uint64_t *scratch) {
    const size_t limbs = modulus->limbs;
    memset(scratch, 0, 8 * tacit_mont52_scratch_words(limbs));
    size_t i = 0;
    for (; i + ROWS <= limbs; i += ROWS) square_rows(ROWS, scratch + 16 * i, operand + 8 * i, limbs - i);
#define CALL(R) square_rows(R, scratch + 16 * i, operand + 8 * i, limbs - i)
    SWITCH_ROWS(limbs - i, CALL)
#undef CALL
    for (i = 0; i < limbs; i++) {
        vector digit = load(operand + 8 * i), first = load(scratch + 16 * i), second = load(scratch + 16 * i + 8);
        store(scratch + 16 * i, low(_mm512_add_epi64(first, first), digit, digit));
        store(scratch + 16 * i + 8, high(_mm512_add_epi64(second, second), digit, digit));
    }
    reduce_columns(result, scratch, modulus);
}

IFMA void tacit_mont52_reduce(uint64_t *result, const uint64_t *operand, const tacit_mont52_modulus *modulus,
                              uint64_t *scratch) {
    const size_t limbs = modulus->limbs;
    memcpy(scratch, operand, 64 * limbs);
    memset(scratch + 8 * limbs, 0, 8 * tacit_mont52_scratch_words(limbs) - 64 * limbs);
    reduce_columns(result, scratch, modulus);
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
