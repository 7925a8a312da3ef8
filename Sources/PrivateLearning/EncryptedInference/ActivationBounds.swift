import Foundation

/// How great the numbers before each polynomial, and the scores, become: what scales and the modulus depend on.
///
/// Proven bounds follow from the weights and the interval of the inputs, and hold for every input. For deep networks they
/// are thousands of times what occurs. Measured bounds are the greatest magnitudes over training rows times a margin: an
/// input that exceeds them is not covered by the stated error, and is recognised by its scores.
public struct ActivationBounds: Hashable, Sendable, Codable {
    /// One for each group of layers between polynomials, the last for the scores.
    public var magnitudes: [Double]
    /// Rows that they were measured on; 0 for proven ones.
    public var measuredRows: Int
    /// What measured magnitudes were multiplied by.
    public var margin: Double

    public static let standardMargin = 1.5
    /// Of more rows only so many, evenly chosen, are measured on.
    public static let rowLimit = 10_000

    init(magnitudes: [Double], measuredRows: Int, margin: Double) {
        self.magnitudes = magnitudes
        self.measuredRows = measuredRows
        self.margin = margin
    }

    /// Proven for inputs in an interval.
    public init(proving network: PolynomialNetwork, inputs: ClosedRange<Double>) {
        var ranges = [ClosedRange<Double>](repeating: inputs, count: network.inputCount)
        var magnitudes: [Double] = []
        for stage in network.stages {
            ranges = stage.map.range(of: ranges)
            magnitudes.append(Self.usable(ranges.reduce(0) { max($0, abs($1.lowerBound), abs($1.upperBound)) }))
            if let function = stage.nonlinearity { ranges = ranges.map(function.range) }
        }
        self.init(magnitudes: magnitudes, measuredRows: 0, margin: 1)
    }

    /// Measured on rows, one after the other in `rows`.
    /// - Throws: `invalidParameter` without a row, `invalidValue` for numbers that are not finite.
    public init(
        measuring network: PolynomialNetwork, on rows: [Float], margin: Double = standardMargin
    ) throws(PrivateLearningError) {
        let width = network.inputCount
        guard !rows.isEmpty, rows.count % width == 0, margin >= 1, margin.isFinite else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "activation bounds: got \(rows.count) numbers, want rows of \(width), and a margin from 1 on")
        }
        let all = rows.count / width
        let count = min(all, Self.rowLimit)
        let sample =
            count == all
            ? rows
            : (0..<count).flatMap { row in
                let first = row * all / count * width
                return rows[first..<first + width]
            }
        let parts = network.parallelTraces(sample) { traces in
            traces.reduce(into: [Double](repeating: 0, count: network.stages.count)) { most, trace in
                for (index, values) in trace.enumerated() {
                    for value in values {
                        // Not a number is greater than everything here.
                        if !(abs(value) <= most[index]) { most[index] = value.isNaN ? .infinity : abs(value) }
                    }
                }
            }
        }
        var most = [Double](repeating: 0, count: network.stages.count)
        for part in parts { for index in most.indices { most[index] = max(most[index], part[index]) } }
        guard most.allSatisfy(\.isFinite) else {
            throw PrivateLearningError(
                code: .invalidValue, message: "activation bounds: the network's values are not finite on these rows")
        }
        self.init(magnitudes: most.map { Self.usable($0 * margin) }, measuredRows: count, margin: margin)
    }

    /// The smaller of both, bound by bound.
    func limited(by other: ActivationBounds) -> ActivationBounds {
        var result = self
        for index in magnitudes.indices { result.magnitudes[index] = min(magnitudes[index], other.magnitudes[index]) }
        return result
    }

    private static func usable(_ magnitude: Double) -> Double { max(magnitude, 0x1p-40) }
}
