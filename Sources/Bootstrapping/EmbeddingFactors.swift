import Foundation

/// A matrix on vectors of n slots by its diagonals: (M·v)_j = Σ_k diagonal_k[j]·v[j + k], indices modulo n.
struct DiagonalMatrix {
    /// n
    let slots: Int
    /// Every diagonal repeats with this period, a power of two that divides n or 2n.
    let period: Int
    /// By offset in 0..<n.
    private(set) var diagonals: [Int: [Complex]]

    init(slots: Int, period: Int, diagonals: [Int: [Complex]] = [:]) {
        self.slots = slots
        self.period = period
        self.diagonals = diagonals
    }

    mutating func add(_ value: Complex, offset: Int, row: Int) {
        let k = ((offset % slots) + slots) % slots
        diagonals[k, default: [Complex](repeating: Complex(0), count: period)][row] =
            diagonals[k, default: [Complex](repeating: Complex(0), count: period)][row] + value
    }

    /// self · other: first `other`.
    func product(_ other: DiagonalMatrix) -> DiagonalMatrix {
        precondition(slots == other.slots && period == other.period)
        var result: [Int: [Complex]] = [:]
        for (k, a) in diagonals {
            for (l, b) in other.diagonals {
                var sum = result[(k + l) % slots] ?? [Complex](repeating: Complex(0), count: period)
                for j in 0..<period { sum[j] = sum[j] + a[j] * b[(j + k) % period] }
                result[(k + l) % slots] = sum
            }
        }
        return DiagonalMatrix(slots: slots, period: period, diagonals: result)
    }

    /// The same for vectors of twice the slots made of two equal halves: rows of the first half times `first`, of the
    /// second half times `second`.
    func scalingHalves(rows first: Complex, _ second: Complex) -> DiagonalMatrix {
        let n = slots
        let scaled = diagonals.mapValues { d in
            (0..<2 * n).map { j in d[j % period] * (j < n ? first : second) }
        }
        return DiagonalMatrix(slots: n, period: 2 * n, diagonals: scaled)
    }

    /// For vectors of 2n slots whose halves differ: the matrix applied to (first·upper half, second·lower half), each
    /// output row taking its inputs from one half at a time; adding the result to itself shifted by n sums the halves.
    func scalingHalves(columns first: Complex, _ second: Complex) -> DiagonalMatrix {
        let n = slots
        var result = DiagonalMatrix(slots: 2 * n, period: 2 * n)
        for (k, d) in diagonals {
            // Offsets of one sign or the other keep the number of rotations small.
            let offset = k <= n / 2 ? k : k - n
            result.diagonals[((offset % (2 * n)) + 2 * n) % (2 * n)] = (0..<2 * n).map { j in
                d[j % period] * ((j + offset + 2 * n) % (2 * n) < n ? first : second)
            }
        }
        return result
    }

    func applied(to v: [Complex]) -> [Complex] {
        var result = [Complex](repeating: Complex(0), count: v.count)
        for (k, d) in diagonals {
            for j in v.indices { result[j] = result[j] + d[j % period] * v[(j + k) % v.count] }
        }
        return result
    }
}

/// The transforms between slots and coefficients as products of a few sparse matrices.
///
/// Layers of the fast Fourier transform over the powers of 5, without the bit reversal and without factors 1/2:
/// `slotsToCoefficients` below means homomorphic "CoeffsToSlots", because what a slot should hold is a coefficient.
/// - Reference: Chen, Chillotti, Song 2019 (ePrint 2018/1043), section 4; Han, Hhan, Cheon 2019 (ePrint 2018/1073).
enum EmbeddingFactors {
    /// Splits log₂ n layers into groups whose sizes differ by one at most, the smaller ones at the longest layers: their
    /// diagonals take the most memory.
    static func groups(logSlots: Int, count: Int) -> [ClosedRange<Int>] {
        precondition(count >= 1)
        let used = min(count, max(1, logSlots))
        var result: [ClosedRange<Int>] = []
        var low = 1
        for index in 0..<used {
            let size = logSlots / used + (index < logSlots % used ? 1 : 0)
            result.append(low...(low + size - 1))
            low += size
        }
        return result
    }

    private static func root(_ j: Int, length: Int) -> Complex {
        let m = 4 * length
        var (power, base, exponent) = (1, 5 % m, j)
        while exponent > 0 {
            if exponent & 1 == 1 { power = power * base % m }
            base = base * base % m
            exponent >>= 1
        }
        let angle = 2 * Double.pi * Double(power) / Double(m)
        return Complex(cos(angle), sin(angle))
    }

    /// One layer on blocks of 2^logLength slots: from coefficients towards slots, or its inverse times two.
    static func layer(slots: Int, logLength: Int, period: Int, inverse: Bool) -> DiagonalMatrix {
        let length = 1 << logLength
        let half = length / 2
        var matrix = DiagonalMatrix(slots: slots, period: period)
        for start in stride(from: 0, to: period, by: length) {
            for j in 0..<half {
                let w = root(j, length: length)
                let (a, b) = (start + j, start + j + half)
                matrix.add(Complex(1), offset: 0, row: a)
                if inverse {
                    matrix.add(Complex(1), offset: half, row: a)
                    matrix.add(w.conjugate * -1, offset: 0, row: b)
                    matrix.add(w.conjugate, offset: -half, row: b)
                } else {
                    matrix.add(w, offset: half, row: a)
                    matrix.add(w * -1, offset: 0, row: b)
                    matrix.add(Complex(1), offset: -half, row: b)
                }
            }
        }
        return matrix
    }

    /// From bit-reversed coefficients to slots, in the order of use: short layers first.
    static func toSlots(logSlots: Int, count: Int) -> [DiagonalMatrix] {
        groups(logSlots: logSlots, count: count).map { range in
            range.dropFirst().reduce(first(range, logSlots, inverse: false)) { product, logLength in
                layer(
                    slots: 1 << logSlots, logLength: logLength, period: 1 << range.upperBound, inverse: false
                ).product(product)
            }
        }
    }

    /// From slots to n times the bit-reversed coefficients, in the order of use: long layers first.
    static func toCoefficients(logSlots: Int, count: Int) -> [DiagonalMatrix] {
        groups(logSlots: logSlots, count: count).reversed().map { range in
            range.dropFirst().reduce(first(range, logSlots, inverse: true)) { product, logLength in
                product.product(
                    layer(slots: 1 << logSlots, logLength: logLength, period: 1 << range.upperBound, inverse: true))
            }
        }
    }

    private static func first(_ range: ClosedRange<Int>, _ logSlots: Int, inverse: Bool) -> DiagonalMatrix {
        layer(slots: 1 << logSlots, logLength: range.lowerBound, period: 1 << range.upperBound, inverse: inverse)
    }
}
