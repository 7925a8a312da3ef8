/// Why bytes could not be decoded.
public struct BinaryCodingError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// The input ends before the value does.
        public static let truncated = Code(name: "truncated")
        /// The bytes are of another format, kind or version.
        public static let wrongFormat = Code(name: "wrongFormat")
        /// A value lies outside what the format allows.
        public static let invalidValue = Code(name: "invalidValue")
        /// The checksum does not fit the bytes.
        public static let damaged = Code(name: "damaged")
        /// Bytes are left over after the last value.
        public static let trailingBytes = Code(name: "trailingBytes")
        /// The file belongs to other keys or parameters than the ones given.
        public static let mismatch = Code(name: "mismatch")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// The same error with the file's name in front.
    public func inFile(_ path: String) -> Self { Self(code: code, message: "\(path): \(message)") }
}
