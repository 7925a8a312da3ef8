import DifferentialPrivacy
import Foundation
import Randomness

/// Private naive Bayes for two classes from one vector of noisy counts, sums and sums of squares.
///
/// A row adds (1, u, u², b) to the sums of its class, u its numbers moved to [−1, 1] by their public bounds and b its
/// zeros and ones; the vector's norm is bounded by what the schema allows.
/// - Guarantee: ``terms``.
/// - Cost: O(n·d) once.
/// - Reference: Vaidya et al. 2013 for private naive Bayes; here Gaussian noise on all sums together.
public struct NoisyNaiveBayes: PrivateEstimator {
    public let terms: PrivacyTerms
    public let shape: FeatureShape
    public let event: PrivacyEvent
    private let budget: GaussianBudget
    private let flags: [Int]
    private var rowNorm: Double { (1 + shape.largestSquare + Double(shape.numbers.count)).squareRoot() * (1 + 1e-12) }
    private var block: Int { 1 + 2 * shape.numbers.count + flags.count }

    /// - Errors: `invalidParameter`.
    public init(_ terms: PrivacyTerms, shape: FeatureShape) throws {
        self.terms = terms
        self.shape = shape
        let numbers = Set(shape.numbers)
        flags = shape.names.indices.filter { !numbers.contains($0) }
        let dimension = 2 * (1 + 2 * shape.numbers.count + flags.count)
        budget = try GaussianBudget(terms, [.init(share: 1, dimension: dimension)])
        event = try budget.event()
    }

    public func fit(_ rows: BoundedRows, using random: inout some SecureRandom) throws -> NaiveBayesModel {
        try rows.requireBinaryTarget("naive Bayes")
        try rows.require(shape)
        let units = shape.numbers.map { RowScaling.toUnit(shape.bounds[$0]) }
        let m = shape.numbers.count
        var sums = FixedPointSums(count: 2 * block, bound: 1)
        for row in 0..<rows.rowCount {
            let start = rows.targets[row] == 1 ? block : 0
            sums.add(1, at: start)
            for (j, index) in shape.numbers.enumerated() {
                let u = (rows.features[row * rows.width + index] - units[j].offset) / units[j].scale
                sums.add(min(max(u, -1), 1), at: start + 1 + j)
                sums.add(min(u * u, 1), at: start + 1 + m + j)
            }
            for (j, index) in flags.enumerated() {
                sums.add(min(max(rows.features[row * rows.width + index], 0), 1), at: start + 1 + 2 * m + j)
            }
        }
        let mechanism = try budget.mechanism(0, rowNorm: rowNorm)
        let noisy = try mechanism.release(sums.values, using: &random)
        let counts = [max(noisy[0], 1), max(noisy[block], 1)]
        let total = counts[0] + counts[1]
        var (means, deviations, rates): ([[Double]], [[Double]], [[Double]]) = ([], [], [])
        // Where noise hides what distinguishes the classes, both are drawn towards what they have in common.
        let spread = mechanism.deviation
        for c in 0..<2 {
            let start = c * block
            let n = counts[c]
            let unitMeans = (0..<m).map { j -> Double in
                let own = min(max(noisy[start + 1 + j] / n, -1), 1)
                let common = min(max((noisy[1 + j] + noisy[block + 1 + j]) / total, -1), 1)
                let trust = n / (n + spread)
                return trust * own + (1 - trust) * common
            }
            means.append((0..<m).map { units[$0].offset + unitMeans[$0] * units[$0].scale })
            deviations.append(
                (0..<m).map { j in
                    let variance = noisy[start + 1 + m + j] / n - unitMeans[j] * unitMeans[j]
                    return units[j].scale * min(1, max(variance, 2 * spread / n, 1e-6)).squareRoot()
                })
            rates.append(
                flags.indices.map { j in
                    let common = max(noisy[1 + 2 * m + j] + noisy[block + 1 + 2 * m + j], 0) / total
                    let share = (max(noisy[start + 1 + 2 * m + j], 0) + common * spread) / (n + spread)
                    return min(max(share, 0.5 / total), 1 - 0.5 / total)
                })
        }
        return try NaiveBayesModel(
            target: rows.target ?? "", plan: rows.plan, numbers: shape.numbers.map { shape.names[$0] },
            flags: flags.map { shape.names[$0] }, prior: counts[1] / total, means: means, deviations: deviations,
            rates: rates)
    }
}
