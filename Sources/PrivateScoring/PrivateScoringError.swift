/// The one error of this module.
public struct PrivateScoringError: Error, Sendable, CustomStringConvertible {
    /// What went wrong; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// A model or features outside the range.
        public static let invalidArgument = Code("invalid-argument")
        /// Bytes that do not encode such a value, or one of another model.
        public static let invalidEncoding = Code("invalid-encoding")
        /// A file that is there and must not be replaced.
        public static let exists = Code("exists")
        /// A folder that cannot be locked.
        public static let cannotLock = Code("cannot-lock")
        /// The owner has answered as often as it meant to.
        public static let budgetExhausted = Code("budget-exhausted")
    }

    public let code: Code
    public let message: String
    public var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
