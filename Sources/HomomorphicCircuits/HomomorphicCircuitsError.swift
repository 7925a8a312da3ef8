/// What went wrong in fitting a function or in laying out a circuit.
public struct HomomorphicCircuitsError: Error, Sendable, CustomStringConvertible {
    /// Kinds of failure; more may be added.
    public struct Code: Hashable, Sendable {
        public let name: String

        /// An interval that is empty, infinite, or where the function is not defined.
        public static let invalidInterval = Code(name: "invalidInterval")
        /// A degree, depth, count or length out of range.
        public static let invalidArgument = Code(name: "invalidArgument")
        /// NaN or an infinity among coefficients or values.
        public static let notFinite = Code(name: "notFinite")
        /// No polynomial of the permitted degree reaches the wanted error.
        public static let errorOutOfReach = Code(name: "errorOutOfReach")
        /// Rows and columns that do not fit each other.
        public static let shapeMismatch = Code(name: "shapeMismatch")
    }

    public let code: Code
    public let message: String
    public let cause: (any Error)?

    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { "\(code.name): \(message)" }
}
