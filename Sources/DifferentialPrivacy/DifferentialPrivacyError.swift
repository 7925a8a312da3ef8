/// Why an operation of this module was refused.
public struct DifferentialPrivacyError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        public let name: String
        public init(name: String) { self.name = name }

        /// A number outside its range: NaN, infinite, negative where it may not be.
        public static let invalidParameter = Code(name: "invalidParameter")
        /// The scale cannot be sampled with the arithmetic at hand.
        public static let unsupportedScale = Code(name: "unsupportedScale")
        /// The accountant has no rule for this event under this neighbouring relation.
        public static let unsupportedEvent = Code(name: "unsupportedEvent")
        /// What is asked for cannot be had with any noise, or with none in the range searched.
        public static let unreachable = Code(name: "unreachable")
        /// The next release would exceed the budget; nothing was spent.
        public static let budgetExhausted = Code(name: "budgetExhausted")
        /// A data value that no release may see: NaN or infinite.
        public static let invalidValue = Code(name: "invalidValue")
    }
    public let code: Code
    public let message: String
    public let cause: (any Error)?
    public var description: String { message }

    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    static func parameter(_ name: String, _ value: some CustomStringConvertible, _ want: String) -> Self {
        Self(code: .invalidParameter, message: "\(name): got \(value), want \(want)")
    }
}

/// The value, or an error naming it, unless it is finite and greater than zero.
func positive(_ name: String, _ value: Double) throws(DifferentialPrivacyError) -> Double {
    guard value.isFinite, value > 0 else { throw .parameter(name, value, "a finite number above 0") }
    return value
}

/// The value, or an error naming it, unless it is finite and at least zero.
func nonNegative(_ name: String, _ value: Double) throws(DifferentialPrivacyError) -> Double {
    guard value.isFinite, value >= 0 else { throw .parameter(name, value, "a finite number, at least 0") }
    return value
}

/// δ as a probability in [0, 1).
func checkedDelta(_ delta: Double) throws(DifferentialPrivacyError) -> Double {
    guard delta >= 0, delta < 1 else { throw .parameter("delta", delta, "a number in [0, 1)") }
    return delta
}
