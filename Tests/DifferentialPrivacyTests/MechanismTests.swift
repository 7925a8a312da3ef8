import DifferentialPrivacy
import Foundation
import Randomness
import TacitTestSupport
import Testing

private let row = PrivacyUnit("row")

/// A lower bound of ε that holds with probability 1 − 10⁻⁹, from how often two neighbours' outputs fall into a set.
enum EpsilonAudit {
    /// - Parameter outcomes: what each of the two inputs gave, as numbers; sets are the half-lines at `thresholds`.
    static func lowerBound(_ with: [Double], _ without: [Double], thresholds: [Double], delta: Double) -> Double {
        var best = 0.0
        for threshold in thresholds {
            for isAbove in [true, false] {
                func count(_ values: [Double]) -> Int {
                    values.reduce(0) { $0 + (isAbove == ($1 >= threshold) ? 1 : 0) }
                }
                for (a, b) in [(with, without), (without, with)] {
                    let low = bound(count(a), a.count, isUpper: false), high = bound(count(b), b.count, isUpper: true)
                    if low > delta, high > 0 { best = max(best, log((low - delta) / high)) }
                }
            }
        }
        return best
    }

    /// By Chernoff's inequality: n·KL(k/n ‖ p) ≤ log 10¹¹, a hundred sets or so in all.
    private static func bound(_ k: Int, _ n: Int, isUpper: Bool) -> Double {
        let mean = Double(k) / Double(n), limit = 25.3 / Double(n)
        func divergence(_ p: Double) -> Double {
            (mean > 0 ? mean * log(mean / p) : 0) + (mean < 1 ? (1 - mean) * log((1 - mean) / (1 - p)) : 0)
        }
        var (inside, outside) = (mean, isUpper ? 1.0 : 0.0)
        for _ in 0..<60 {
            let middle = (inside + outside) / 2
            if divergence(middle) <= limit { inside = middle } else { outside = middle }
        }
        return outside
    }
}

@Suite struct MechanismTests {
    private let draws = 200_000

    /// Many releases of one value.
    private func releases(
        _ mechanism: some Mechanism<[Double], [Double]>, _ value: Double, seed: UInt64
    ) throws -> [Double] {
        var random = SeededRandom(seed: seed)
        return try (0..<draws).map { _ in try mechanism.release([value], using: &random)[0] }
    }

    @Test(arguments: [0.3, 1.0, 2.5]) func laplace(epsilon: Double) throws {
        let mechanism = try LaplaceMechanism(
            epsilon: epsilon, sensitivity: 3, neighbouring: .addOrRemoveOne, unit: row, sampling: .none)
        #expect(mechanism.epsilon <= epsilon * (1 + 1e-12) && mechanism.epsilon > epsilon * (1 - 1e-6))
        #expect(mechanism.scale * epsilon >= 3 + mechanism.granularity && mechanism.scale * epsilon < 3.001)
        let with = try releases(mechanism, 100.25, seed: 1), without = try releases(mechanism, 103.25, seed: 2)
        // Every output is on the grid, a power of two.
        #expect(mechanism.granularity.significand == 1)
        #expect(with.allSatisfy { ($0 / mechanism.granularity).rounded() == $0 / mechanism.granularity })
        // Kolmogorov and Smirnov against the continuous distribution; 10⁻⁶ by chance.
        try expectDistribution(with.map { ($0 - 100.25) / mechanism.scale }) {
            $0 < 0 ? 0.5 * exp($0) : 1 - 0.5 * exp(-$0)
        }
        let bound = EpsilonAudit.lowerBound(
            with, without, thresholds: stride(from: 96, through: 107, by: 0.5).map { $0 + 0.125 }, delta: 0)
        #expect(bound <= epsilon && bound > 0.9 * epsilon - 0.02, "\(bound)")
    }

    @Test(arguments: [(0.5, 1e-3), (1.0, 1e-5), (4.0, 1e-6)] as [(Double, Double)])
    func gaussian(epsilon: Double, delta: Double) throws {
        let mechanism = try GaussianMechanism(
            epsilon: epsilon, delta: delta, sensitivity: 2, neighbouring: .replaceOne, unit: row, sampling: .none)
        // What it says about itself is what was asked for, and the closed form agrees.
        let measured = try mechanism.measure(delta: delta)
        #expect(abs(measured.upper / epsilon - 1) < 3e-4, "\(measured)")
        let wanted = try NoiseCalibration.gaussianDeviation(epsilon: epsilon, delta: delta, sensitivity: 2)
        #expect(mechanism.deviation >= wanted && mechanism.deviation < wanted * 1.0001)
        let with = try releases(mechanism, -1, seed: 3), without = try releases(mechanism, 1, seed: 4)
        try expectDistribution(with.map { ($0 + 1) / mechanism.deviation }) { 0.5 * erfc(-$0 / 2.0.squareRoot()) }
        let bound = EpsilonAudit.lowerBound(
            with, without, thresholds: stride(from: -4, through: 4, by: 0.25).map { $0 * mechanism.deviation },
            delta: delta)
        #expect(bound <= epsilon && bound > 0.3 * epsilon, "\(bound)")
    }

    /// Noise that is too small by a tenth is found out: the audit can fail.
    @Test func auditFindsTooLittleNoise() throws {
        let honest = try LaplaceMechanism(
            epsilon: 1, sensitivity: 1, neighbouring: .addOrRemoveOne, unit: row, sampling: .none)
        let with = try releases(honest, 0, seed: 5), without = try releases(honest, 1.1, seed: 6)
        let bound = EpsilonAudit.lowerBound(
            with, without, thresholds: stride(from: -3, through: 4, by: 0.25).map { $0 }, delta: 0)
        #expect(bound > 1.02, "\(bound)")
    }

    /// Values between grid points move neighbours apart by less than the enlarged sensitivity allows, in every dimension.
    @Test(arguments: [1, 7, 300]) func roundingIsPaidFor(dimension: Int) throws {
        var generator = TestGenerator(seed: 7)
        let laplace = try LaplaceMechanism(
            epsilon: 1, sensitivity: 1, dimension: dimension, neighbouring: .addOrRemoveOne, unit: row,
            sampling: .none)
        let gaussian = try GaussianMechanism(
            deviation: 2, sensitivity: 1, dimension: dimension, neighbouring: .addOrRemoveOne, unit: row,
            sampling: .none)
        for _ in 0..<200 {
            let base = (0..<dimension).map { _ in Double.random(in: -5...5, using: &generator) }
            var move = (0..<dimension).map { _ in Double.random(in: -1...1, using: &generator) }
            let ones = move.reduce(0) { $0 + abs($1) }
            move = move.map { $0 / ones }
            func distance(_ g: Double, _ scale: Double, squared: Bool) -> Double {
                let steps = zip(base, move).map { (($0 + $1 * scale) / g).rounded() - ($0 / g).rounded() }
                return squared
                    ? steps.reduce(0) { $0 + $1 * $1 }.squareRoot() * g : steps.reduce(0) { $0 + abs($1) } * g
            }
            #expect(distance(laplace.granularity, 1, squared: false) <= laplace.scale * laplace.epsilon)
            let norm = move.reduce(0) { $0 + $1 * $1 }.squareRoot()
            // The multiplier in the event is σ over the enlarged sensitivity.
            guard case .composed(let parts) = gaussian.unsampledEvent, case .gaussian(let multiplier)? = parts.first
            else {
                Issue.record("the Gaussian's event is not a Gaussian and its grid")
                return
            }
            #expect(distance(gaussian.granularity, 1 / norm, squared: true) <= gaussian.deviation / multiplier)
            #expect(abs(multiplier - 2) < 1e-6)
        }
    }

    @Test func exponentialChoosesInProportion() throws {
        let mechanism = try ExponentialMechanism(
            epsilon: 1.5, sensitivity: 2, neighbouring: .addOrRemoveOne, unit: row, sampling: .none)
        let scores = [4.0, 3.0, 0.5, -2.0, 4.0]
        var random = SeededRandom(seed: 8)
        var counts = [Double](repeating: 0, count: scores.count)
        for _ in 0..<draws { counts[try mechanism.release(scores, using: &random)] += 1 }
        let weights = scores.map { exp(1.5 * $0 / 4) }
        let total = weights.reduce(0, +)
        let statistic = zip(counts, weights).reduce(0) { sum, pair in
            let expected = pair.1 / total * Double(draws)
            return sum + (pair.0 - expected) * (pair.0 - expected) / expected
        }
        // Four degrees of freedom, 10⁻⁶.
        #expect(statistic < 33.4, "\(statistic)")
        // Neighbours' scores: one up, one down by the sensitivity.
        // Between two candidates the largest loss is half of ε.
        try expectAudit(epsilon: 1.5, least: 0.65) { isWith, random in
            Double(try mechanism.release(isWith ? [2, 0] : [0, 2], using: &random))
        }
    }

    @Test func noisyMaximum() throws {
        let mechanism = try ReportNoisyMax(
            epsilon: 1, sensitivity: 1, neighbouring: .addOrRemoveOne, unit: row, sampling: .none)
        // Laplace noise of scale 2 on a gap of 1 tells the two apart by 0.49.
        try expectAudit(epsilon: 1, least: 0.4) { isWith, random in
            Double(try mechanism.release(isWith ? [1, 0, -9] : [0, 1, -9], using: &random))
        }
        // With little noise the best wins; of equals on the grid the first when noise is equal.
        let sharp = try ReportNoisyMax(
            epsilon: 1000, sensitivity: 1, neighbouring: .addOrRemoveOne, unit: row, sampling: .none)
        var random = SeededRandom(seed: 9)
        for _ in 0..<50 { #expect(try sharp.release([1, 5, 3], using: &random) == 1) }
    }

    @Test func sparseVector() throws {
        try expectAudit(epsilon: 1, least: 0.15, runs: 15_000) { isWith, random in
            var vector = try SparseVector(
                epsilon: 1, sensitivity: 1, threshold: 10, answers: 1, neighbouring: .addOrRemoveOne, unit: row,
                using: &random)
            // How many answers below come before the first one above.
            for index in 0..<4 where try vector.isAbove(isWith ? 10.5 : 9.5, using: &random) { return Double(index) }
            return 4
        }
        var random = SeededRandom(seed: 10)
        var vector = try SparseVector(
            epsilon: 50, sensitivity: 1, threshold: 100, answers: 2, neighbouring: .addOrRemoveOne, unit: row,
            using: &random)
        #expect(try !vector.isAbove(0, using: &random) && vector.remaining == 2)
        #expect(try vector.isAbove(200, using: &random) && vector.isAbove(200, using: &random) && vector.remaining == 0)
        do {
            _ = try vector.isAbove(200, using: &random)
            Issue.record("a third answer was given")
        } catch let error { #expect(error.code == .budgetExhausted) }
        guard case .approximate(let epsilon, let delta) = vector.event else {
            Issue.record("\(vector.event)")
            return
        }
        #expect(epsilon == 50 && delta > 0)
    }

    /// The probabilities are rational, so they are compared exactly: the truth is at most e^ε times as likely as a lie.
    @Test(arguments: [0.01, 0.5, 1, 3, 20], [2, 3, 10, 1000]) func randomisedResponse(
        epsilon: Double, categories: Int
    ) throws {
        let mechanism = try RandomisedResponse(epsilon: epsilon, categories: categories, unit: row, sampling: .none)
        let truth = mechanism.truthProbability
        let lie = (1 - truth) / Double(categories - 1)
        #expect(
            truth <= exp(epsilon) * lie * (1 + 1e-15) && truth > exp(epsilon) * lie * (1 - 1e-9 - 1e-14 * exp(epsilon)))
        var random = SeededRandom(seed: 11)
        var counts = [Double](repeating: 0, count: categories)
        for _ in 0..<20_000 { counts[try mechanism.release(1, using: &random)] += 1 }
        let spread = (truth * (1 - truth) * 20_000).squareRoot()
        #expect(abs(counts[1] - truth * 20_000) <= 5 * spread + 1)
        let others = 20_000 * lie
        #expect(abs(counts[0] - others) <= 5 * (others * (1 - lie)).squareRoot() + 1)
    }

    @Test func refusals() throws {
        func refuse(_ code: DifferentialPrivacyError.Code, _ body: () throws -> Void) {
            do {
                try body()
                Issue.record("was not refused")
            } catch let error as DifferentialPrivacyError {
                #expect(error.code == code, "\(error)")
            } catch { Issue.record("\(error)") }
        }
        func laplace(_ epsilon: Double, _ sensitivity: Double, _ dimension: Int = 1) throws -> LaplaceMechanism {
            try LaplaceMechanism(
                epsilon: epsilon, sensitivity: sensitivity, dimension: dimension, neighbouring: .replaceOne, unit: row,
                sampling: .none)
        }
        for (epsilon, sensitivity) in [(0.0, 1.0), (-1, 1), (.nan, 1), (.infinity, 1), (1, 0), (1, -2), (1, .infinity)]
        {
            refuse(.invalidParameter) { _ = try laplace(epsilon, sensitivity) }
        }
        refuse(.invalidParameter) { _ = try laplace(1, 1, 0) }
        let one = try laplace(1, 1)
        var random = SeededRandom(seed: 12)
        for value in [Double.nan, .infinity, -.infinity] {
            refuse(.invalidValue) { _ = try one.release([value], using: &random) }
        }
        refuse(.invalidParameter) { _ = try one.release([1, 2], using: &random) }
        // Far beyond the grid: held, not overflowing.
        #expect(try abs(one.release([1e300], using: &random)[0]) < 1e300)
        for delta in [0.0, 1, -0.1, 1e-30] {
            refuse(.invalidParameter) {
                _ = try GaussianMechanism(
                    epsilon: 1, delta: delta, sensitivity: 1, neighbouring: .replaceOne, unit: row, sampling: .none)
            }
        }
        let exponential = try ExponentialMechanism(
            epsilon: 1, sensitivity: 1, neighbouring: .replaceOne, unit: row, sampling: .none)
        refuse(.invalidParameter) { _ = try exponential.release([], using: &random) }
        refuse(.invalidValue) { _ = try exponential.release([1, .nan], using: &random) }
        let response = try RandomisedResponse(epsilon: 1, categories: 3, unit: row, sampling: .none)
        refuse(.invalidValue) { _ = try response.release(3, using: &random) }
        refuse(.invalidParameter) {
            _ = try RandomisedResponse(epsilon: 1, categories: 1, unit: row, sampling: .none)
        }
    }

    private func expectDistribution(_ values: [Double], _ distribution: (Double) -> Double) throws {
        let sorted = values.sorted()
        var distance = 0.0
        for (i, x) in sorted.enumerated() {
            let p = distribution(x)
            distance = max(
                distance, abs(p - Double(i) / Double(sorted.count)), abs(p - Double(i + 1) / Double(sorted.count)))
        }
        #expect(distance * Double(sorted.count).squareRoot() < 2.69, "\(distance)")
    }

    /// Both inputs many times; the bound is below ε and, so that it says something, above `least`.
    private func expectAudit(
        epsilon: Double, least: Double, runs: Int = 200_000, _ run: (Bool, inout SeededRandom) throws -> Double
    ) throws {
        var random = SeededRandom(seed: 13)
        let with = try (0..<runs).map { _ in try run(true, &random) }
        let without = try (0..<runs).map { _ in try run(false, &random) }
        let bound = EpsilonAudit.lowerBound(with, without, thresholds: [0.5, 1.5, 2.5, 3.5], delta: 0)
        #expect(bound <= epsilon && bound > least, "\(bound)")
    }
}
