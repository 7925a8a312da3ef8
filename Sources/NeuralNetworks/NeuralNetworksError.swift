/// Why a network could not be built, trained, stored or loaded.
public struct NeuralNetworksError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// A description of layers that do not fit together, or a size out of range.
        public static let invalidArchitecture = Code(name: "invalidArchitecture")
        /// Examples or labels that do not fit the network.
        public static let invalidData = Code(name: "invalidData")
        /// A training parameter outside its range.
        public static let invalidParameter = Code(name: "invalidParameter")
        /// A layer for which no private rule exists; the message says what to use instead.
        public static let notPrivate = Code(name: "notPrivate")
        /// Losses or gradients that are infinite or not a number.
        public static let diverged = Code(name: "diverged")
        /// A file of weights or a checkpoint that does not make sense.
        public static let invalidFile = Code(name: "invalidFile")
        /// A file that cannot be read or written.
        public static let inputOutput = Code(name: "inputOutput")
        /// The run was asked to stop.
        public static let cancelled = Code(name: "cancelled")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}

extension NeuralNetworksError {
    static func architecture(_ message: String) -> Self { Self(code: .invalidArchitecture, message: message) }
    static func parameter(_ message: String) -> Self { Self(code: .invalidParameter, message: message) }
    static func data(_ message: String) -> Self { Self(code: .invalidData, message: message) }
    static func file(_ message: String) -> Self { Self(code: .invalidFile, message: message) }
}
