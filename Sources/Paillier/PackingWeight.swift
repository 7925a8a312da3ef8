/// How much has been added up in packed slots: the sums of the positive and of the negative factors' magnitudes.
///
/// With bounds [l, u] of a fresh value, a slot of weight (P, N) holds a value in [P·l − N·u, P·u − N·l].
public struct PackingWeight: Hashable, Sendable, CustomStringConvertible {
    public let positive: Int
    public let negative: Int

    /// One fresh value.
    public static let one = Self(positive: 1)

    public init(positive: Int, negative: Int = 0) {
        precondition(positive >= 0 && negative >= 0, "weight: want numbers of at least 0")
        self.positive = positive
        self.negative = negative
    }

    public var description: String { negative == 0 ? "\(positive)" : "+\(positive)/−\(negative)" }

    /// Whether both parts are at most the other's.
    public func fits(in other: Self) -> Bool { positive <= other.positive && negative <= other.negative }

    /// nil when a part exceeds `Int`.
    func adding(_ other: Self) -> Self? {
        let p = positive.addingReportingOverflow(other.positive)
        let n = negative.addingReportingOverflow(other.negative)
        return p.overflow || n.overflow ? nil : Self(positive: p.partialValue, negative: n.partialValue)
    }

    /// nil when a part exceeds `Int`.
    func multiplied(by factor: Int) -> Self? {
        guard factor != .min else { return nil }
        let p = positive.multipliedReportingOverflow(by: abs(factor))
        let n = negative.multipliedReportingOverflow(by: abs(factor))
        guard !p.overflow, !n.overflow else { return nil }
        return factor < 0
            ? Self(positive: n.partialValue, negative: p.partialValue)
            : Self(positive: p.partialValue, negative: n.partialValue)
    }
}
