import Foundation
import Randomness

/// Chooses a candidate with probability ∝ exp(ε·score/(2Δ)).
///
/// Scores are rounded down to multiples of a grid of Δ·2⁻²⁰/ε or finer by at most one half, and the sensitivity is
/// enlarged by one step; the choice is by rejection with exact integer Bernoulli(exp(−γ)) trials.
/// - Guarantee: ε-differential privacy.
/// - Cost: expected at most one trial per candidate and unit of probability ratio: fast unless all but the best candidates
///   are hopeless, at most `scores.count` trials on average.
/// - Reference: McSherry, Talwar 2007; rejection as in Ilvento 2020's concern for exact arithmetic.
public struct ExponentialMechanism: Mechanism {
    public let neighbouring: Neighbouring
    public let unit: PrivacyUnit
    public let sampling: SamplingScheme
    public let epsilon: Double
    private let granularity: Double
    /// γ of one grid step is `numerator`/2⁶⁰.
    private let numerator: UInt64

    /// - Parameter sensitivity: how far any one score moves between neighbours, at most.
    public init(
        epsilon: Double, sensitivity: Double, neighbouring: Neighbouring, unit: PrivacyUnit, sampling: SamplingScheme
    ) throws(DifferentialPrivacyError) {
        _ = try positive("epsilon", epsilon)
        guard epsilon <= 1000 else { throw .parameter("epsilon", epsilon, "at most 1000") }
        _ = try positive("sensitivity", sensitivity)
        granularity = ReleaseGrid(scale: min(sensitivity, sensitivity / epsilon) * 0x1p6).granularity
        let distance = (sensitivity / granularity * (1 + 4e-16) + 1).rounded(.up)
        numerator = UInt64((epsilon / 2 / distance * 0x1p60 * (1 - 1e-15)).rounded(.down))
        guard numerator > 0 else { throw .parameter("epsilon", epsilon, "more than 2^-38") }
        self.epsilon = epsilon
        (self.neighbouring, self.unit, self.sampling) = (neighbouring, unit, sampling)
    }

    public var unsampledEvent: PrivacyEvent { .approximate(epsilon: epsilon, delta: 0) }

    /// The index of the chosen score.
    public func release(
        _ scores: [Double], using random: inout some SecureRandom
    ) throws(DifferentialPrivacyError) -> Int {
        guard !scores.isEmpty else { throw .parameter("scores", 0, "at least 1") }
        let grid = ReleaseGrid(granularity: granularity)
        var positions: [Int64] = []
        for score in scores { positions.append(try grid.position(score)) }
        let best = positions.max()!
        while true {
            let index = Int(random.uniform(below: UInt64(scores.count)))
            let gap = UInt128(best - positions[index])
            // A gap this large is accepted with probability below e^-4096.
            let gamma = gap * UInt128(numerator)
            if gamma >> 72 > 0 { continue }
            if ExactSampling.bernoulliExponential(gamma, over: UInt128(1) << 60, using: &random) { return index }
        }
    }
}

/// Adds discrete Laplace noise to every score and names the largest.
///
/// - Guarantee: ε-differential privacy; the noise has scale 2Δ/ε. Ties on the grid go to the first.
/// - Reference: Dwork, Roth 2014, Claim 3.9.
public struct ReportNoisyMax: Mechanism {
    public let neighbouring: Neighbouring
    public let unit: PrivacyUnit
    public let sampling: SamplingScheme
    public let epsilon: Double
    private let granularity: Double
    private let noise: DiscreteNoise

    /// - Parameter sensitivity: how far any one score moves between neighbours, at most.
    public init(
        epsilon: Double, sensitivity: Double, neighbouring: Neighbouring, unit: PrivacyUnit, sampling: SamplingScheme
    ) throws(DifferentialPrivacyError) {
        _ = try positive("epsilon", epsilon)
        _ = try positive("sensitivity", sensitivity)
        granularity = ReleaseGrid(scale: sensitivity / epsilon).granularity
        let distance = (sensitivity / granularity * (1 + 4e-16) + 1).rounded(.up)
        noise = try .laplace(scale: 2 * distance / epsilon * (1 + 4e-16))
        self.epsilon = epsilon
        (self.neighbouring, self.unit, self.sampling) = (neighbouring, unit, sampling)
    }

    /// δ covers the noise's distance for up to 2²⁰ scores.
    public var unsampledEvent: PrivacyEvent {
        .approximate(
            epsilon: epsilon,
            delta: min(0.5, DiscreteNoise.statisticalDistance * 0x1p20 * (1 + exp(min(700, epsilon)))))
    }

    /// The index of the largest noisy score.
    public func release(
        _ scores: [Double], using random: inout some SecureRandom
    ) throws(DifferentialPrivacyError) -> Int {
        guard (1...(1 << 20)).contains(scores.count) else {
            throw .parameter("scores", scores.count, "between 1 and 2^20 of them")
        }
        let grid = ReleaseGrid(granularity: granularity)
        var positions: [Int64] = []
        for score in scores { positions.append(try grid.position(score)) }
        let noisy = zip(positions, noise.draws(scores.count, using: &random)).map { $0 + $1 }
        return noisy.firstIndex(of: noisy.max()!)!
    }
}

/// Answers whether queries exceed a threshold, and pays only for those that do.
///
/// The threshold has noise of scale 2Δ/ε₁·…: with ε₁ = ε₂ = ε/2, noise of 2Δ/ε on the threshold, drawn once, and of
/// 4cΔ/ε on each query; c is the number of answers above before it stops.
/// - Guarantee: ε-differential privacy for the whole run, any number of queries.
/// - Reference: Lyu, Su, Li 2017, Algorithm 1 (several published variants are wrong).
public struct SparseVector: Sendable {
    public let neighbouring: Neighbouring
    public let unit: PrivacyUnit
    public let epsilon: Double
    private let granularity: Double
    private let noise: DiscreteNoise
    private let threshold: Int64
    /// Answers above the threshold that are left.
    public private(set) var remaining: Int

    public init(
        epsilon: Double, sensitivity: Double, threshold: Double, answers: Int, neighbouring: Neighbouring,
        unit: PrivacyUnit, using random: inout some SecureRandom
    ) throws(DifferentialPrivacyError) {
        _ = try positive("epsilon", epsilon)
        _ = try positive("sensitivity", sensitivity)
        guard answers > 0 else { throw .parameter("answers", answers, "at least 1") }
        let grid = ReleaseGrid(scale: sensitivity / epsilon)
        granularity = grid.granularity
        let distance = (sensitivity / granularity * (1 + 4e-16) + 1).rounded(.up)
        let thresholdNoise = try DiscreteNoise.laplace(scale: 2 * distance / epsilon * (1 + 4e-16))
        noise = try .laplace(scale: 4 * Double(answers) * distance / epsilon * (1 + 4e-16))
        self.threshold = (try grid.position(threshold)) + thresholdNoise.draws(1, using: &random)[0]
        remaining = answers
        self.epsilon = epsilon
        (self.neighbouring, self.unit) = (neighbouring, unit)
    }

    /// The whole run. δ covers the noise's distance for up to 2²⁴ queries.
    public var event: PrivacyEvent {
        .approximate(
            epsilon: epsilon,
            delta: min(0.5, DiscreteNoise.statisticalDistance * 0x1p24 * (1 + exp(min(700, epsilon)))))
    }

    /// Whether the query's noisy value is at least the noisy threshold.
    /// - Throws: `.budgetExhausted` after the last answer above.
    public mutating func isAbove(
        _ value: Double, using random: inout some SecureRandom
    ) throws(DifferentialPrivacyError) -> Bool {
        guard remaining > 0 else {
            throw DifferentialPrivacyError(
                code: .budgetExhausted, message: "sparse vector: all answers above the threshold were given")
        }
        let position = try ReleaseGrid(granularity: granularity).position(value)
        let isAbove = position + noise.draws(1, using: &random)[0] >= threshold
        if isAbove { remaining -= 1 }
        return isAbove
    }
}

/// Tells the truth about one of `categories` with probability e^ε/(e^ε + k − 1), and each other answer equally often.
///
/// - Guarantee: ε-differential privacy of one person's answer, under ``Neighbouring/replaceOne``; the probability is
///   rounded so that ε is never exceeded.
/// - Reference: Warner 1965; Kairouz, Bonawitz, Ramage 2016 for k categories.
public struct RandomisedResponse: Mechanism {
    public var neighbouring: Neighbouring { .replaceOne }
    public let unit: PrivacyUnit
    public let sampling: SamplingScheme
    public let categories: Int
    public let epsilon: Double
    /// The truth has probability `truth`/2⁶², each other answer (2⁶² − truth)/(2⁶²·(k − 1)).
    private let truth: UInt64

    public init(
        epsilon: Double, categories: Int, unit: PrivacyUnit, sampling: SamplingScheme
    ) throws(DifferentialPrivacyError) {
        _ = try nonNegative("epsilon", epsilon)
        guard (2...(1 << 20)).contains(categories) else { throw .parameter("categories", categories, "in [2, 2^20]") }
        self.epsilon = epsilon
        self.categories = categories
        (self.unit, self.sampling) = (unit, sampling)
        let others = Double(categories - 1)
        let probability = 1 / (1 + others * exp(-min(epsilon, 40)))
        let uniform = 1 / Double(categories)
        truth = UInt64((max(uniform, probability * (1 - 4e-15)) * 0x1p62).rounded(.down))
    }

    /// The probability of the truth.
    public var truthProbability: Double { Double(truth) * 0x1p-62 }

    public var unsampledEvent: PrivacyEvent { .approximate(epsilon: epsilon, delta: 0) }

    public func release(
        _ category: Int, using random: inout some SecureRandom
    ) throws(DifferentialPrivacyError) -> Int {
        guard (0..<categories).contains(category) else {
            throw DifferentialPrivacyError(
                code: .invalidValue, message: "category: got one outside 0..<\(categories)")
        }
        if random.nextUInt64() >> 2 < truth { return category }
        let other = Int(random.uniform(below: UInt64(categories - 1)))
        return other < category ? other : other + 1
    }
}
