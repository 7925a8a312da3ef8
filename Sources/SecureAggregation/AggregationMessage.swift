import BinaryCoding
import Crypto

/// What a message is about.
package enum MessageKind: UInt8, CaseIterable {
    // From a site.
    case keys = 1
    case shares = 2
    case maskedInput = 3
    case agreement = 4
    case unmasking = 5
    // From the coordinator.
    case keyList = 33
    case deliveredShares = 34
    case survivors = 35
    case agreements = 36

    package var name: String {
        switch self {
        case .keys: "public keys"
        case .shares: "encrypted shares"
        case .maskedInput: "masked input"
        case .agreement: "agreement"
        case .unmasking: "shares for unmasking"
        case .keyList: "key list"
        case .deliveredShares: "delivered shares"
        case .survivors: "list of survivors"
        case .agreements: "agreements"
        }
    }
    package var isFromSite: Bool { rawValue < 32 }
}

/// A signed message: who says what in which round, after what.
///
/// The signature covers a digest of everything, the body by its hash, so a verifier can keep the digest alone.
/// `previous` is the sender's journal before this message; with the signature it makes the journal a chain.
package struct AggregationMessage: Sendable {
    package var kind: MessageKind
    package var round: Fingerprint
    /// nil: the coordinator.
    package var sender: UInt32?
    package var previous: Fingerprint
    package var body: [UInt8]
    package var bodyDigest: Fingerprint
    package var signature: [UInt8]

    package static let version: UInt8 = 1
    /// Everything but the body.
    package static let overhead = 1 + 1 + 32 + 1 + 4 + 32 + 4 + 64

    package static func signed(
        kind: MessageKind, round: Fingerprint, sender: UInt32?, previous: Fingerprint, bodyDigest: Fingerprint
    ) -> [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode("tacit aggregation message")
        encoder.encode(Self.version)
        encoder.encode(kind.rawValue)
        encoder.encodeRaw(round.bytes)
        encoder.encode(sender != nil)
        encoder.encode(sender ?? 0)
        encoder.encodeRaw(previous.bytes)
        encoder.encodeRaw(bodyDigest.bytes)
        return encoder.bytes
    }

    /// SHA-256 of the body; of a masked input the SHA-256 of its commitment and the vector's SHA-256, so that a transcript
    /// may leave the vector out and still show the commitment.
    package static func digest(_ kind: MessageKind, _ body: [UInt8]) -> Fingerprint {
        guard kind == .maskedInput, body.count >= 32 else { return Fingerprint(of: body) }
        return Fingerprint(of: body[..<32] + body[32...].withUnsafeBytes { Array(SHA256.hash(data: $0)) })
    }

    /// What the signature covers.
    package var signedBytes: [UInt8] {
        Self.signed(kind: kind, round: round, sender: sender, previous: previous, bodyDigest: bodyDigest)
    }

    /// The sender's journal after this message. The signature is left out: it is no function of what is signed.
    package var journalHead: Fingerprint { Fingerprint(of: signedBytes) }

    package init(
        _ kind: MessageKind, round: Fingerprint, sender: UInt32?, previous: Fingerprint, body: [UInt8],
        signedBy identity: AggregationIdentity
    ) {
        self.kind = kind
        self.round = round
        self.sender = sender
        self.previous = previous
        self.body = body
        bodyDigest = Self.digest(kind, body)
        signature = []
        signature = identity.sign(signedBytes)
    }

    package init(
        _ kind: MessageKind, round: Fingerprint, sender: UInt32?, previous: Fingerprint, body: [UInt8],
        bodyDigest: Fingerprint, signature: [UInt8]
    ) {
        self.kind = kind
        self.round = round
        self.sender = sender
        self.previous = previous
        self.body = body
        self.bodyDigest = bodyDigest
        self.signature = signature
    }

    package var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode(Self.version)
        encoder.encode(kind.rawValue)
        encoder.encodeRaw(round.bytes)
        encoder.encode(sender != nil)
        encoder.encode(sender ?? 0)
        encoder.encodeRaw(previous.bytes)
        encoder.encode(bytes: body)
        encoder.encodeRaw(signature)
        return encoder.bytes
    }

    /// - Errors: `invalidEncoding`; `wrongRound`, before anything large is read.
    package init(decoding bytes: [UInt8], round wanted: AggregationRound) throws(SecureAggregationError) {
        var decoder = BinaryDecoder(bytes)
        let head = try wrappingCoding { () throws(BinaryCodingError) in
            (
                version: try decoder.decode(UInt8.self, "message version"),
                kind: try decoder.decode(UInt8.self, "message kind"),
                round: Fingerprint(bytes: try decoder.decodeRaw(32, "round"))!,
                isSite: try decoder.decodeBool("sender kind"), sender: try decoder.decode(UInt32.self, "sender"),
                previous: Fingerprint(bytes: try decoder.decodeRaw(32, "journal"))!
            )
        }
        guard head.version == Self.version, let kind = MessageKind(rawValue: head.kind) else {
            throw SecureAggregationError(
                code: .invalidEncoding,
                message:
                    "message: got version \(head.version), kind \(head.kind), want version \(Self.version) and a kind "
                    + "that it knows")
        }
        guard head.round == wanted.fingerprint else {
            throw SecureAggregationError(
                code: .wrongRound,
                message: "round: got a message of \(head.round), want \(wanted.fingerprint) (\(wanted))",
                member: head.isSite ? head.sender : nil)
        }
        guard kind.isFromSite == head.isSite, head.isSite || head.sender == 0 else {
            throw SecureAggregationError(
                code: .invalidEncoding, message: "sender: got \(head.sender), which cannot send \(kind.name)")
        }
        let (body, signature) = try wrappingCoding { () throws(BinaryCodingError) in
            let body = try decoder.decodeBytes("message body")
            let signature = try decoder.decodeRaw(64, "signature")
            try decoder.finish("message")
            return (body, signature)
        }
        self.init(
            kind, round: head.round, sender: head.isSite ? head.sender : nil, previous: head.previous, body: body,
            bodyDigest: Self.digest(kind, body), signature: signature)
    }

    /// - Errors: `forgedSignature`.
    package func verify(_ key: VerificationKey) throws(SecureAggregationError) {
        guard key.verifies(signature, signedBytes) else {
            throw SecureAggregationError(
                code: .forgedSignature,
                message: "signature: the \(kind.name) of \(sender.map { "member \($0)" } ?? "the coordinator") was not "
                    + "signed by its pinned identity", member: sender)
        }
    }
}

/// A set of the round's members, a bit each.
package struct MemberSet: Hashable, Sendable {
    private(set) var isIn: [Bool]
    private(set) var count = 0

    package init(size: Int) { isIn = [Bool](repeating: false, count: size) }

    package mutating func insert(_ index: Int) {
        if !isIn[index] { count += 1 }
        isIn[index] = true
    }
    package func contains(_ index: Int) -> Bool { isIn[index] }
    /// Ascending.
    package var indices: [Int] { isIn.indices.filter { isIn[$0] } }
    package func isSubset(of other: MemberSet) -> Bool { zip(isIn, other.isIn).allSatisfy { !$0 || $1 } }

    package func encode(into encoder: inout BinaryEncoder) {
        for start in stride(from: 0, to: isIn.count, by: 8) {
            var byte: UInt8 = 0
            for bit in 0..<min(8, isIn.count - start) where isIn[start + bit] { byte |= 1 << UInt8(bit) }
            encoder.encode(byte)
        }
    }

    package init(decoding decoder: inout BinaryDecoder, size: Int, _ what: String) throws(BinaryCodingError) {
        self.init(size: size)
        for (index, byte) in try decoder.decodeRaw((size + 7) / 8, what).enumerated() {
            for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 {
                guard 8 * index + bit < size else {
                    throw BinaryCodingError(code: .invalidValue, message: "\(what): got members beyond the last")
                }
                insert(8 * index + bit)
            }
        }
    }
}

/// What all honest participants must see alike before a share leaves: keys, who sent shares, who survived.
package struct RoundView: Hashable, Sendable {
    package var round: Fingerprint
    package var keyList: Fingerprint
    package var sharing: MemberSet
    package var survivors: MemberSet

    /// The statement that a site signs.
    package var statement: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode("tacit aggregation agreement")
        encoder.encodeRaw(round.bytes)
        encoder.encodeRaw(keyList.bytes)
        sharing.encode(into: &encoder)
        survivors.encode(into: &encoder)
        return encoder.bytes
    }
}
