import CKKS
import Foundation
import Lattice
import Randomness
import TacitTestSupport
import Testing

@Suite struct FloodingNoiseTests {
    static func samples(_ count: Int, deviation: Double, seed: UInt64) -> (values: [Int64], deviation: Double) {
        var random = SeededRandom(seed: seed)
        let noise = FloodingNoise(count: count, deviation: deviation, using: &random)
        return (noise.withValues(SecretAccess("test")) { Array($0) }, noise.deviation)
    }

    @Test func plansReachTheDeviationWithLittleMore() {
        for exponent in stride(from: 4.0, through: 58, by: 0.25) {
            let plan = FloodingNoise.Plan(reaching: exp2(exponent))
            #expect(plan.deviation >= exp2(exponent))
            #expect(plan.deviation < exp2(exponent) * (exponent < 7 ? 1.7 : 1.3), "2^\(exponent): \(plan.deviation)")
            #expect(plan.steps.count <= 8, "2^\(exponent)")
        }
    }

    /// χ² on the integers themselves; every cell with at least 20 expected. False alarms: below 10⁻⁶ by Wilson and
    /// Hilferty's approximation at 4.9 deviations.
    @Test(arguments: [16.0, 40, 100]) func smallDeviationsFollowTheDiscreteGaussian(wanted: Double) {
        let n = 400_000
        let (values, deviation) = Self.samples(n, deviation: wanted, seed: UInt64(wanted))
        let reach = Int64(6 * deviation)
        let weights = (-reach...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
        let total = weights.reduce(0, +)
        var counts = [Int64: Int]()
        for value in values { counts[value, default: 0] += 1 }
        var (statistic, cells) = (0.0, 0)
        for (x, weight) in zip(-reach...reach, weights) {
            let expected = Double(n) * weight / total
            guard expected >= 20 else { continue }
            let difference = Double(counts[x] ?? 0) - expected
            statistic += difference * difference / expected
            cells += 1
        }
        #expect(cells > 60)
        let k = Double(cells - 1)
        let z = (pow(statistic / k, 1.0 / 3) - (1 - 2 / (9 * k))) / (2 / (9 * k)).squareRoot()
        #expect(abs(z) < 4.9, "\(statistic) on \(cells) cells")
    }

    /// Kolmogorov and Smirnov against the normal distribution, and uniform low bits. False alarms: 2·exp(−2·2.7²) < 10⁻⁶.
    @Test(arguments: [20.0, 33, 47, 58]) func largeDeviationsAreNormalWithUniformLowBits(log: Double) {
        let n = 40_000
        let (values, deviation) = Self.samples(n, deviation: exp2(log), seed: UInt64(log))
        let sorted = values.map { Double($0) / deviation }.sorted()
        var worst = 0.0
        for (index, x) in sorted.enumerated() {
            let cdf = 0.5 * erfc(-x / 2.0.squareRoot())
            worst = max(worst, abs(cdf - Double(index) / Double(n)), abs(cdf - Double(index + 1) / Double(n)))
        }
        #expect(worst * Double(n).squareRoot() < 2.7)
        // A wrong multiplier would show: the deviation is right to 5 standard errors.
        let variance = sorted.reduce(0) { $0 + $1 * $1 } / Double(n)
        #expect(abs(variance - 1) < 5 * (2 / Double(n)).squareRoot())
        for bit in 0..<12 {
            let ones = values.reduce(0) { $0 + Int($1 >> Int64(bit) & 1) }
            #expect(abs(Double(ones) - Double(n) / 2) < 5 * Double(n).squareRoot() / 2, "bit \(bit)")
        }
    }

    @Test func polynomialsHoldTheSamples() throws {
        let ring = Ring(
            try RingParameters(
                .init(
                    logDegree: 10, moduliBits: [20, 21, 50], specialModuliBits: [22], security: .insecureForTestsOnly)))
        var random = SeededRandom(seed: 5)
        for log in [5.0, 30, 58] {
            let noise = FloodingNoise(count: 1024, deviation: exp2(log), using: &random)
            let polynomial = noise.polynomial(ring.keyBasis)
            let values = noise.withValues(SecretAccess("test")) { Array($0) }
            for j in 0..<polynomial.count {
                let residues = polynomial.withLimb(j) { Array($0) }
                #expect(residues == values.map { ring.keyBasis[j].residue($0) })
            }
            #expect(polynomial.isSecret)
        }
    }
}
