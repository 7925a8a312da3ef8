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

    /// All sequences of words are run through, each word standing for one value modulo 24, so that every decision with a
    /// denominator that divides 24 is counted exactly: after k words the decided share is that of the series
    /// 1 − γ + γ²/2 − γ³/6 …, as integers.
    @Test(arguments: [(1, 1), (1, 2), (2, 2), (0, 2)] as [(UInt128, UInt128)])
    func bernoulliAgreesWithItsSeries(numerator: UInt128, denominator: UInt128) {
        let depth = denominator == 1 ? 4 : 3
        var accepted = 0
        var rejected = 0
        var total = 1
        for _ in 0..<depth { total *= 24 }
        for code in 0..<total {
            var tape = Tape(code: code, words: depth)
            let result = ExactSampling.bernoulliExponential(numerator, over: denominator, using: &tape)
            // What needs more words than there are is left undecided.
            if tape.isExhausted { continue }
            if result { accepted += 1 } else { rejected += 1 }
        }
        // P(stop at k) = γ^(k−1)/(k−1)! − γ^k/k!; odd k accept.
        let gamma = Double(numerator) / Double(denominator)
        var (yes, no, power) = (0.0, 0.0, 1.0)
        for k in 1...depth {
            let next = power * gamma / Double(k)
            if k % 2 == 1 { yes += power - next } else { no += power - next }
            power = next
        }
        #expect(
            Double(accepted) == (yes * Double(total)).rounded() && abs(yes * Double(total) - Double(accepted)) < 1e-6)
        #expect(Double(rejected) == (no * Double(total)).rounded() && abs(no * Double(total) - Double(rejected)) < 1e-6)
    }

    /// Words taken from a number in base 24; beyond its digits zeros.
    private struct Tape: SecureRandom {
        var code: Int
        var words: Int
        var isExhausted = false
        init(code: Int, words: Int) { (self.code, self.words) = (code, words) }
        mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) {
            if words == 0 { isExhausted = true }
            // Beyond the digits a word that ends every decision.
            let word = words == 0 ? 23 : UInt64(code % 24)
            code /= 24
            words = max(0, words - 1)
            withUnsafeBytes(of: word.littleEndian) {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<buffer.count]))
            }
        }
    }

    /// 10⁸ draws and more of every sampler.
    @Test func hundredMillionDraws() throws {
        var random = SeededRandom(seed: 21)
        let draws = 1 << 27
        var buffer = [Int64](repeating: 0, count: 1 << 20)
        for scale in [1.0, 2.7, 33] {
            for (noise, mass) in [
                (try DiscreteNoise.gaussian(deviation: scale), gaussianMass(scale * scale)),
                (try DiscreteNoise.laplace(scale: scale), laplaceMass(scale)),
            ] {
                var counts: [Int64: Int] = [:]
                var dense = [Int](repeating: 0, count: 4096)
                for _ in 0..<draws >> 20 {
                    buffer.withUnsafeMutableBufferPointer { noise.draw(into: $0, using: &random) }
                    for x in buffer { dense[Int(x) + 2048] += 1 }
                }
                for (index, count) in dense.enumerated() where count > 0 { counts[Int64(index - 2048)] = count }
                let (statistic, limit) = chiSquare(counts, draws, mass: mass)
                print("scale \(scale), Gaussian \(noise.isGaussian), \(draws) draws: χ² \(statistic), limit \(limit)")
                #expect(statistic < limit, "scale \(scale), Gaussian \(noise.isGaussian): \(statistic), limit \(limit)")
            }
        }
        // Kolmogorov and Smirnov on a fine grid; ranks by counting in narrow bins, whose width adds to the distance.
        func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
        func laplace(_ x: Double) -> Double { x < 0 ? 0.5 * exp(x) : 1 - 0.5 * exp(-x) }
        let scale = 0x1p31
        for (noise, distribution) in [
            (try DiscreteNoise.gaussian(deviation: scale), normal), (try DiscreteNoise.laplace(scale: scale), laplace),
        ] {
            let bins = 1 << 20
            let width = 80 * scale / Double(bins)
            var counts = [Int](repeating: 0, count: bins)
            for _ in 0..<draws >> 20 {
                buffer.withUnsafeMutableBufferPointer { noise.draw(into: $0, using: &random) }
                for x in buffer { counts[min(max(Int((Double(x) + 40 * scale) / width), 0), bins - 1)] += 1 }
            }
            var (below, distance) = (0, 0.0)
            for (index, count) in counts.enumerated() {
                below += count
                let end = distribution((Double(index + 1) * width - 40 * scale) / scale)
                distance = max(distance, abs(end - Double(below) / Double(draws)))
            }
            let statistic = distance * Double(draws).squareRoot()
            print("fine grid, Gaussian \(noise.isGaussian), \(draws) draws: √n·D \(statistic), limit 2.69")
            #expect(statistic < 2.69, "fine grid, Gaussian \(noise.isGaussian): \(statistic)")
        }
        // The integer samplers, at a tenth of a microsecond or so a decision, share 10⁸ among them.
        for (a, b) in [(1, 4), (169, 100)] as [(UInt64, UInt64)] {
            var counts: [Int64: Int] = [:]
            let many = 50_000_000
            var dense = [Int](repeating: 0, count: 256)
            for _ in 0..<many {
                dense[Int(ExactSampling.discreteGaussian(variance: a, over: b, using: &random)) + 128] += 1
            }
            for (index, count) in dense.enumerated() where count > 0 { counts[Int64(index - 128)] = count }
            let (statistic, limit) = chiSquare(counts, many, mass: gaussianMass(Double(a) / Double(b)))
            print("integers, σ² \(a)/\(b), \(many) draws: χ² \(statistic), limit \(limit)")
            #expect(statistic < limit, "σ² \(a)/\(b): \(statistic), limit \(limit)")
        }
    }

    @Test func badScales() {
        for scale in [0, -1, .nan, .infinity, 0x1p40] {
            #expect(throws: DifferentialPrivacyError.self) { _ = try DiscreteNoise.gaussian(deviation: scale) }
            #expect(throws: DifferentialPrivacyError.self) { _ = try DiscreteNoise.laplace(scale: scale) }
        }
    }
}
