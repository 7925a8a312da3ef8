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

    /// Checks the messages that a site kept, of one round or several in order, against its journal: each is signed by the
    /// site, follows the one before, and the last is where the journal stands.
    /// - Parameter start: the journal's head before the first of them.
    /// - Errors: `invalidEncoding`, `wrongRound`, `unknownMember`, `forgedSignature`, `brokenJournal`.
    public func verify(
        _ messages: [(round: AggregationRound, bytes: [UInt8])], of member: UInt32, from start: Fingerprint = .none
    ) throws(SecureAggregationError) {
        var head = start
        for (round, bytes) in messages {
            let message = try AggregationMessage(decoding: bytes, round: round)
            guard message.sender == member, round.literal.session == session, let index = round.index(of: member),
                let key = VerificationKey(round.members[index].verificationKey)
            else {
                throw SecureAggregationError(
                    code: .unknownMember,
                    message: "journal: has a message that is not member \(member)'s in this session",
                    member: message.sender)
            }
            try message.verify(key)
            guard message.previous == head else {
                throw SecureAggregationError(
                    code: .brokenJournal,
                    message: "journal: a \(message.kind.name) follows \(message.previous), want \(head)", member: member
                )
            }
            head = message.journalHead
        }
        guard head == self.head else {
            throw SecureAggregationError(
                code: .brokenJournal, message: "journal: ends at \(head), want \(self.head); messages are missing",
                member: member)
        }
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
