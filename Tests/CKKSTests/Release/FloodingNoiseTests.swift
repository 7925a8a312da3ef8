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
        for exponent in stride(from: 5.0, through: 57, by: 0.25) {
            let plan = FloodingNoise.Plan(reaching: exp2(exponent))
            #expect(plan.deviation >= exp2(exponent))
            #expect(plan.deviation < exp2(exponent) * 1.65, "2^\(exponent): \(plan.deviation)")
            #expect(plan.steps.count <= 5, "2^\(exponent)")
        }
    }

    /// χ² on the integers themselves; every cell with at least 20 expected. False alarms: below 10⁻⁶ by Wilson and
    /// Hilferty's approximation at 4.9 deviations.
    @Test(arguments: [32.0, 50, 100]) func smallDeviationsFollowTheDiscreteGaussian(wanted: Double) {
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
    @Test(arguments: [20.0, 33, 47, 57]) func largeDeviationsAreNormalWithUniformLowBits(log: Double) {
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

    /// The table against the distribution in doubles, and its last entry against the tail.
    @Test func theTableIsTheDistributions() {
        let weights = (0..<400).map { exp(-Double($0 * $0) / 512) * ($0 == 0 ? 1 : 2) }
        let total = weights.reduce(0, +)
        var sum = 0.0
        for (j, entry) in FloodingNoise.baseTable.enumerated() {
            sum += weights[j]
            #expect(abs(Double(entry) * 0x1p-63 - sum / total) < 1e-15, "\(j)")
        }
        let table = FloodingNoise.baseTable
        #expect(zip(table, table.dropFirst()).allSatisfy { $0 < $1 } && table.last! < 1 << 63)
        #expect((1 << 63) - table.last! < 8 && table.count == 143)
    }

    @Test func polynomialsHoldTheSamples() throws {
        let ring = Ring(
            try RingParameters(
                .init(
                    logDegree: 10, moduliBits: [20, 21, 50], specialModuliBits: [50], security: .insecureForTestsOnly)))
        var random = SeededRandom(seed: 5)
        for log in [5.0, 30, 57] {
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
