/// When two data sets differ by one privacy unit. Every accountant and every mechanism is told; none assumes.
public enum Neighbouring: String, Hashable, Sendable, Codable, CaseIterable {
    /// One has the unit's records, the other does not: what is protected is also whether somebody takes part.
    case addOrRemoveOne
    /// The unit's records are exchanged for any others; the number of units is public.
    case replaceOne

    /// How far a sum moves when each unit contributes a term of norm at most 1.
    public var sensitivityOfSum: Double { self == .replaceOne ? 2 : 1 }
}

/// Whose data one neighbour lacks: a row, a patient, a household. Free text that goes into ledgers and reports.
public struct PrivacyUnit: Hashable, Sendable, Codable, CustomStringConvertible {
    public let name: String
    /// - Parameter name: what one unit is, such as "row" or "patient".
    public init(_ name: String) { self.name = name }
    public var description: String { name }
}

/// How the records of one release were chosen from all.
public enum SamplingScheme: Hashable, Sendable, Codable {
    /// All records are used.
    case none
    /// Each unit is kept with this probability, independently of all others and of other releases.
    case poisson(rate: Double)
    /// A uniformly chosen subset of `batch` of the `population` units.
    case withoutReplacement(population: Int, batch: Int)
}
