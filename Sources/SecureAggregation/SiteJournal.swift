import BinaryCoding

/// What a site remembers from round to round: the chain of all that it signed in a session, and the last round that it
/// took part in, so that no round is played twice with other secrets.
///
/// Keep it beside the identity and store it before a message leaves.
public struct SiteJournal: Hashable, Sendable {
    public let session: String
    /// The number of the last round begun; nil before the first.
    public internal(set) var lastRound: UInt64?
    /// SHA-256 chain over every message signed.
    public internal(set) var head: Fingerprint
    /// Messages signed.
    public internal(set) var count: UInt64

    public init(session: String) {
        self.session = session
        head = .none
        count = 0
    }

    /// - Errors: `wrongRound` for another session, `roundReused`.
    mutating func begin(_ round: AggregationRound) throws(SecureAggregationError) {
        guard round.literal.session == session else {
            throw SecureAggregationError(
                code: .wrongRound, message: "session: got \"\(round.literal.session)\", want \"\(session)\"")
        }
        if let last = lastRound, round.literal.number <= last {
            throw SecureAggregationError(
                code: .roundReused,
                message: "round: got number \(round.literal.number), want one above \(last), the last of this journal")
        }
        lastRound = round.literal.number
    }

    mutating func append(_ message: AggregationMessage) {
        head = message.journalHead
        count += 1
    }

    // MARK: Bytes

    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encode(session)
        encoder.encode(lastRound != nil)
        encoder.encode(lastRound ?? 0)
        encoder.encodeRaw(head.bytes)
        encoder.encode(count)
    }

    /// - Errors: `invalidEncoding`.
    public init(decoding decoder: inout BinaryDecoder) throws(SecureAggregationError) {
        self = try wrappingCoding { () throws(BinaryCodingError) in
            var journal = SiteJournal(session: try decoder.decodeString("session", limit: 256))
            let hasRound = try decoder.decodeBool("last round")
            let last = try decoder.decode(UInt64.self, "last round")
            journal.lastRound = hasRound ? last : nil
            journal.head = Fingerprint(bytes: try decoder.decodeRaw(32, "journal head"))!
            journal.count = try decoder.decode(UInt64.self, "journal count")
            return journal
        }
    }
}
