import DifferentialPrivacy
import Randomness

/// How private estimators bring features to one size, from public bounds or from noisy moments.
public enum PrivateScaling: Hashable, Sendable, Codable {
    /// (x − middle)/half width of the declared bounds, so that values lie in [−1, 1]. Costs nothing.
    case declaredBounds
    /// (x − mean)/deviation, both released with noise for this share of the budget, cut off at ±3. Better where bounds
    /// are wide and rows are many.
    case noisyMoments(share: Double)

    /// The part of the budget that it takes.
    var share: Double {
        if case .noisyMoments(let share) = self { return share }
        return 0
    }

    func check() throws(PrivateLearningError) {
        guard case .noisyMoments(let share) = self else { return }
        guard share > 0, share <= 0.5 else { throw .parameter("scaling share", share, "a number in (0, 0.5]") }
    }
}

/// z = clamp((x − offset)/scale, ±limit), and rows of a norm above `normBound` shortened to it.
struct RowScaling: Sendable {
    var offsets: [Double]
    var scales: [Double]
    /// nil does not cut off.
    var limit: Double?
    /// Bound on the norm of (1, z).
    var normBound: Double

    /// Numbers to [−1, 1] by their bounds; columns of categories stay 0 and 1. No row is shortened.
    init(_ shape: FeatureShape) {
        offsets = [Double](repeating: 0, count: shape.width)
        scales = [Double](repeating: 1, count: shape.width)
        for j in shape.numbers { (offsets[j], scales[j]) = Self.toUnit(shape.bounds[j]) }
        limit = nil
        normBound = shape.normBound * (1 + 1e-12)
    }

    /// Middle and half width of an interval; 1 for the latter where there is none.
    static func toUnit(_ bounds: ClosedRange<Double>) -> (offset: Double, scale: Double) {
        let width = bounds.upperBound - bounds.lowerBound
        return (bounds.lowerBound + width / 2, width > 0 ? width / 2 : 1)
    }

    /// Writes (1, z) of a row, its norm at most `normBound`.
    func write(_ row: UnsafePointer<Double>, to z: UnsafeMutablePointer<Double>) {
        var squares = 1.0
        z[0] = 1
        for j in offsets.indices {
            var value = (row[j] - offsets[j]) / scales[j]
            if let limit { value = min(max(value, -limit), limit) }
            z[j + 1] = value
            squares += value * value
        }
        // The room covers what the norm's own computation rounds.
        let norm = squares.squareRoot() * (1 + 1e-13)
        if norm > normBound {
            let factor = normBound / norm
            for j in 0...offsets.count { z[j] *= factor }
        }
    }

    /// All rows as (1, z), row-major.
    func rows(_ rows: BoundedRows) -> [Double] {
        let (width, count) = (rows.width, rows.rowCount)
        return [Double](unsafeUninitializedCapacity: count * (width + 1)) { buffer, filled in
            rows.features.withUnsafeBufferPointer { features in
                for row in 0..<count {
                    write(features.baseAddress! + row * width, to: buffer.baseAddress! + row * (width + 1))
                }
            }
            filled = count * (width + 1)
        }
    }

    /// Weights of (1, z) as coefficients of the features and an intercept.
    func unscaled(_ weights: [Double]) -> (coefficients: [Double], intercept: Double) {
        var intercept = weights[0]
        let coefficients = offsets.indices.map { j -> Double in
            let coefficient = weights[j + 1] / scales[j]
            intercept -= coefficient * offsets[j]
            return coefficient
        }
        return (coefficients, intercept)
    }
}

/// Noisy count, means and deviations of values that lie within public bounds.
struct NoisyMoments: Sendable {
    /// At least 1.
    let count: Double
    /// In the values' own units.
    let means: [Double]
    let deviations: [Double]

    /// Numbers that are released for so many columns.
    static func dimension(_ columns: Int) -> Int { 1 + 2 * columns }
    /// Bound on a row's (1, u, u²) for u in [−1, 1].
    static func rowNorm(_ columns: Int) -> Double { Double(1 + 2 * columns).squareRoot() }

    /// - Parameter columns: values and bounds, all of one length.
    init(
        _ columns: [(values: [Double], bounds: ClosedRange<Double>)], count rowCount: Int,
        _ mechanism: GaussianMechanism, using random: inout some SecureRandom
    ) throws {
        let width = columns.count
        var sums = FixedPointSums(count: Self.dimension(width), bound: 1)
        for _ in 0..<rowCount { sums.add(1, at: 0) }
        let units = columns.map { RowScaling.toUnit($0.bounds) }
        for (j, column) in columns.enumerated() {
            for value in column.values {
                let u = min(max((value - units[j].offset) / units[j].scale, -1), 1)
                sums.add(u, at: 1 + j)
                sums.add(u * u, at: 1 + width + j)
            }
        }
        let noisy = try mechanism.release(sums.values, using: &random)
        let count = max(noisy[0], 1)
        // What noise alone makes of a variance; smaller ones are not told apart.
        let floor = min(1, max(1e-6, 2 * mechanism.deviation / count))
        self.count = count
        let unitMeans = (0..<width).map { min(max(noisy[1 + $0] / count, -1), 1) }
        means = (0..<width).map { units[$0].offset + unitMeans[$0] * units[$0].scale }
        deviations = (0..<width).map { j in
            let variance = noisy[1 + width + j] / count - unitMeans[j] * unitMeans[j]
            return units[j].scale * min(1, max(variance, floor)).squareRoot()
        }
    }
}

extension RowScaling {
    /// As ``init(_:)``, with numbers standardised by noisy moments and cut off at ±3; rows longer than standardised ones
    /// are on average are shortened.
    init(_ shape: FeatureShape, means: some Collection<Double>, deviations: some Collection<Double>) {
        self.init(shape)
        for (j, (mean, deviation)) in zip(shape.numbers, zip(means, deviations)) {
            (offsets[j], scales[j]) = (mean, deviation)
        }
        limit = 3
    }
}

extension BoundedRows {
    /// The features that are numbers, as columns.
    var numberColumns: [(values: [Double], bounds: ClosedRange<Double>)] {
        shape.numbers.map { j in
            (stride(from: j, to: features.count, by: width).map { features[$0] }, shape.bounds[j])
        }
    }
}
