import BinaryCoding
import Crypto
import Foundation
import Randomness

/// One stage's messages of a site while keys are made: what all may see, and what is sealed for single sites.
///
/// The signature covers the boxes by their hashes, so that the coordinator hands a site only the boxes that are its own.
struct SetupBundle {
    struct Box {
        var recipient: Int
        var digest: Fingerprint
        /// Empty when it is not for the reader.
        var bytes: [UInt8]
    }

    var broadcasts: [[UInt8]]
    var boxes: [Box]
    /// X25519 key of the site, in stage 0.
    var channel: [UInt8]
    /// Of the key, when it is finished.
    var identity: [UInt8]
    var signature: [UInt8] = []

    init(broadcasts: [[UInt8]], sealed: [(recipient: Int, box: [UInt8])], channel: [UInt8], identity: [UInt8]) {
        self.broadcasts = broadcasts
        boxes = sealed.map { Box(recipient: $0.recipient, digest: Fingerprint(of: $0.box), bytes: $0.box) }
        self.channel = channel
        self.identity = identity
    }

    func signedBytes(session: Fingerprint, stage: Int, party: Int) -> [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode("tacit federation key setup 2")
        encoder.encodeRaw(session.bytes)
        encoder.encode(UInt16(clamping: stage))
        encoder.encode(UInt16(party))
        encode(into: &encoder, isSigned: true)
        return encoder.bytes
    }

    private func encode(into encoder: inout BinaryEncoder, isSigned: Bool) {
        encoder.encode(list: broadcasts) { $0.encode(bytes: $1) }
        encoder.encode(list: boxes) {
            $0.encode(UInt16($1.recipient))
            $0.encodeRaw($1.digest.bytes)
            if !isSigned { $0.encode(bytes: $1.bytes) }
        }
        encoder.encode(bytes: channel)
        encoder.encode(bytes: identity)
    }

    var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encode(into: &encoder, isSigned: false)
        encoder.encodeRaw(signature)
        return encoder.bytes
    }

    /// What a site is told of it.
    func seen(by site: Int) -> SetupBundle {
        var copy = self
        for index in copy.boxes.indices where copy.boxes[index].recipient != site { copy.boxes[index].bytes = [] }
        return copy
    }

    init(decoding decoder: inout BinaryDecoder) throws(BinaryCodingError) {
        broadcasts = try decoder.decodeList("broadcasts", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
            try decoder.decodeBytes("broadcast")
        }
        boxes = try decoder.decodeList("sealed messages", minimumElementSize: 38) { decoder throws(BinaryCodingError) in
            let recipient = Int(try decoder.decode(UInt16.self, "recipient"))
            let digest = Fingerprint(bytes: try decoder.decodeRaw(32, "hash of a sealed message")) ?? .none
            let bytes = try decoder.decodeBytes("sealed message")
            guard bytes.isEmpty || Fingerprint(of: bytes) == digest else {
                throw BinaryCodingError(code: .mismatch, message: "sealed message: is not the one that was signed")
            }
            return Box(recipient: recipient, digest: digest, bytes: bytes)
        }
        channel = try decoder.decodeBytes("channel key", limit: 32)
        identity = try decoder.decodeBytes("key identity", limit: 32)
        signature = try decoder.decodeRaw(64, "signature")
    }

    /// All sites' bundles of one stage, checked against their pinned keys.
    static func all(
        _ payload: [UInt8], session: Fingerprint, stage: Int, identities: [SitePublicIdentity]
    ) throws(FederationError) -> [SetupBundle] {
        let bundles = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(payload)
            let list = try decoder.decodeList("bundles", minimumElementSize: 6) { decoder throws(BinaryCodingError) in
                let site = Int(try decoder.decode(UInt16.self, "site"))
                var inner = BinaryDecoder(try decoder.decodeBytes("bundle"))
                let bundle = try SetupBundle(decoding: &inner)
                try inner.finish("bundle")
                return (site: site, bundle: bundle)
            }
            try decoder.finish("bundles")
            return list
        }
        guard bundles.map(\.site) == Array(identities.indices) else {
            throw .protection(
                "key setup: got bundles of \(bundles.count) sites, want one of each of \(identities.count)")
        }
        for (site, bundle) in bundles {
            guard
                identities[site].verifies(
                    bundle.signature, bundle.signedBytes(session: session, stage: stage, party: site))
            else {
                throw FederationError(
                    code: .forged,
                    message: "key setup: the signature of \(identities[site].name) in stage \(stage) does not hold")
            }
        }
        return bundles.map(\.bundle)
    }
}

/// X25519 keys by which sites seal messages for each other through the coordinator; each site's is signed in its first bundle.
struct SetupChannels {
    let session: Fingerprint
    /// Position in the cohort.
    let position: Int
    private var own: Curve25519.KeyAgreement.PrivateKey?
    private var others: [Int: [UInt8]] = [:]

    init(session: Fingerprint, position: Int) {
        self.session = session
        self.position = position
    }

    /// Makes the site's key.
    /// - Returns: its public half.
    mutating func open(using random: inout SessionRandom) throws(FederationError) -> [UInt8] {
        var seed = random.bytes(count: 32)
        defer { zeroise(&seed) }
        do {
            let key = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: seed)
            own = key
            return Array(key.publicKey.rawRepresentation)
        } catch { throw .protection("key setup: \(error)") }
    }

    mutating func take(_ bundles: [SetupBundle]) {
        for (site, bundle) in bundles.enumerated() { others[site] = bundle.channel }
    }

    /// For the one message from one site to another in a stage.
    private func pairKey(from: Int, to: Int, stage: Int) throws(FederationError) -> SymmetricKey {
        let other = from == position ? to : from
        do {
            guard let own, let bytes = others[other] else {
                throw FederationError.protection("key setup: got no channel key of site \(other)")
            }
            let secret = try own.sharedSecretFromKeyAgreement(
                with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes))
            var info = BinaryEncoder()
            info.encode("tacit federation setup channel 2")
            info.encode(UInt16(from))
            info.encode(UInt16(to))
            info.encode(UInt32(stage))
            info.encodeRaw(others[from] ?? [])
            info.encodeRaw(others[to] ?? [])
            return secret.hkdfDerivedSymmetricKey(
                using: SHA256.self, salt: Data(session.bytes), sharedInfo: Data(info.bytes), outputByteCount: 32)
        } catch let error as FederationError {
            throw error
        } catch { throw .protection("key setup: the channel key of site \(other) is not valid") }
    }

    /// The key serves one message, so the nonce may be fixed.
    private static func nonce() throws -> ChaChaPoly.Nonce {
        try ChaChaPoly.Nonce(data: [UInt8](repeating: 0, count: 12))
    }

    func seal(_ bytes: [UInt8], for site: Int, stage: Int) throws(FederationError) -> [UInt8] {
        let key = try pairKey(from: position, to: site, stage: stage)
        do {
            let box = try ChaChaPoly.seal(bytes, using: key, nonce: Self.nonce())
            return Array(box.ciphertext) + Array(box.tag)
        } catch { throw .protection("key setup: cannot seal a message") }
    }

    func open(_ bytes: [UInt8], from site: Int, stage: Int) throws(FederationError) -> [UInt8] {
        let key = try pairKey(from: site, to: position, stage: stage)
        do {
            let box = try ChaChaPoly.SealedBox(
                nonce: Self.nonce(), ciphertext: bytes.dropLast(16), tag: bytes.suffix(16))
            return Array(try ChaChaPoly.open(box, using: key))
        } catch { throw .protection("key setup: a sealed message does not open; it was altered") }
    }
}
