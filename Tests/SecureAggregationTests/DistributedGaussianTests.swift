import DifferentialPrivacy
import FixedPoint
import Foundation
import Randomness
import SecureAggregation
import TacitTestSupport
import Testing

@Suite struct DistributedGaussianTests {
    /// The bound on sums of discrete Gaussians, against convolutions of the exact masses.
    @Test func sumsOfDiscreteGaussiansDepartWithinTheBound() {
        for s in [0.5, 0.6, 0.75, 1.0, 1.3] {
            for count in [2, 3, 5, 9] {
                let reach = 60
                func masses(_ deviation: Double) -> [Double] {
                    let raw = (-reach...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
                    let total = raw.reduce(0, +)
                    return raw.map { $0 / total }
                }
                let one = masses(s)
                var sum = one
                for _ in 1..<count {
                    sum = (0...2 * reach).map { place in
                        (0...2 * reach).reduce(0.0) { total, other in
                            let index = place - other + reach
                            return (0...2 * reach).contains(index) ? total + one[other] * sum[index] : total
                        }
                    }
                }
                let single = masses(s * Double(count).squareRoot())
                // Within the reach of the arithmetic: where masses are far above rounding errors.
                let departure = zip(sum, single).filter { $0.1 > 1e-9 }.map { abs(log($0.0 / $0.1)) }.max()!
                #expect(
                    departure <= DistributedGaussian.sumDeparture(deviation: s, count: count) + 1e-6,
                    "s \(s), \(count): \(departure)")
                #expect(departure > 0)
            }
        }
    }

    static func mechanism(
        dimension: Int = 100, norm: Double = 1, granularity: Double = 0.01, deviation: Double = 0.2,
        rotates: Bool = true
    ) throws -> DistributedGaussian {
        try DistributedGaussian(
            .init(
                dimension: dimension, clippingNorm: norm, granularity: granularity, deviation: deviation,
                rotationSeed: rotates ? [UInt8](repeating: 7, count: 32) : nil))
    }

    @Test func theNoisySumIsRightOnAverageAndAsNoisyAsStated() throws {
        for rotates in [true, false] {
            let mechanism = try Self.mechanism(dimension: 300, rotates: rotates)
            var random = SeededRandom(seed: 1)
            let updates = (0..<40).map { site in (0..<300).map { $0 % 40 == site ? 0.3 : 0.001 } }
            var sum = [Int64](repeating: 0, count: mechanism.length)
            for update in updates {
                for (place, value) in try mechanism.encode(update, using: &random).enumerated() { sum[place] += value }
            }
            let plain = (0..<300).map { place in updates.reduce(0) { $0 + $1[place] } }
            let noise = zip(try mechanism.decode(sum), plain).map { $0.0 - $0.1 }
            // Variance 40·(σ² + at most γ²/4) a coordinate. Mean of 300: deviation √(1.6/300) = 0.073, five of them.
            #expect(abs(noise.reduce(0, +) / 300) < 0.37)
            let variance = noise.reduce(0) { $0 + $1 * $1 } / 300
            // χ² with 300 degrees: relative deviation 0.082, five of them.
            #expect(abs(variance / (40 * 0.04) - 1) < 0.41, "\(variance)")
        }
    }

    /// The integers' norm never exceeds the bound on which the accounting rests, for updates of every shape.
    @Test func roundedNormsAreWithinTheBound() throws {
        var random = SeededRandom(seed: 2)
        for granularity in [0.5, 0.05, 0.001] {
            let mechanism = try Self.mechanism(
                dimension: 64, granularity: granularity, deviation: 2, rotates: false)
            for shape in 0..<4 {
                let raw = (0..<64).map { place -> Double in
                    switch shape {
                    case 0: 1.0 / 8
                    case 1: place == 0 ? 1 : 0
                    case 2: Double(random.uniform(below: 2000)) / 1000 - 1
                    default: granularity / 2
                    }
                }
                let norm = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
                let scaled = raw.map { $0 / max(1, norm) / granularity }
                var mean = [Double](repeating: 0, count: 64)
                for _ in 0..<200 {
                    let rounded = mechanism.round(scaled, using: &random)
                    #expect(
                        rounded.reduce(0) { $0 + UInt64($1.magnitude * $1.magnitude) } <= mechanism.squaredNormBound)
                    for place in 0..<64 { mean[place] += Double(rounded[place]) / 200 }
                }
                // A coordinate's rounding has deviation at most ½; the mean of 200 at most 0.036. Conditioning pulls a bit.
                #expect(zip(mean, scaled).allSatisfy { abs($0 - $1) < 0.25 })
            }
        }
    }

    @Test func accountingFollowsTheSurvivors() throws {
        let mechanism = try Self.mechanism(dimension: 1000, granularity: 0.001, deviation: 0.1)
        // Far above the granularity the sum is as good as a continuous Gaussian of deviation √N·σ.
        for count in [1, 10, 90] {
            let rho = mechanism.rho(honestSurvivors: count, neighbouring: .addOrRemoveOne)
            let ideal = 1 / (2 * Double(count) * 0.01)
            #expect(rho >= ideal && rho < ideal * 1.05, "\(count): \(rho), \(ideal)")
            #expect(abs(mechanism.rho(honestSurvivors: count, neighbouring: .replaceOne) / rho - 4) < 1e-6)
        }
        #expect(mechanism.rho(honestSurvivors: 0, neighbouring: .addOrRemoveOne) == .infinity)
        // Fewer survivors, less noise, more loss; colluding members' noise does not count.
        let few = mechanism.event(survivors: 20, colluding: 10, neighbouring: .addOrRemoveOne)
        #expect(few == .zeroConcentrated(rho: mechanism.rho(honestSurvivors: 10, neighbouring: .addOrRemoveOne)))
        var accountant = ZeroConcentratedAccountant(neighbouring: .addOrRemoveOne)
        try accountant.compose(few)
        #expect(try accountant.epsilon(delta: 1e-6) > 0)
        // At half a step the sum's departure costs dearly.
        let coarse = try Self.mechanism(dimension: 1000, granularity: 0.2, deviation: 0.1)
        #expect(
            coarse.rho(honestSurvivors: 10, neighbouring: .addOrRemoveOne)
                > 1.5 * mechanism.rho(honestSurvivors: 10, neighbouring: .addOrRemoveOne))

        let calibrated = try DistributedGaussian.calibrated(
            rho: 0.5, honestSurvivors: 67, neighbouring: .addOrRemoveOne, dimension: 50_000, clippingNorm: 1,
            granularity: 0.001, rotationSeed: [UInt8](repeating: 1, count: 32))
        let rho = calibrated.rho(honestSurvivors: 67, neighbouring: .addOrRemoveOne)
        #expect(rho <= 0.5 && rho > 0.4999)
    }

    /// Through a whole round, with a dropout: the masked sum is the sum of the noisy integers, modulo 2^b.
    @Test func insideSecureAggregation() throws {
        let mechanism = try Self.mechanism(dimension: 50)
        var harness = try RoundHarness(
            members: 6, dropouts: 1, colluding: 1, trust: .active, length: mechanism.length,
            values: .wrapping(bits: mechanism.modulusBits(sites: 6)), seed: 3)
        var random = SeededRandom(seed: 4)
        for id in harness.ids {
            harness.updates[id] = try mechanism.encode((0..<50).map { Double($0) / 400 }, using: &random)
        }
        let losing: [UInt32: RoundHarness.Step] = [harness.ids[2]: .maskedInput]
        let outcome = try harness.run(losing: losing)
        #expect(outcome.sum == harness.plainSum(losing: losing))
        // Nothing wrapped: the sum is the plain one.
        let plain = (0..<mechanism.length).map { place in
            harness.ids.filter { losing[$0] == nil }.reduce(Int64(0)) { $0 + harness.updates[$1]![place] }
        }
        #expect(outcome.sum == plain)
        #expect(try mechanism.decode(outcome.sum).count == 50)
    }

    @Test func badInput() throws {
        #expect(refusal { _ = try Self.mechanism(deviation: 0.004) }?.code == .invalidParameters)
        #expect(refusal { _ = try Self.mechanism(norm: .nan) }?.code == .invalidParameters)
        #expect(refusal { _ = try Self.mechanism(granularity: 1e-12, deviation: 1e-3) }?.code == .invalidParameters)
        let mechanism = try Self.mechanism(dimension: 3)
        var random = SeededRandom(seed: 1)
        #expect(refusal { _ = try mechanism.encode([1, 2], using: &random) }?.code == .wrongLength)
        #expect(refusal { _ = try mechanism.encode([1, .nan, 2], using: &random) }?.code == .notFinite)
        #expect(refusal { _ = try mechanism.decode([1]) }?.code == .wrongLength)
        // Huge values are clipped, not overflowed.
        #expect(try mechanism.encode([1e300, -1e300, 1e300], using: &random).allSatisfy { abs($0) < 1000 })
    }

    @Test func quantisation() throws {
        let quantiser = try UpdateQuantiser(clip: 2, scale: .binary(20))
        let (values, clipped) = try quantiser.quantise([0, 1, -1.5, 3, -7, 0.5 / 1_048_576, 1.5 / 1_048_576])
        #expect(values == [0, 1 << 20, -3 << 19, 2 << 20, -2 << 20, 0, 2] && clipped == 2)
        #expect(quantiser.integerBound == 2 << 20)
        #expect(quantiser.dequantise([1 << 20, -1 << 19]) == [1, -0.5])
        #expect(refusal { _ = try quantiser.quantise([1, .infinity]) }?.code == .notFinite)
        #expect(throws: FixedPointError.self) { try UpdateQuantiser(clip: 0, scale: .binary(4)) }
    }
}
