/// Why weights could not be read, written or given to a network.
public struct WeightFormatsError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// Bytes that are not what they should be.
        public static let invalidFile = Code(name: "invalidFile")
        /// Weights that do not fit the network.
        public static let mismatch = Code(name: "mismatch")
        /// A layer that the other format's export does not know.
        public static let unsupported = Code(name: "unsupported")
        /// A file that cannot be read or written.
        public static let inputOutput = Code(name: "inputOutput")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    static func file(_ message: String) -> Self { Self(code: .invalidFile, message: message) }
}
