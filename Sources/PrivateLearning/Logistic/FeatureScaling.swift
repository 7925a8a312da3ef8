import BigIntegers
import Foundation
import Parallelism
import Tabular

/// How an owner brings rows to one size before they are encrypted for training: standardised, cut off, and divided by
/// the root of the largest eigenvalue.
///
/// x becomes z = clamp((x − mean)/deviation, ±clip)/√λ, and the constant column 1/√λ, where λ is at least the largest
/// eigenvalue of the second moments of those columns before the division. Afterwards that eigenvalue is at most 1, so one
/// step size suits every table, and nothing about the rows needs to be known to whoever trains.
///
/// All numbers here come from the training rows. They stay with the key owner; the server never sees them.
public struct FeatureScaling: Hashable, Sendable, Codable {
    public struct Feature: Hashable, Sendable, Codable {
        public var name: String
        public var mean: Double
        /// 1 for a constant column.
        public var deviation: Double
    }

    public let features: [Feature]
    /// Standardised values are cut off at ± this many deviations.
    public let clip: Double
    /// λ ≥ 1.
    public let spectralBound: Double

    /// How far values may lie from the mean unless said otherwise. Tables of medical measurements have tails of twenty
    /// deviations; cut off at three, models learnt by gradients are as good or better, and scores stay in the interval
    /// of the sigmoid's polynomial.
    public static let standardClip = 3.0

    /// From an owner's own rows.
    /// - Parameters:
    ///   - rows: numbers in the columns' own units, row-major, `names.count` to a row.
    /// - Errors: `tooFewRows` below two rows; `invalidParameter` for a clip outside [0.5, 100].
    public init(rows: [Double], names: [String], clip: Double = standardClip) throws(PrivateLearningError) {
        let width = names.count
        precondition(width > 0 && rows.count % width == 0, "rows: got \(rows.count) numbers, want rows of \(width)")
        let count = rows.count / width
        guard count >= 2 else {
            throw PrivateLearningError(code: .tooFewRows, message: "rows: got \(count), want at least 2")
        }
        var features: [Feature] = []
        for column in 0..<width {
            var sum = 0.0
            for row in 0..<count { sum += rows[row * width + column] }
            let mean = sum / Double(count)
            var squares = 0.0
            for row in 0..<count {
                squares += (rows[row * width + column] - mean) * (rows[row * width + column] - mean)
            }
            features.append(Self.feature(names[column], mean: mean, variance: squares / Double(count)))
        }
        try self.init(features: features, clip: clip, spectralBound: 1)
        let scaled = self.rows(rows)
        let bound = Self.largestEigenvalue(Self.secondMoments(scaled, width: width + 1), size: width + 1)
        try self.init(features: features, clip: clip, spectralBound: max(1, bound))
    }

    /// From opened sums over the rows of several owners: n, Σz and Σzz of the plan's columns.
    ///
    /// λ is then that of the correlations before values are cut off.
    /// - Errors: `unknownColumn`, `tooFewRows`, `invalidParameter` as above.
    public init(
        moments: MomentMatrix, plan: EncodingPlan, features names: [String], clip: Double = standardClip
    ) throws(PrivateLearningError) {
        guard moments.size == plan.columns.count + 1 else {
            throw PrivateLearningError(
                code: .mismatch, message: "moments: got \(moments.size - 1) columns, want \(plan.columns.count)")
        }
        guard let count = moments[0, 0].intValue, count >= 2 else {
            throw PrivateLearningError(code: .tooFewRows, message: "rows: got \(moments[0, 0]), want at least 2")
        }
        var indices: [Int] = []
        for name in names { indices.append(try plan.index(of: name)) }
        let n = Double(count)
        func unit(_ index: Int) -> Double { Double(plan.columns[index].encoding.scale.multiplier) }
        func covariance(_ i: Int, _ j: Int) -> Double {
            // Exact in integers, so that nothing cancels.
            let centred = moments[0, 0] * moments[i + 1, j + 1] - moments[0, i + 1] * moments[0, j + 1]
            return centred.doubleValue / n / n / unit(i) / unit(j)
        }
        let features = zip(names, indices).map { name, index in
            Self.feature(
                name, mean: moments[0, index + 1].doubleValue / n / unit(index),
                variance: max(0, covariance(index, index)))
        }
        var correlations = [Double](repeating: 0, count: names.count * names.count)
        for (row, i) in indices.enumerated() {
            for (column, j) in indices.enumerated() {
                correlations[row * names.count + column] =
                    covariance(i, j) / features[row].deviation / features[column].deviation
            }
        }
        let bound = Self.largestEigenvalue(correlations, size: names.count)
        try self.init(features: features, clip: clip, spectralBound: max(1, bound))
    }

    init(features: [Feature], clip: Double, spectralBound: Double) throws(PrivateLearningError) {
        guard clip >= 0.5, clip <= 100 else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "clip: got \(clip) deviations, want [0.5, 100]")
        }
        guard spectralBound >= 1, spectralBound.isFinite,
            features.allSatisfy({ $0.mean.isFinite && $0.deviation.isFinite && $0.deviation > 0 })
        else { throw PrivateLearningError(code: .invalidValue, message: "scaling: want finite means and deviations") }
        self.features = features
        self.clip = clip
        self.spectralBound = spectralBound
    }

    private static func feature(_ name: String, mean: Double, variance: Double) -> Feature {
        // A constant column carries nothing; a deviation of 1 keeps it at z = 0. Rounding leaves a little of it.
        let isConstant = variance <= 1e-24 * mean * mean
        return Feature(name: name, mean: mean, deviation: isConstant ? 1 : variance.squareRoot())
    }

    /// The constant column and the features.
    public var columnCount: Int { features.count + 1 }
    /// No entry of a scaled row is greater.
    public var entryBound: Double { max(1, clip) }

    /// Scaled rows: the constant first, then the features; `columnCount` to a row.
    public func rows(_ rows: [Double]) -> [Double] {
        let width = features.count
        precondition(rows.count % width == 0, "rows: got \(rows.count) numbers, want rows of \(width)")
        let unit = 1 / spectralBound.squareRoot()
        var result: [Double] = []
        result.reserveCapacity(rows.count / width * columnCount)
        for start in stride(from: 0, to: rows.count, by: width) {
            result.append(unit)
            for (index, feature) in features.enumerated() {
                let value = (rows[start + index] - feature.mean) / feature.deviation
                result.append(min(max(value, -clip), clip) * unit)
            }
        }
        return result
    }

    /// Coefficients in the features' own units, and the intercept, from weights of scaled columns.
    ///
    /// They give the scores of rows whose values are cut off at ``limits``.
    public func unscaled(_ weights: [Double]) -> (coefficients: [Double], intercept: Double) {
        precondition(weights.count == columnCount, "weights: got \(weights.count), want \(columnCount)")
        let unit = 1 / spectralBound.squareRoot()
        var intercept = weights[0] * unit
        var coefficients: [Double] = []
        for (feature, weight) in zip(features, weights.dropFirst()) {
            coefficients.append(weight * unit / feature.deviation)
            intercept -= weight * unit * feature.mean / feature.deviation
        }
        return (coefficients, intercept)
    }

    /// Where each feature is cut off, in its own units.
    public var limits: [ClosedRange<Double>] {
        features.map { $0.mean - clip * $0.deviation...$0.mean + clip * $0.deviation }
    }

    // MARK: Eigenvalues

    /// XᵀX/n, row-major.
    static func secondMoments(_ rows: [Double], width: Int) -> [Double] {
        let count = rows.count / width
        let columns = parallelMap(width, chunk: 1) { i -> [Double] in
            var sums = [Double](repeating: 0, count: width)
            rows.withUnsafeBufferPointer { values in
                for row in 0..<count {
                    let left = values[row * width + i]
                    for j in 0..<width { sums[j] += left * values[row * width + j] }
                }
            }
            return sums.map { $0 / Double(count) }
        }
        return columns.flatMap { $0 }
    }

    /// Of a symmetric positive semi-definite matrix, by power iteration; at most 1 % below the true one when the
    /// start is not orthogonal to its vector, which the sum of all rows seldom is.
    static func largestEigenvalue(_ matrix: [Double], size: Int) -> Double {
        var vector = (0..<size).map { 1 + 0.01 * Double($0 % 7) }
        var value = 0.0
        for _ in 0..<500 {
            var next = [Double](repeating: 0, count: size)
            for row in 0..<size {
                var sum = 0.0
                for column in 0..<size { sum += matrix[row * size + column] * vector[column] }
                next[row] = sum
            }
            value = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard value > 0 else { return 0 }
            vector = next.map { $0 / value }
        }
        return value
    }
}
