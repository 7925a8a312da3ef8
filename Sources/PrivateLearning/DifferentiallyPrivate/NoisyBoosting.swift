import DifferentialPrivacy
import Foundation
import Randomness

/// Private boosting of small trees with one feature each, cyclically: an additive model.
///
/// Noisy histograms of all features come first. Then, round by round and feature by feature, a tree whose splits are
/// drawn at random, without a look at the data, groups the feature's bins into leaves; the sums of residuals in the
/// leaves are released with noise, and each leaf's bins move by rate·sum·c/(c² + (σ/s)²), c the leaf's noisy count, σ the
/// deviation of the sum's noise and s what mean residuals usually are, 0.3 or 0.15 of a numeric target's half width. Since splits cost
/// nothing, all of the budget goes into sums.
/// - Guarantee: ``terms``.
/// - Cost: O(n) a feature and round.
/// - Reference: Nori, Caruana, Bu, Shen, Kulkarni 2021, Algorithm 2 (DP-EBM, the Gaussian variant); ours splits by noisy
///   counts and keeps a category's values apart.
public struct NoisyBoosting: PrivateEstimator {
    public let terms: PrivacyTerms
    public let shape: FeatureShape
    public let isClassification: Bool
    public let rounds: Int
    /// Step along the mean residual.
    public let rate: Double
    /// Most leaves of a tree of a number.
    public let leaves: Int
    public let event: PrivacyEvent
    private let functions: [AdditiveModel.Term]
    private let budget: GaussianBudget

    /// - Parameters:
    ///   - isClassification: 0/1 targets through the logistic function; otherwise the target itself.
    ///   - bins: of a number, of equal width within its public bounds.
    /// - Errors: `invalidParameter`.
    public init(
        _ terms: PrivacyTerms, shape: FeatureShape, plan: EncodingPlan, isClassification: Bool, rounds: Int = 10,
        rate: Double = 1, leaves: Int = 4, bins: Int = 32
    ) throws {
        guard (1...10_000).contains(rounds) else {
            throw PrivateLearningError.parameter("rounds", rounds, "a number in 1...10000")
        }
        guard rate > 0, rate <= 4 else { throw PrivateLearningError.parameter("rate", rate, "a number in (0, 4]") }
        guard (2...64).contains(leaves), (2...1024).contains(bins) else {
            throw PrivateLearningError.parameter("leaves, bins", "\(leaves), \(bins)", "2...64 and 2...1024")
        }
        self.terms = terms
        self.shape = shape
        self.isClassification = isClassification
        self.rounds = rounds
        self.rate = rate
        self.leaves = leaves
        functions = Self.functions(shape, plan, bins: bins)
        let largest = functions.map(\.binCount).max() ?? 1
        budget = try GaussianBudget(
            terms,
            [
                .init(share: 0.1, dimension: functions.reduce(0) { $0 + $1.binCount }),
                // Every tree's release is as wide as the widest; what is too much stays zero.
                .init(share: 0.9, dimension: largest, times: rounds * functions.count),
            ])
        event = try budget.event()
    }

    private static func functions(_ shape: FeatureShape, _ plan: EncodingPlan, bins: Int) -> [AdditiveModel.Term] {
        let chosen = Set(shape.names)
        var functions: [AdditiveModel.Term] = []
        for input in plan.recipe.inputs {
            let own = plan.derived(from: input.name).filter(chosen.contains)
            guard !own.isEmpty else { continue }
            guard input.type.isNumeric else {
                functions.append(.init(columns: own, edges: []))
                continue
            }
            for name in own {
                guard name == input.name, let index = shape.names.firstIndex(of: name) else {
                    functions.append(.init(columns: [name], edges: []))
                    continue
                }
                let range = shape.bounds[index]
                let width = (range.upperBound - range.lowerBound) / Double(bins)
                let edges = width > 0 ? (1..<bins).map { range.lowerBound + Double($0) * width } : [range.lowerBound]
                let ascending = zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 }
                functions.append(.init(columns: [name], edges: ascending ? edges : [range.lowerBound + width]))
            }
        }
        return functions
    }

    public func fit(_ rows: BoundedRows, using random: inout some SecureRandom) throws -> AdditiveModel {
        try rows.require(shape)
        var (offset, scale) = (0.0, 1.0)
        if isClassification {
            try rows.requireBinaryTarget("boosted trees")
        } else {
            (offset, scale) = RowScaling.toUnit(try rows.requireTarget("boosted trees"))
        }
        let targets = rows.targets.map { ($0 - offset) / scale }
        let bins = try binned(rows)
        let histogram = try histograms(bins, count: rows.rowCount, using: &random)
        let mechanism = try budget.mechanism(1, rowNorm: 1)
        let link: Link = isClassification ? .logit : .identity
        let usual = isClassification ? 0.3 : 0.15
        var scores = functions.map { [Double](repeating: 0, count: $0.binCount) }
        var sums = [Double](repeating: 0, count: rows.rowCount)
        let dimension = mechanism.dimension
        for _ in 0..<rounds {
            for (index, function) in functions.enumerated() {
                let counts = histogram[index]
                let leafOfBin =
                    function.edges.isEmpty
                    ? Array(0..<function.binCount) : randomLeaves(counts, using: &random)
                let leafCount = (leafOfBin.max() ?? 0) + 1
                var residuals = FixedPointSums(count: dimension, bound: 1)
                for row in 0..<rows.rowCount {
                    let residual = targets[row] - link.mean(sums[row])
                    residuals.add(min(max(residual, -1), 1), at: leafOfBin[Int(bins[index][row])])
                }
                let noisy = try mechanism.release(residuals.values, using: &random)
                var sizes = [Double](repeating: 0, count: leafCount)
                for (bin, leaf) in leafOfBin.enumerated() { sizes[leaf] += counts[bin] }
                // The best linear estimate of a leaf's mean residual when such means have the usual deviation.
                let spread = mechanism.deviation * mechanism.deviation / (usual * usual)
                let steps = sizes.indices.map {
                    rate * noisy[$0] * max(sizes[$0], 0) / (sizes[$0] * sizes[$0] + spread)
                }
                let moves = leafOfBin.map { min(max(steps[$0], -1), 1) }
                for bin in moves.indices { scores[index][bin] += moves[bin] }
                for row in 0..<rows.rowCount { sums[row] += moves[Int(bins[index][row])] }
            }
        }
        // Every function's mean, by the noisy histogram, goes into the intercept.
        var intercept = 0.0
        for index in scores.indices {
            let weights = histogram[index].map { max($0, 0) }
            let total = weights.reduce(0, +)
            guard total > 0 else { continue }
            let mean = zip(weights, scores[index]).reduce(0) { $0 + $1.0 * $1.1 } / total
            intercept += mean
            for bin in scores[index].indices { scores[index][bin] -= mean }
        }
        return try AdditiveModel(
            target: rows.target ?? "", plan: rows.plan, link: link, terms: functions,
            intercept: offset + scale * intercept, scores: scores.map { $0.map { $0 * scale } })
    }

    /// The bin of every row, feature by feature.
    private func binned(_ rows: BoundedRows) throws -> [[Int32]] {
        var position: [String: Int] = [:]
        for (index, name) in shape.names.enumerated() { position[name] = index }
        return functions.map { function in
            let columns = function.columns.compactMap { position[$0] }
            return (0..<rows.rowCount).map { row in
                Int32(function.bin { rows.features[row * rows.width + columns[$0]] })
            }
        }
    }

    private func histograms(
        _ bins: [[Int32]], count: Int, using random: inout some SecureRandom
    ) throws -> [[Double]] {
        let total = functions.reduce(0) { $0 + $1.binCount }
        var sums = FixedPointSums(count: total, bound: 1)
        var start = 0
        for (index, function) in functions.enumerated() {
            for row in 0..<count { sums.add(1, at: start + Int(bins[index][row])) }
            start += function.binCount
        }
        let mechanism = try budget.mechanism(0, rowNorm: Double(functions.count).squareRoot() * (1 + 1e-12))
        let noisy = try mechanism.release(sums.values, using: &random)
        start = 0
        return functions.map { function in
            defer { start += function.binCount }
            return Array(noisy[start..<start + function.binCount])
        }
    }

    /// Neighbouring bins grouped at random places, each place as likely as the noisy count of the bin after it.
    private func randomLeaves(_ counts: [Double], using random: inout some SecureRandom) -> [Int] {
        let weights = counts.map { max($0, 0) + 1e-9 }
        let total = weights.reduce(0, +)
        var isStart = [Bool](repeating: false, count: counts.count)
        for _ in 1..<leaves {
            var u = Double(random.nextUInt64() >> 11) * 0x1p-53 * total
            var bin = 0
            while bin < counts.count - 1, u >= weights[bin] {
                u -= weights[bin]
                bin += 1
            }
            isStart[bin] = true
        }
        var leaf = 0
        return counts.indices.map { bin in
            if bin > 0, isStart[bin] { leaf += 1 }
            return leaf
        }
    }
}
