import BinaryCoding

// The state of a coordinator is what it received and said, and the sum so far; the rest follows by playing it again.
extension AggregationCoordinator {
    /// Takes the sites' messages again and closes the phases where the coordinator spoke, with every check.
    /// - Returns: the coordinator before the result, and whether all vectors were there to be added up.
    /// - Errors: those of ``receive(_:)`` and ``advance()``, `invalidTranscript`.
    static func replay(
        _ transcript: AggregationTranscript
    ) throws(SecureAggregationError) -> (coordinator: AggregationCoordinator, hasAllVectors: Bool) {
        let round = transcript.round
        guard let key = VerificationKey(round.literal.coordinatorKey) else {
            throw SecureAggregationError(code: .forgedSignature, message: "coordinator: its identity is no key")
        }
        let spoken = transcript.entries.filter { !$0.message.kind.isFromSite }.map(\.message)
        var replay = AggregationCoordinator(
            round, voice: .recorded(spoken, key), keepsVectors: transcript.keepsVectors)
        var hasAllVectors = true
        var seen = 0
        while seen < transcript.entries.count {
            let entry = transcript.entries[seen]
            if entry.message.kind.isFromSite {
                if entry.message.kind == .maskedInput, !entry.isComplete { hasAllVectors = false }
                guard try replay.receive(entry.message, hasVector: entry.isComplete) else {
                    throw SecureAggregationError(
                        code: .invalidTranscript, message: "transcript: message \(seen) occurs twice")
                }
                seen += 1
            } else {
                // The coordinator spoke: it closed a phase, and says all that follows from it.
                guard replay.phase < .unmasking else {
                    throw SecureAggregationError(
                        code: .invalidTranscript, message: "transcript: message \(seen) has no place in the round")
                }
                _ = try replay.advance()
                seen = replay.transcript.count
            }
        }
        guard replay.transcript.head == transcript.head else {
            throw SecureAggregationError(
                code: .invalidTranscript, message: "transcript: its chain does not fit its messages")
        }
        // What was left out stays as it was read.
        replay.transcript = transcript
        return (replay, hasAllVectors)
    }

    /// All that is needed to go on after a restart, but for the identity. It holds no secret of a site while the round
    /// lasts; keep it to yourself all the same, since it contains what ``transcript`` contains.
    public var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode("tacit aggregation coordinator 1")
        transcript.encode(into: &encoder)
        sum.encode(into: &encoder)
        return encoder.bytes
    }

    /// - Errors: `invalidEncoding`, `invalidTranscript` and those of ``receive(_:)``, `unknownMember` for another identity.
    public init(decoding bytes: [UInt8], identity: AggregationIdentity) throws(SecureAggregationError) {
        var decoder = BinaryDecoder(bytes)
        let label = try wrappingCoding { () throws(BinaryCodingError) in try decoder.decodeString("state", limit: 64) }
        guard label == "tacit aggregation coordinator 1" else {
            throw SecureAggregationError(code: .invalidEncoding, message: "state: is not that of a coordinator")
        }
        let transcript = try AggregationTranscript(decoding: &decoder)
        guard transcript.round.literal.coordinatorKey == identity.verificationKey else {
            throw SecureAggregationError(
                code: .unknownMember, message: "state: is that of a coordinator with another identity")
        }
        let sum = try MaskedVector(decoding: &decoder, round: transcript.round)
        try wrappingCoding { () throws(BinaryCodingError) in try decoder.finish("state") }
        self = try Self.replay(transcript).coordinator
        self.sum = sum
        voice = .identity(identity)
        if transcript.result != nil {
            guard phase == .unmasking else {
                throw SecureAggregationError(code: .invalidTranscript, message: "state: has a result too early")
            }
            phase = .finished
        }
    }
}
