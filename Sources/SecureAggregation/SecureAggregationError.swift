import BinaryCoding

/// Why a step of secure aggregation was refused.
public struct SecureAggregationError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(name: String) { self.name = name }
        public var description: String { name }

        /// A round, graph or encoding that cannot work or would not be secure.
        public static let invalidParameters = Code(name: "invalidParameters")
        /// Bytes that do not encode such a value.
        public static let invalidEncoding = Code(name: "invalidEncoding")
        /// A message of another session, round or set of members.
        public static let wrongRound = Code(name: "wrongRound")
        /// The session's journal already contains this round or a later one.
        public static let roundReused = Code(name: "roundReused")
        /// A sender that is no member, or not the one that is due.
        public static let unknownMember = Code(name: "unknownMember")
        /// The signature does not verify under the pinned identity.
        public static let forgedSignature = Code(name: "forgedSignature")
        /// A second message where one is due.
        public static let duplicate = Code(name: "duplicate")
        /// A message that does not belong to the phase.
        public static let unexpected = Code(name: "unexpected")
        /// A member's message does not follow its earlier one in its journal.
        public static let brokenJournal = Code(name: "brokenJournal")
        /// A key list with unknown, repeated, missing or invalid entries.
        public static let invalidKeyList = Code(name: "invalidKeyList")
        /// Lists of participants that contradict what this party has seen: without itself, not shrinking, two versions.
        public static let inconsistentLists = Code(name: "inconsistentLists")
        /// Too few participants are left for the round to be secure or to be finished.
        public static let belowThreshold = Code(name: "belowThreshold")
        /// The survivors that are left are not connected as security demands.
        public static let disconnected = Code(name: "disconnected")
        /// A share that does not open, or shares from which the secret does not follow.
        public static let invalidShare = Code(name: "invalidShare")
        /// A vector of another length.
        public static let wrongLength = Code(name: "wrongLength")
        /// A value beyond the public bound.
        public static let outOfRange = Code(name: "outOfRange")
        /// NaN or infinite.
        public static let notFinite = Code(name: "notFinite")
        /// The transcript does not show what it claims.
        public static let invalidTranscript = Code(name: "invalidTranscript")
    }
    public let code: Code
    public let message: String
    /// The member whose message it was, where one is to blame.
    public let member: UInt32?
    public var description: String { message }

    public init(code: Code, message: String, member: UInt32? = nil) {
        self.code = code
        self.message = message
        self.member = member
    }

    static func parameter(_ name: String, _ got: some CustomStringConvertible, _ want: String) -> Self {
        Self(code: .invalidParameters, message: "\(name): got \(got), want \(want)")
    }
}

/// Runs decoding steps and wraps what they throw.
func wrappingCoding<Value>(
    _ body: () throws(BinaryCodingError) -> Value
) throws(SecureAggregationError) -> Value {
    do { return try body() } catch { throw SecureAggregationError(code: .invalidEncoding, message: error.message) }
}
