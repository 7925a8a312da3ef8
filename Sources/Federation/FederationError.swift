/// Why a study, a message or a round was refused.
public struct FederationError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// A study file that does not make sense; the message names the field.
        public static let invalidStudy = Code(name: "invalidStudy")
        /// An argument out of range.
        public static let invalidParameter = Code(name: "invalidParameter")
        /// Bytes that are not a message, or not one of this protocol's version.
        public static let invalidMessage = Code(name: "invalidMessage")
        /// A signature that does not hold, or a journal whose chain is broken.
        public static let forged = Code(name: "forged")
        /// A site that the study does not name, or that was revoked.
        public static let unknownSite = Code(name: "unknownSite")
        /// A message of another study, or of another version of this one.
        public static let wrongStudy = Code(name: "wrongStudy")
        /// A message of a round or stage that is over, or of one that has not begun.
        public static let wrongRound = Code(name: "wrongRound")
        /// A different message where one was taken already.
        public static let conflicting = Code(name: "conflicting")
        /// An update of another length, or with a number outside what the encoding allows.
        public static let invalidUpdate = Code(name: "invalidUpdate")
        /// Fewer sites than the quorum, the threshold or the minimum cohort.
        public static let tooFewSites = Code(name: "tooFewSites")
        /// A protection that failed: a forged share, a decryption that does not fit.
        public static let protection = Code(name: "protection")
        /// A strategy and a protection that cannot go together; the message says why.
        public static let incompatible = Code(name: "incompatible")
        /// Data that do not fit the study's schema or model.
        public static let invalidData = Code(name: "invalidData")
        /// A model that left the range of its numbers.
        public static let diverged = Code(name: "diverged")
        /// A store that cannot be read or written, or that belongs to something else.
        public static let store = Code(name: "store")
        /// A ledger that does not allow the release.
        public static let budgetExceeded = Code(name: "budgetExceeded")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}

extension FederationError {
    static func study(_ message: String) -> Self { Self(code: .invalidStudy, message: message) }
    static func parameter(_ message: String) -> Self { Self(code: .invalidParameter, message: message) }
    static func message(_ message: String) -> Self { Self(code: .invalidMessage, message: message) }
    static func data(_ message: String) -> Self { Self(code: .invalidData, message: message) }
    static func update(_ message: String) -> Self { Self(code: .invalidUpdate, message: message) }
    static func protection(_ message: String) -> Self { Self(code: .protection, message: message) }
}
