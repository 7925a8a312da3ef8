/// Why a key file could not be written or opened.
public struct KeyFilesError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// The passphrase does not open the file.
        public static let wrongPassphrase = Code(name: "wrongPassphrase")
        /// The file needs a passphrase and none was given.
        public static let passphraseNeeded = Code(name: "passphraseNeeded")
        /// The file is of another kind or malformed.
        public static let invalidFile = Code(name: "invalidFile")
        /// The passphrase is too short, or the wrapping parameters are out of range.
        public static let invalidParameters = Code(name: "invalidParameters")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}
