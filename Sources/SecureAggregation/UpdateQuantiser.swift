import FixedPoint

/// Updates as integers: clipped to a public bound, scaled, rounded to nearest with ties to even, alike on every machine.
///
/// All sites of a round use the same one; `bound` of the round is ``integerBound``.
public struct UpdateQuantiser: Hashable, Sendable {
    public let encoding: FixedPointEncoding

    /// - Parameters:
    ///   - clip: coordinates beyond ±clip are set to ±clip; > 0.
    ///   - scale: units of the integer in one.
    /// - Errors: those of ``FixedPointEncoding``: clip·scale at most 2^52.
    public init(clip: Double, scale: FixedPointScale) throws(FixedPointError) {
        guard clip > 0 else {
            throw FixedPointError(code: .invalidEncoding, message: "clip: got \(clip), want a number above 0")
        }
        encoding = try FixedPointEncoding(scale: scale, lower: -clip, upper: clip)
    }

    public var clip: Double { encoding.upper }
    /// Of a round in which these integers are added up.
    public var integerBound: Int64 { encoding.integerBounds.upperBound }

    /// - Returns: the integers, and how many coordinates were clipped.
    /// - Errors: `notFinite`, with the place.
    public func quantise(
        _ update: some Sequence<Double>
    ) throws(SecureAggregationError) -> (values: [Int64], clipped: Int) {
        var values: [Int64] = []
        values.reserveCapacity(update.underestimatedCount)
        var clipped = 0
        for value in update {
            let inside = min(max(value, -clip), clip)
            if inside != value { clipped += 1 }
            guard value.isFinite, let integer = try? encoding.encode(inside) else {
                throw SecureAggregationError(
                    code: .notFinite, message: "update: value number \(values.count) is \(value), want a finite number")
            }
            values.append(integer)
        }
        return (values, clipped)
    }

    /// The real numbers for which a sum stands.
    public func dequantise(_ sum: [Int64]) -> [Double] { sum.map(encoding.decode) }
}
