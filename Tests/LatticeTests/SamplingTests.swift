import BigIntegers
import CKernels
import Foundation
import Lattice
import Randomness
import TacitTestSupport
import Testing

/// Statistics on fixed seeds: a correct sampler passes with these seeds; with fresh ones each test would raise a false
/// alarm at the rate stated.
@Suite struct SamplingTests {
    private static let access = SecretAccess("test")

    /// Σ (observed − expected)²/expected
    private static func chiSquare(_ observed: [Int], _ expected: [Double]) -> Double {
        zip(observed, expected).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) / $1.1 }
    }

    /// The value that χ² with k degrees exceeds with probability 10⁻⁶ (Wilson–Hilferty).
    private static func limit(_ k: Int) -> Double {
        let t = 2 / (9 * Double(k))
        return Double(k) * pow(1 - t + 4.753 * t.squareRoot(), 3)
    }

    /// The table from scratch: exp by its series in 256-bit fixed point.
    @Test func gaussianTableIsExact() {
        let precision = 256
        let one = BigInteger(1) << precision
        func exponential(_ numerator: Int, over denominator: Int) -> BigInteger {  // exp(−numerator/denominator)
            // exp(−x) = 1 / exp(x), the series of exp(x) has positive terms only.
            var (sum, term, k) = (one, one, 1)
            while !term.isZero {
                term = (term * BigInteger(numerator)).dividedFloor(by: BigInteger(denominator * k))
                sum += term
                k += 1
            }
            return (one * one).dividedFloor(by: sum)
        }
        // x²/(2 · 3.2²) = 25 x² / 512
        let weights = (0...60).map { exponential(25 * $0 * $0, over: 512) }
        let total = weights.dropFirst().reduce(weights[0]) { $0 + ($1 << 1) }
        var cumulative = BigInteger(0)
        for (j, entry) in SmallPolynomial.gaussianTable.enumerated() {
            cumulative += j == 0 ? weights[0] : weights[j] << 1
            #expect((cumulative << 63).dividedFloor(by: total) == BigInteger(entry), "entry \(j)")
        }
        // What the cut leaves out: 2⁻⁶⁵·³.
        let rest = total - cumulative - (weights[29] << 1)
        #expect((rest << 65) < total && (rest << 66) > total)
        #expect(SmallPolynomial.gaussianTable.count == SmallPolynomial.gaussianTail)
    }

    /// χ² over 25 classes, n = 2²², false alarm 10⁻⁶; and every tier draws the same.
    @Test func gaussianFollowsItsDistribution() {
        let n = 1 << 22
        var draws: [[Int64]] = []
        for tier in Tiers.all {
            tacit_cpu_limit_tier(tier)
            defer { tacit_cpu_limit_tier(.max) }
            var random = SeededRandom(seed: 1)
            draws.append(SmallPolynomial.gaussian(count: n, using: &random).withValues(Self.access) { Array($0) })
        }
        #expect(draws.allSatisfy { $0 == draws[0] })
        let tail = 12
        var observed = [Int](repeating: 0, count: 2 * tail + 1)
        for x in draws[0] { observed[min(max(Int(x), -tail), tail) + tail] += 1 }
        let weights = (-40...40).map { exp(-Double($0 * $0) / (2 * 3.2 * 3.2)) }
        let total = weights.reduce(0, +)
        var expected = [Double](repeating: 0, count: 2 * tail + 1)
        for (index, weight) in weights.enumerated() {
            expected[min(max(index - 40, -tail), tail) + tail] += Double(n) * weight / total
        }
        #expect(Self.chiSquare(observed, expected) < Self.limit(2 * tail))
    }

    /// Words at both ends give the extreme samples: nothing beyond the cut.
    @Test func gaussianExtremes() {
        for tier in Tiers.all {
            tacit_cpu_limit_tier(tier)
            defer { tacit_cpu_limit_tier(.max) }
            var out = [Int64](repeating: 0, count: 8)
            let table = SmallPolynomial.gaussianTable
            let words: [UInt64] = [
                0, 1, .max, .max - 1, table[0] << 1, (table[0] - 1) << 1, table[0] << 1 | 1, table[28] << 1 | 1,
            ]
            tacit_sample_gaussian(&out, words, 8, table, table.count)
            #expect(out == [0, 0, -29, 29, 1, 0, -1, -29])
        }
    }

    /// χ² with 2 degrees over n = 2²⁰, and over the 9 pairs of neighbours; false alarm 10⁻⁶ each.
    @Test func ternaryIsUniform() {
        var random = SeededRandom(seed: 2)
        let n = 1 << 20
        let values = SmallPolynomial.ternary(count: n, using: &random).withValues(Self.access) { Array($0) }
        #expect(values.allSatisfy { (-1...1).contains($0) })
        var (single, pairs) = ([Int](repeating: 0, count: 3), [Int](repeating: 0, count: 9))
        for x in values { single[Int(x) + 1] += 1 }
        for i in stride(from: 0, to: n, by: 2) { pairs[Int(3 * (values[i] + 1) + values[i + 1] + 1)] += 1 }
        #expect(Self.chiSquare(single, [Double](repeating: Double(n) / 3, count: 3)) < Self.limit(2))
        #expect(Self.chiSquare(pairs, [Double](repeating: Double(n) / 18, count: 9)) < Self.limit(8))
    }

    /// Exact weight; places and signs uniform: χ² over 64 places and two signs, 4,000 draws, false alarm 10⁻⁶ each.
    @Test func sparseSecretsHaveTheirWeight() throws {
        var random = SeededRandom(seed: 3)
        for (count, weight) in [(1024, 1), (1024, 64), (1024, 1024), (65536, 192)] {
            let secret = try SmallPolynomial.sparseTernary(count: count, weight: weight, using: &random)
            #expect(secret.withValues(Self.access) { $0.count { $0 != 0 } } == weight)
        }
        var (places, signs) = ([Int](repeating: 0, count: 64), [0, 0])
        let draws = 4000
        for _ in 0..<draws {
            let secret = try SmallPolynomial.sparseTernary(count: 64, weight: 7, using: &random)
            secret.withValues(Self.access) { values in
                for (i, x) in values.enumerated() where x != 0 {
                    places[i] += 1
                    signs[x > 0 ? 1 : 0] += 1
                }
            }
        }
        // Places of one draw exclude each other, which lowers the variance by (64 − 7)/63.
        let expected = Double(7 * draws) / 64
        #expect(Self.chiSquare(places, [Double](repeating: expected, count: 64)) / (57.0 / 63) < Self.limit(63))
        #expect(Self.chiSquare(signs, [Double](repeating: Double(7 * draws) / 2, count: 2)) < Self.limit(1))
        for weight in [0, -1, 65] {
            let error = #expect(throws: LatticeError.self) {
                try SmallPolynomial.sparseTernary(count: 64, weight: weight, using: &random)
            }
            #expect(error?.message == "Hamming weight: got \(weight), want 1...64")
        }
    }

    @Test(arguments: [64, 1024, 4096]) func networkSorts(count: Int) {
        var generator = TestGenerator(seed: UInt64(count))
        for bound in [UInt64.max, 3] {
            var keys = (0..<count).map { _ in generator.next() % bound }
            let sorted = keys.sorted()
            tacit_sort_network(&keys, count)
            #expect(keys == sorted)
        }
    }

    /// Uniform modulo primes just below and just above a power of two (many rejections): χ² over 64 classes of 2¹⁶
    /// residues each, false alarm 10⁻⁶.
    @Test func seedsExpandUniformly() throws {
        for modulus in try Modulus.testPrimes(bits: 50) + [Modulus(562_949_953_443_841)] {
            var m = tacit_modulus_make(modulus.value)
            let n = 1 << 16
            var out = [UInt64](repeating: 0, count: n)
            tacit_sample_uniform(&out, n, &m, [UInt8](repeating: 7, count: 32), 9)
            var observed = [Int](repeating: 0, count: 64)
            for x in out {
                #expect(x < modulus.value)
                observed[Int(Double(x) / Double(modulus.value) * 64)] += 1
            }
            #expect(Self.chiSquare(observed, [Double](repeating: Double(n) / 64, count: 64)) < Self.limit(63))
        }
    }

    /// Made with a ChaCha20 of another's writing after the specification in docs/lattice.md.
    @Test func seedsExpandAsSpecified() throws {
        let ring = TestRings.small
        let seed = try UniformSeed(bytes: (0..<32).map { UInt8($0) })
        let ciphertext = seed.polynomial(ring.keyBasis, label: .ciphertext)
        let third = seed.polynomial(ring.basis(2), label: .keySwitchKey, index: 3)
        #expect(Array(ciphertext.residues(0).prefix(3)) == UniformVectors.ciphertext0)
        #expect(ciphertext.residues(0)[1023] == UniformVectors.ciphertext0Last)
        #expect(Array(ciphertext.residues(6).prefix(3)) == UniformVectors.ciphertext6)
        #expect(Array(third.residues(1).prefix(3)) == UniformVectors.third1)
        // A smaller basis sees the same residues.
        #expect(seed.polynomial(ring.basis(1), label: .ciphertext).residues(0) == ciphertext.residues(0))
        let error = #expect(throws: LatticeError.self) { try UniformSeed(bytes: [1, 2]) }
        #expect(error?.message == "seed: got 2 bytes, want 32")
    }
}
