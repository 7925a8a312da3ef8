import CKernels
import DifferentialPrivacy
import Foundation
import Randomness
import TacitTestSupport
import Testing

/// Statistics on fixed seeds; each test alone would fail by chance once in a million seeds.
@Suite struct SamplerTests {
    /// Pearson's statistic against the masses, and the value it exceeds with probability 10⁻⁶ (Wilson, Hilferty).
    private func chiSquare(_ counts: [Int64: Int], _ draws: Int, mass: (Int64) -> Double) -> (Double, limit: Double) {
        var (statistic, bins) = (0.0, 0)
        var (restExpected, restCount) = (Double(draws), draws)
        var x: Int64 = 0
        while true {
            for value in x == 0 ? [0] : [x, -x] {
                let expected = mass(value) * Double(draws)
                let count = counts[value] ?? 0
                restExpected -= expected
                restCount -= count
                statistic += (Double(count) - expected) * (Double(count) - expected) / expected
                bins += 1
            }
            x += 1
            if mass(x) * Double(draws) < 20 { break }
        }
        if restExpected > 5 {
            statistic += (Double(restCount) - restExpected) * (Double(restCount) - restExpected) / restExpected
            bins += 1
        }
        let k = Double(bins - 1)
        let root = 1 - 2 / (9 * k) + 4.7534 * (2 / (9 * k)).squareRoot()
        return (statistic, k * root * root * root)
    }

    private func gaussianMass(_ variance: Double) -> (Int64) -> Double {
        var total = 0.0
        for x in -2000...2000 { total += exp(-Double(x * x) / (2 * variance)) }
        return { exp(-Double($0) * Double($0) / (2 * variance)) / total }
    }

    private func laplaceMass(_ scale: Double) -> (Int64) -> Double {
        let r = exp(-1 / scale)
        return { (1 - r) / (1 + r) * exp(-abs(Double($0)) / scale) }
    }

    @Test(arguments: [0.4, 1, 2.7, 33, 180])
    func tableNoiseHasItsMasses(scale: Double) throws {
        var random = SeededRandom(seed: 11)
        let draws = 8_000_000
        for (noise, mass) in [
            (try DiscreteNoise.gaussian(deviation: scale), gaussianMass(scale * scale)),
            (try DiscreteNoise.laplace(scale: scale), laplaceMass(scale)),
        ] {
            var counts: [Int64: Int] = [:]
            for x in noise.draws(draws, using: &random) { counts[x, default: 0] += 1 }
            let (statistic, limit) = chiSquare(counts, draws, mass: mass)
            #expect(statistic < limit, "scale \(scale), Gaussian \(noise.isGaussian): \(statistic), limit \(limit)")
        }
    }

    /// Kolmogorov and Smirnov for a fine grid, where the discrete distribution is next to the continuous one.
    @Test(arguments: [0x1.8p20, 0x1.1p31, 0x1p36])
    func fineNoiseHasItsDistribution(scale: Double) throws {
        var random = SeededRandom(seed: 12)
        let draws = 2_000_000
        func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
        func laplace(_ x: Double) -> Double { x < 0 ? 0.5 * exp(x) : 1 - 0.5 * exp(-x) }
        for (noise, distribution) in [
            (try DiscreteNoise.gaussian(deviation: scale), normal), (try DiscreteNoise.laplace(scale: scale), laplace),
        ] {
            let sorted = noise.draws(draws, using: &random).sorted()
            var distance = 0.0
            for (i, x) in sorted.enumerated() {
                let p = distribution(Double(x) / scale)
                distance = max(distance, abs(p - Double(i) / Double(draws)), abs(p - Double(i + 1) / Double(draws)))
            }
            // P(√n·D > 2.69) = 2e^(−2·2.69²) = 10⁻⁶
            #expect(distance * Double(draws).squareRoot() < 2.69, "\(scale) \(noise.isGaussian)")
        }
    }

    @Test func exactSamplersHaveTheirMasses() throws {
        var random = SeededRandom(seed: 13)
        let draws = 300_000
        for (a, b) in [(1, 4), (169, 100), (20, 1)] as [(UInt64, UInt64)] {
            var counts: [Int64: Int] = [:]
            for _ in 0..<draws {
                counts[ExactSampling.discreteGaussian(variance: a, over: b, using: &random), default: 0] += 1
            }
            let (statistic, limit) = chiSquare(counts, draws, mass: gaussianMass(Double(a) / Double(b)))
            #expect(statistic < limit, "σ² \(a)/\(b): \(statistic), limit \(limit)")
        }
        for (t, s) in [(1, 3), (5, 2), (30, 1)] as [(UInt64, UInt64)] {
            var counts: [Int64: Int] = [:]
            for _ in 0..<draws { counts[ExactSampling.discreteLaplace(t, over: s, using: &random), default: 0] += 1 }
            let (statistic, limit) = chiSquare(counts, draws, mass: laplaceMass(Double(t) / Double(s)))
            #expect(statistic < limit, "b \(t)/\(s): \(statistic), limit \(limit)")
        }
        for (numerator, denominator) in [(0, 1), (1, 3), (1, 1), (7, 3)] as [(UInt128, UInt128)] {
            var hits = 0
            for _ in 0..<draws where ExactSampling.bernoulliExponential(numerator, over: denominator, using: &random) {
                hits += 1
            }
            let p = exp(-Double(numerator) / Double(denominator))
            let deviation = (p * (1 - p) * Double(draws)).squareRoot()
            #expect(abs(Double(hits) - p * Double(draws)) <= 4.9 * deviation, "exp(-\(numerator)/\(denominator))")
        }
    }

    /// The integer exponential against series in 128 bits taken from a table of exact values.
    @Test func exponentialInIntegers() throws {
        for (numerator, denominator) in [(0, 1), (1, 1), (1, 2), (5, 1), (355, 113), (1000, 33)] as [(UInt64, UInt64)] {
            var result: [UInt64] = [0, 0]
            tacit_noise_exponential(&result, [numerator, 0], [denominator, 0])
            let value = (Double(result[1]) + Double(result[0]) * 0x1p-64) * 0x1p-63
            let exact = exp(-Double(numerator) / Double(denominator))
            #expect(abs(value - exact) <= 4e-15 * exact, "\(numerator)/\(denominator)")
        }
        // e^−1 · 2^127 rounded down, from its decimal expansion.
        var result: [UInt64] = [0, 0]
        tacit_noise_exponential(&result, [1, 0], [1, 0])
        let value = UInt128(result[1]) << 64 | UInt128(result[0])
        let known = UInt128("62591443491685266058625363149075414150")!
        #expect(value > known ? value - known < 512 : known - value < 512, "\(value)")
    }

    @Test func badScales() {
        for scale in [0, -1, .nan, .infinity, 0x1p40] {
            #expect(throws: DifferentialPrivacyError.self) { _ = try DiscreteNoise.gaussian(deviation: scale) }
            #expect(throws: DifferentialPrivacyError.self) { _ = try DiscreteNoise.laplace(scale: scale) }
        }
    }
}
