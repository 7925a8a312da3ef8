import BinaryCoding
import CKKS
import Lattice

/// A message of the key generation, from one party to all or to one.
///
/// Messages to all may travel through anyone (a server that relays them sees only public shares). Those with a recipient
/// are secret: send them through an authenticated and encrypted channel.
public struct PartyMessage: Sendable, CustomStringConvertible {
    /// ``CollectiveGroup/fingerprint``
    public let session: Fingerprint
    /// 1…n
    public let sender: Int
    /// nil: to all.
    public let recipient: Int?
    package let content: Content

    /// What can be sent; for messages of errors also its name.
    package enum Content: Sendable {
        case commitment(Fingerprint)
        case opening([UInt8])
        case publicKey(RNSPolynomial<Evaluations>)
        /// h₀ and h₁, one of each per digit.
        case relinearisationFirst([RNSPolynomial<Evaluations>], [RNSPolynomial<Evaluations>])
        case relinearisationSecond([RNSPolynomial<Evaluations>])
        case galois(GaloisElement, [RNSPolynomial<Evaluations>])
        /// Seed of the pair's masks, and a Shamir share of the sender's secret unless all are needed anyway.
        case secretShare(seed: [UInt8], share: RNSPolynomial<Evaluations>?)
        case confirmation(Fingerprint)

        package var code: UInt8 {
            switch self {
            case .commitment: 1
            case .opening: 2
            case .publicKey: 3
            case .relinearisationFirst: 4
            case .relinearisationSecond: 5
            case .galois: 6
            case .secretShare: 7
            case .confirmation: 8
            }
        }
        var name: String {
            switch self {
            case .commitment: "commitment"
            case .opening: "opening of a commitment"
            case .publicKey: "public key share"
            case .relinearisationFirst: "relinearisation share, round 1"
            case .relinearisationSecond: "relinearisation share, round 2"
            case .galois(let element, _): "Galois share for \(element)"
            case .secretShare: "secret share"
            case .confirmation: "confirmation"
            }
        }
    }

    /// Whether it must be hidden from everyone but its recipient.
    public var isSecret: Bool { recipient != nil }
    public var description: String {
        "\(content.name) from party \(sender)" + (recipient.map { " to party \($0)" } ?? "")
    }

    package init(session: Fingerprint, sender: Int, recipient: Int? = nil, content: Content) {
        self.session = session
        self.sender = sender
        self.recipient = recipient
        self.content = content
    }

    // MARK: Bytes

    /// Session, sender, recipient or 0 (16 bits each), kind, content.
    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encodeRaw(session.bytes)
        encoder.encode(UInt16(sender))
        encoder.encode(UInt16(recipient ?? 0))
        encoder.encode(content.code)
        switch content {
        case .commitment(let value), .confirmation(let value): encoder.encodeRaw(value.bytes)
        case .opening(let nonce): encoder.encodeRaw(nonce)
        case .publicKey(let share): share.encode(into: &encoder)
        case .relinearisationFirst(let first, let second):
            for part in first + second { part.encode(into: &encoder) }
        case .relinearisationSecond(let bodies): for body in bodies { body.encode(into: &encoder) }
        case .galois(let element, let bodies):
            encoder.encode(element.exponent)
            for body in bodies { body.encode(into: &encoder) }
        case .secretShare(let seed, let share):
            encoder.encodeRaw(seed)
            encoder.encode(share != nil)
            share?.encode(into: &encoder)
        }
    }

    /// - Errors: `invalidEncoding`; `wrongSession`, so that nothing large is read for another group.
    public init(decoding decoder: inout BinaryDecoder, group: KeyGenerationGroup) throws(MultipartyError) {
        let head = try wrappingCoding { () throws(BinaryCodingError) in
            (
                session: Fingerprint(bytes: try decoder.decodeRaw(32, "session"))!,
                sender: Int(try decoder.decode(UInt16.self, "sender")),
                recipient: Int(try decoder.decode(UInt16.self, "recipient")),
                code: try decoder.decode(UInt8.self, "kind")
            )
        }
        guard head.session == group.session else {
            throw MultipartyError(
                code: .wrongSession, message: "session: got a message of \(head.session), want \(group.session)")
        }
        let ring = group.context.ring
        func polynomial(_ what: String, _ basis: RNSBasis) throws(MultipartyError) -> RNSPolynomial<Evaluations> {
            let value = try wrappingLattice(.invalidEncoding) { () throws(LatticeError) in
                try RNSPolynomial<Evaluations>(decoding: &decoder, ring: ring)
            }
            guard value.basis == basis else {
                throw MultipartyError(
                    code: .invalidEncoding, message: "\(what): got \(value.count) primes, want \(basis.count)")
            }
            return value
        }
        func bodies(_ what: String) throws(MultipartyError) -> [RNSPolynomial<Evaluations>] {
            var result: [RNSPolynomial<Evaluations>] = []
            for digit in 0..<group.digits { result.append(try polynomial("\(what), digit \(digit)", ring.keyBasis)) }
            return result
        }
        func raw(_ what: String) throws(MultipartyError) -> [UInt8] {
            try wrappingCoding { () throws(BinaryCodingError) in try decoder.decodeRaw(32, what) }
        }
        switch head.code {
        case 1: content = .commitment(Fingerprint(bytes: try raw("commitment"))!)
        case 2: content = .opening(try raw("nonce"))
        case 3: content = .publicKey(try polynomial("public key share", ring.ciphertextBasis))
        case 4: content = .relinearisationFirst(try bodies("first half"), try bodies("second half"))
        case 5: content = .relinearisationSecond(try bodies("relinearisation share"))
        case 6:
            let exponent = try wrappingCoding { () throws(BinaryCodingError) in
                try decoder.decode(UInt32.self, "Galois element")
            }
            let element = try wrappingLattice(.invalidEncoding) { () throws(LatticeError) in
                try GaloisElement(exponent: exponent, logDegree: ring.logDegree)
            }
            content = .galois(element, try bodies("Galois share"))
        case 7:
            let seed = try raw("seed")
            let hasShare = try wrappingCoding { () throws(BinaryCodingError) in
                try decoder.decodeBool("secret share")
            }
            content = .secretShare(
                seed: seed, share: hasShare ? try polynomial("secret share", ring.ciphertextBasis) : nil)
        case 8: content = .confirmation(Fingerprint(bytes: try raw("confirmation"))!)
        default:
            throw MultipartyError(code: .invalidEncoding, message: "kind: got \(head.code), want 1...8")
        }
        session = head.session
        sender = head.sender
        recipient = head.recipient == 0 ? nil : head.recipient
        try wrappingCoding { () throws(BinaryCodingError) in try decoder.finish("message") }
    }
}

/// A group with its ring, which decoders and parties share.
public struct KeyGenerationGroup: Sendable {
    public let group: CollectiveGroup
    public let context: CKKSContext
    /// The group's fingerprint.
    public let session: Fingerprint
    /// Digits of a switching key.
    let digits: Int

    /// - Parameter context: of the group's parameters; a new one when nil.
    public init(_ group: CollectiveGroup, context: CKKSContext? = nil) {
        precondition(
            context == nil || context!.parameters == group.parameters, "context: want one of the group's parameters")
        self.group = group
        self.context = context ?? CKKSContext(group.parameters)
        session = group.fingerprint
        let size = group.parameters.chain.digitSize
        digits = size == 0 ? 0 : (group.parameters.chain.moduli.count + size - 1) / size
    }
}
