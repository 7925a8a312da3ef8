import BinaryCoding
import Crypto

/// All that the coordinator of a round received and said, in order: a chain of signed messages that others can replay.
public struct AggregationTranscript: Sendable, CustomStringConvertible {
    /// A message; of masked inputs the vector may be left out, of deliveries the body always is.
    package struct Entry: Sendable {
        package var message: AggregationMessage
        var isComplete: Bool
        /// The hash of a vector that was left out.
        var vectorDigest: Fingerprint?
    }

    public let round: AggregationRound
    /// Whether masked vectors are kept.
    public let keepsVectors: Bool
    package var entries: [Entry] = []
    /// SHA-256 chain over all messages and signatures.
    public private(set) var head: Fingerprint
    /// SHA-256 of the sum, and the coordinator's signature under it and the chain.
    var result: (digest: Fingerprint, signature: [UInt8])?

    public var count: Int { entries.count }
    public var description: String { "transcript of \(round), \(count) messages, \(head)" }

    init(round: AggregationRound, keepsVectors: Bool) {
        self.round = round
        self.keepsVectors = keepsVectors
        head = round.fingerprint
    }

    mutating func append(_ message: AggregationMessage) {
        var entry = Entry(message: message, isComplete: true)
        if message.kind == .deliveredShares {
            entry.message.body = []
            entry.isComplete = false
        } else if message.kind == .maskedInput, !keepsVectors {
            entry.message.body = Array(message.body.prefix(32))
            entry.vectorDigest = Fingerprint(bytes: Array(SHA256.hash(data: message.body.dropFirst(32))))
            entry.isComplete = false
        }
        append(entry)
    }

    private mutating func append(_ entry: Entry) {
        entries.append(entry)
        head = Fingerprint(of: head.bytes + entry.message.signedBytes + entry.message.signature)
    }

    /// SHA-256 of a sum as it stands in transcripts.
    public static func digest(of sum: [Int64]) -> Fingerprint {
        Fingerprint(bytes: sum.withUnsafeBytes { Array(SHA256.hash(data: $0)) })!
    }

    private func resultStatement(_ digest: Fingerprint) -> [UInt8] {
        Array("tacit aggregation result".utf8) + head.bytes + digest.bytes
    }

    package mutating func close(
        _ sum: [Int64], voice: inout AggregationCoordinator.Voice
    ) throws(SecureAggregationError) {
        let digest = Self.digest(of: sum)
        switch voice {
        case .identity(let identity): result = (digest, identity.sign(resultStatement(digest)))
        case .recorded: result = (digest, [])
        }
    }

    /// Whether a message that a site sent is in here, with this signature.
    public func contains(_ message: [UInt8]) -> Bool {
        guard let message = try? AggregationMessage(decoding: message, round: round) else { return false }
        return entries.contains {
            $0.message.signedBytes == message.signedBytes && $0.message.signature == message.signature
        }
    }

    /// The commitments of those whose masked input came in.
    public var commitments: [UInt32: UpdateCommitment] {
        entries.reduce(into: [:]) { result, entry in
            guard entry.message.kind == .maskedInput, let sender = entry.message.sender,
                let digest = Fingerprint(bytes: Array(entry.message.body.prefix(32)))
            else { return }
            result[sender] = UpdateCommitment(digest: digest)
        }
    }

    // MARK: Bytes

    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encode("tacit aggregation transcript 1")
        round.encode(into: &encoder)
        encoder.encode(keepsVectors)
        encoder.encode(list: entries) { encoder, entry in
            let message = entry.message
            encoder.encode(message.kind.rawValue)
            encoder.encode(message.sender ?? 0)
            encoder.encodeRaw(message.previous.bytes)
            encoder.encodeRaw(message.signature)
            encoder.encode(bytes: message.body)
            encoder.encode(entry.isComplete)
            if !entry.isComplete { encoder.encodeRaw((entry.vectorDigest ?? message.bodyDigest).bytes) }
        }
        encoder.encode(result != nil)
        if let result {
            encoder.encodeRaw(result.digest.bytes)
            encoder.encode(bytes: result.signature)
        }
    }

    /// - Errors: `invalidEncoding`, `invalidParameters`. What the transcript shows is checked by ``verify()``.
    public init(decoding decoder: inout BinaryDecoder) throws(SecureAggregationError) {
        let label = try wrappingCoding { () throws(BinaryCodingError) in
            try decoder.decodeString("transcript", limit: 64)
        }
        guard label == "tacit aggregation transcript 1" else {
            throw SecureAggregationError(code: .invalidEncoding, message: "transcript: is something else")
        }
        let round = try AggregationRound(decoding: &decoder)
        let read = try wrappingCoding { () throws(BinaryCodingError) in
            let keepsVectors = try decoder.decodeBool("vectors")
            let entries = try decoder.decodeList("messages", minimumElementSize: 106) {
                decoder throws(BinaryCodingError) -> Entry in
                let code = try decoder.decode(UInt8.self, "message kind")
                guard let kind = MessageKind(rawValue: code) else {
                    throw BinaryCodingError(code: .invalidValue, message: "message kind: got \(code)")
                }
                let sender = try decoder.decode(UInt32.self, "sender")
                guard kind.isFromSite || sender == 0 else {
                    throw BinaryCodingError(code: .invalidValue, message: "sender: got \(sender) for the coordinator")
                }
                let previous = Fingerprint(bytes: try decoder.decodeRaw(32, "journal"))!
                let signature = try decoder.decodeRaw(64, "signature")
                let body = try decoder.decodeBytes("message body")
                let isComplete = try decoder.decodeBool("completeness")
                let digest = isComplete ? nil : Fingerprint(bytes: try decoder.decodeRaw(32, "digest"))!
                let isInput = kind == .maskedInput && !isComplete
                guard isComplete || isInput || kind == .deliveredShares, !isInput || body.count == 32 else {
                    throw BinaryCodingError(code: .invalidValue, message: "\(kind.name): its body may not be left out")
                }
                let bodyDigest =
                    isInput
                    ? Fingerprint(of: body + digest!.bytes) : digest ?? AggregationMessage.digest(kind, body)
                return Entry(
                    message: AggregationMessage(
                        kind, round: round.fingerprint, sender: kind.isFromSite ? sender : nil, previous: previous,
                        body: body, bodyDigest: bodyDigest, signature: signature), isComplete: isComplete,
                    vectorDigest: isInput ? digest : nil)
            }
            var result: (Fingerprint, [UInt8])?
            if try decoder.decodeBool("result") {
                result = (
                    Fingerprint(bytes: try decoder.decodeRaw(32, "result"))!,
                    try decoder.decodeBytes("signature of the result", limit: 64)
                )
            }
            return (keepsVectors: keepsVectors, entries: entries, result: result)
        }
        self.init(round: round, keepsVectors: read.keepsVectors)
        for entry in read.entries { append(entry) }
        result = read.result
    }

    // MARK: Verification

    /// What a replay showed.
    public struct Verification: Sendable {
        /// Statements that the transcript proves, given the pinned identities.
        public let proven: [String]
        /// What it would take more to show.
        public let unproven: [String]
        /// The sum as computed again; nil when vectors were left out.
        public let sum: [Int64]?
        /// Members whose update is in the sum.
        public let survivors: [UInt32]
    }

    /// Replays the round from the sites' signed messages, with every check of the coordinator, and compares all that the
    /// coordinator said and the result.
    /// - Errors: those of ``AggregationCoordinator`` and `invalidTranscript`, with what is wrong.
    public func verify() throws(SecureAggregationError) -> Verification {
        var (replay, hasAllVectors) = try AggregationCoordinator.replay(self)
        guard let key = VerificationKey(round.literal.coordinatorKey) else {
            throw SecureAggregationError(code: .forgedSignature, message: "coordinator: its identity is no key")
        }
        var sum: [Int64]?
        guard let result, replay.phase == .unmasking else {
            throw SecureAggregationError(
                code: .invalidTranscript, message: "transcript: ends while collecting \(replay.phase), without a result"
            )
        }
        guard key.verifies(result.signature, resultStatement(result.digest)) else {
            throw SecureAggregationError(
                code: .forgedSignature, message: "result: was not signed by the coordinator's pinned identity")
        }
        guard case .finish(let outcome) = try replay.advance() else {
            throw SecureAggregationError(code: .invalidTranscript, message: "transcript: has no result")
        }
        if hasAllVectors {
            guard Self.digest(of: outcome.sum) == result.digest else {
                throw SecureAggregationError(
                    code: .invalidTranscript, message: "result: is not the sum of the masked inputs without their masks"
                )
            }
            sum = outcome.sum
        }
        return Verification(
            proven: proven(outcome, hasAllVectors), unproven: unproven(hasAllVectors), sum: sum,
            survivors: outcome.survivors)
    }

    private func proven(_ outcome: AggregationOutcome, _ hasAllVectors: Bool) -> [String] {
        var lines = [
            "Every message was signed by the pinned identity of its sender and follows the sender's earlier ones.",
            "The coordinator's lists of keys, of senders of shares and of survivors follow from the sites' messages.",
            "Each of the \(outcome.survivors.count) survivors committed to its update before the list of survivors was "
                + "made and before any mask came off.",
            "For each participant shares of one kind only are among the messages; seeds and keys fit what was committed to.",
        ]
        if round.literal.coordinator == .active {
            lines.append("At least \(round.quorum) participants signed the same lists before their shares left.")
        }
        if hasAllVectors {
            lines.append("The stated sum is that of the survivors' masked inputs without their masks, bit for bit.")
        }
        return lines
    }

    private func unproven(_ hasAllVectors: Bool) -> [String] {
        var lines = [
            "That an update was computed from true data or by the agreed training: a commitment says only that it was fixed.",
            "That members named as lost were out of reach: the coordinator may have ignored them.",
            "That nothing else was sent: a site that wants to can tell others its update or its keys by another way.",
        ]
        if round.literal.coordinator == .semiHonest {
            lines.append("That all sites saw the same lists: in this mode they did not sign them.")
        }
        if !hasAllVectors {
            lines.append("That the stated sum is that of the masked inputs: vectors were left out of this transcript.")
        }
        return lines
    }
}
