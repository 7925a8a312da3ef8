import DifferentialPrivacy
import Foundation
import Randomness

/// Private logistic regression by gradient descent with noise, on all rows or on Poisson samples of the units.
///
/// A step adds Gaussian noise to the sum of the rows' gradients, which are never longer than the rows, and moves by the
/// largest stable step for a loss of that curvature. What is returned is the mean of the last half of the positions.
///
/// - Guarantee: ``terms``: the steps on all rows as one Gaussian, those on samples by privacy-loss distributions.
/// - Cost: O(n·d) a step.
/// - Reference: Bassily, Smith, Thakurta 2014; Song, Chaudhuri, Sarwate 2013; sampling as in Abadi et al. 2016.
public struct NoisyGradientDescent: PrivateEstimator {
    public let terms: PrivacyTerms
    public let scaling: PrivateScaling
    public let shape: FeatureShape
    public let steps: Int
    /// 1 for all rows.
    public let samplingRate: Double
    public let event: PrivacyEvent
    /// Deviation of a step's noise over the sensitivity.
    public let noiseMultiplier: Double
    private let budget: GaussianBudget

    /// - Parameters:
    ///   - samplingRate: the chance of each unit to take part in a step; below 1 only under `addOrRemoveOne`.
    /// - Errors: `invalidParameter`; those of the accountant.
    public init(
        _ terms: PrivacyTerms, shape: FeatureShape, scaling: PrivateScaling = .noisyMoments(share: 0.1),
        steps: Int = 300,
        samplingRate: Double = 1
    ) throws {
        guard shape.width <= 100_000 else {
            throw PrivateLearningError.parameter("features", shape.width, "at most 100000")
        }
        guard (1...1_000_000).contains(steps) else {
            throw PrivateLearningError.parameter("steps", steps, "a number in 1...1000000")
        }
        guard samplingRate > 0, samplingRate <= 1 else {
            throw PrivateLearningError.parameter("sampling rate", samplingRate, "a number in (0, 1]")
        }
        try scaling.check()
        self.terms = terms
        self.scaling = scaling
        self.shape = shape
        self.steps = steps
        self.samplingRate = samplingRate
        let size = shape.width + 1
        // Moments, or the count alone, without which no step size could be chosen.
        let momentShare = max(scaling.share, 0.01)
        let moments = GaussianBudget.Release(
            share: momentShare, dimension: scaling.share > 0 ? NoisyMoments.dimension(shape.numbers.count) : 1)
        if samplingRate == 1 {
            budget = try GaussianBudget(
                terms, [moments, .init(share: 1 - momentShare, dimension: size, times: steps)])
            noiseMultiplier = budget.multiplier * (Double(steps) / (1 - momentShare)).squareRoot()
            event = try budget.event()
        } else {
            // The precision that the moments would have among Gaussians alone, then as much noise as fits the rest.
            budget = try GaussianBudget(terms, [moments])
            let first = try budget.event()
            let cost = GaussianMechanism.gridCost(dimension: size)
            let grid = PrivacyEvent.approximate(epsilon: cost.epsilon, delta: cost.delta)
            func all(_ multiplier: Double) -> PrivacyEvent {
                // The grid's cost is one of every outcome's probability, sampled or not.
                .composed([
                    first,
                    .repeated(
                        .poissonSampled(rate: samplingRate, event: .gaussian(noiseMultiplier: multiplier)),
                        count: steps),
                    .repeated(grid, count: steps),
                ])
            }
            noiseMultiplier = try NoiseCalibration.noiseMultiplier(
                epsilon: terms.epsilon, delta: terms.delta,
                accountant: PrivacyLossAccountant(neighbouring: terms.neighbouring), event: all)
            event = all(noiseMultiplier)
        }
    }

    public func fit(_ rows: BoundedRows, using random: inout some SecureRandom) throws -> LinearModel {
        try rows.requireBinaryTarget("logistic regression")
        try rows.require(shape)
        var scaling = RowScaling(shape)
        let count: Double
        if self.scaling.share > 0 {
            let moments = try NoisyMoments(
                rows.numberColumns, count: rows.rowCount,
                budget.mechanism(0, rowNorm: NoisyMoments.rowNorm(shape.numbers.count)), using: &random)
            scaling = RowScaling(shape, means: moments.means, deviations: moments.deviations)
            count = moments.count
        } else {
            let mechanism = try budget.mechanism(0, rowNorm: 1)
            count = max(1, try mechanism.release([Double(rows.rowCount)], using: &random)[0])
        }
        let size = shape.width + 1
        let bound = scaling.normBound
        let sensitivity = terms.sensitivity(rowNorm: bound)
        let mechanism =
            samplingRate == 1
            ? try budget.mechanism(1, rowNorm: bound)
            : try GaussianMechanism(
                deviation: noiseMultiplier * sensitivity, sensitivity: sensitivity, dimension: size,
                neighbouring: terms.neighbouring, unit: terms.unit, sampling: .none)
        let z = scaling.rows(rows)
        // The mean loss has a curvature of at most R²/4.
        let rate = 4 / (bound * bound) / (count * samplingRate)
        var weights = [Double](repeating: 0, count: size)
        var mean = weights
        let firstKept = steps / 2
        for step in 0..<steps {
            let takesPart = samplingRate < 1 ? sample(rows.unitCount, using: &random) : nil
            var sums = FixedPointSums(count: size, bound: bound)
            z.withUnsafeBufferPointer { z in
                for row in 0..<rows.rowCount {
                    if let takesPart, !takesPart[rows.unitOfRow[row]] { continue }
                    var score = 0.0
                    for j in 0..<size { score += z[row * size + j] * weights[j] }
                    let residual = Link.logit.mean(score) - rows.targets[row]
                    for j in 0..<size { sums.add(residual * z[row * size + j], at: j) }
                }
            }
            let gradient = try mechanism.release(sums.values, using: &random)
            for j in 0..<size { weights[j] -= rate * gradient[j] }
            if step >= firstKept { for j in 0..<size { mean[j] += weights[j] / Double(steps - firstKept) } }
        }
        let (coefficients, intercept) = scaling.unscaled(mean)
        return LinearModel(
            kind: "logistic", link: .logit, target: rows.target ?? "", featureNames: shape.names,
            coefficients: coefficients, intercept: intercept, rowCount: Int(count.rounded()), rank: shape.width,
            plan: rows.plan)
    }

    /// Which units take part, each with the sampling rate rounded down to a multiple of 2⁻⁶⁴.
    private func sample(_ count: Int, using random: inout some SecureRandom) -> [Bool] {
        let threshold = UInt64(samplingRate * 0x1p64)
        return (0..<count).map { _ in random.nextUInt64() < threshold }
    }
}
