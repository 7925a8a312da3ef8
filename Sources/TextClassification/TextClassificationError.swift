/// The one error of this module.
public struct TextClassificationError: Error, Sendable, CustomStringConvertible {
    /// What went wrong; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(_ name: String) { self.name = name }
        public var description: String { name }

        /// An argument outside its range.
        public static let invalidArgument = Code("invalid-argument")
        /// A training that ran away.
        public static let diverged = Code("diverged")
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
