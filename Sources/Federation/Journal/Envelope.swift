import BinaryCoding

/// What leaves a site: a body with an entry of the site's journal around it, signed.
///
/// Entries are chained: each names the hash of the one before, so an entry cannot be removed, exchanged or added later
/// without the chain showing it. The site keeps the entries; the coordinator keeps the envelopes.
public struct Envelope: Hashable, Sendable {
    /// One line of the journal.
    public struct Entry: Hashable, Sendable {
        public var study: Fingerprint
        public var site: String
        /// From 0.
        public var sequence: Int
        /// Of the entry before; all zero for the first.
        public var previous: Fingerprint
        public var kind: Kind
        public var session: Int
        public var attempt: Int
        public var stage: Int
        /// SHA-256 of the body.
        public var body: Fingerprint
        public var byteCount: Int
        /// Commitment to the plain vector of the session: SHA-256 of a nonce that stays at the site and the integers. All
        /// zero where no vector is concerned. It is sent before the sum is known.
        public var commitment: Fingerprint

        public var bytes: [UInt8] {
            var encoder = BinaryEncoder()
            encoder.encode("tacit federation journal 1")
            encode(into: &encoder)
            return encoder.bytes
        }

        /// Names the entry in the next one.
        public var hash: Fingerprint { Fingerprint(of: bytes) }

        func encode(into encoder: inout BinaryEncoder) {
            encoder.encodeRaw(study.bytes)
            encoder.encode(site)
            encoder.encode(UInt32(sequence))
            encoder.encodeRaw(previous.bytes)
            encoder.encode(kind.rawValue)
            encoder.encode(UInt32(session))
            encoder.encode(UInt32(attempt))
            encoder.encode(UInt32(stage))
            encoder.encodeRaw(body.bytes)
            encoder.encode(UInt64(byteCount))
            encoder.encodeRaw(commitment.bytes)
        }

        package init(
            study: Fingerprint, site: String, sequence: Int, previous: Fingerprint, kind: Kind, session: Int,
            attempt: Int, stage: Int, body: [UInt8], commitment: Fingerprint
        ) {
            self.study = study
            self.site = site
            self.sequence = sequence
            self.previous = previous
            self.kind = kind
            self.session = session
            self.attempt = attempt
            self.stage = stage
            self.body = Fingerprint(of: body)
            byteCount = body.count
            self.commitment = commitment
        }

        init(decoding decoder: inout BinaryDecoder) throws(BinaryCodingError) {
            func fingerprint(_ what: String) throws(BinaryCodingError) -> Fingerprint {
                Fingerprint(bytes: try decoder.decodeRaw(32, what)) ?? .none
            }
            study = try fingerprint("study")
            site = try decoder.decodeString("site", limit: 128)
            sequence = Int(try decoder.decode(UInt32.self, "sequence"))
            previous = try fingerprint("previous entry")
            let code = try decoder.decode(UInt8.self, "kind")
            guard let kind = Kind(rawValue: code) else {
                throw BinaryCodingError(code: .invalidValue, message: "kind: got \(code), want 1...3")
            }
            self.kind = kind
            session = Int(try decoder.decode(UInt32.self, "session"))
            attempt = Int(try decoder.decode(UInt32.self, "attempt"))
            stage = Int(try decoder.decode(UInt32.self, "stage"))
            body = try fingerprint("body hash")
            let size = try decoder.decode(UInt64.self, "body size")
            guard size <= UInt64(UInt32.max) else {
                throw BinaryCodingError(code: .invalidValue, message: "body size: got \(size), want less than 2^32")
            }
            byteCount = Int(size)
            commitment = try fingerprint("commitment")
        }
    }

    public enum Kind: UInt8, Sendable {
        /// Wants to take part.
        case join = 1
        /// An answer in a session.
        case report = 2
        /// Will not take part any more.
        case leave = 3
    }

    public let entry: Entry
    public let body: [UInt8]
    public let signature: [UInt8]

    package init(entry: Entry, body: [UInt8], identity: SiteIdentity) {
        self.entry = entry
        self.body = body
        signature = identity.sign(entry.bytes)
    }

    static let magic: [UInt8] = Array("TFE1".utf8)

    public var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(Self.magic)
        entry.encode(into: &encoder)
        encoder.encodeRaw(signature)
        encoder.encode(bytes: body)
        return encoder.bytes
    }

    /// - Throws: `invalidMessage`; `forged` when the body is not the one that the entry names. The signature is checked by
    ///   ``verify(_:)``.
    public init(decoding bytes: [UInt8]) throws(FederationError) {
        (entry, signature, body) = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(bytes)
            try Self.checkMagic(&decoder)
            let entry = try Entry(decoding: &decoder)
            let signature = try decoder.decodeRaw(64, "signature")
            let body = try decoder.decodeBytes("body")
            try decoder.finish("message")
            return (entry, signature, body)
        }
        guard Fingerprint(of: body) == entry.body, body.count == entry.byteCount else {
            throw FederationError(
                code: .forged, message: "message of \(entry.site): the body is not the one that was signed")
        }
    }

    /// The entry alone, without a look at the body: who claims to speak, and of what.
    /// - Throws: `invalidMessage`.
    public static func entry(of bytes: [UInt8]) throws(FederationError) -> Entry {
        try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(bytes)
            try checkMagic(&decoder)
            return try Entry(decoding: &decoder)
        }
    }

    private static func checkMagic(_ decoder: inout BinaryDecoder) throws(BinaryCodingError) {
        guard try decoder.decodeRaw(4, "magic") == magic else {
            throw BinaryCodingError(code: .wrongFormat, message: "message: not one of a site of this version")
        }
    }

    /// - Throws: `forged`.
    public func verify(_ identity: SitePublicIdentity) throws(FederationError) {
        guard identity.name == entry.site, identity.verifies(signature, entry.bytes) else {
            throw FederationError(code: .forged, message: "message of \(entry.site): the signature does not hold")
        }
    }
}
