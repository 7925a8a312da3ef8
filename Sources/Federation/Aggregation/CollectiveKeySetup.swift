import BinaryCoding
import CKKS
import Crypto
import Foundation
import MultipartyCKKS
import Randomness

/// The CKKS key that all sites of a study make together, before its first sum.
///
/// - Threat model: as ``CollectiveGroup``: semi-honest, t − 1 sites may pool what they see. The coordinator relays;
///   broadcasts are signed by the sites' pinned identities, and what is for one site alone is sealed for it under an X25519
///   key that its identity signed, so a coordinator that alters or replaces messages is found out.
public struct CollectiveSetting: Sendable {
    public let group: CollectiveGroup
    public let setting: KeyGenerationGroup

    var context: CKKSContext { setting.context }

    /// The group of a study.
    ///
    /// N = 4096 is the smallest ring that has 128-bit security with moduli that hold sums and their noise. Of 106 bits a sum
    /// takes as many primes as it needs: with words of 32 bits the first two.
    /// - Parameter openings: ciphertexts of 4,096 numbers that may be opened in the study's life.
    public init(sites: Int, threshold: Int, openings: Int, label: String) throws(FederationError) {
        do {
            let parameters = try CKKSParameters(
                .init(
                    logDegree: 12, firstModulusBits: 36, scaleBits: 35, depth: 2, specialModuliBits: [],
                    keyHolders: sites))
            group = try CollectiveGroup(
                parameters: parameters, threshold: threshold, keys: CKKSKeyRequirements(),
                policy: CKKSReleasePolicy(statisticalBits: 30, queries: max(1, openings)), label: label,
                addsUploads: true)
        } catch { throw .protection("ckks: \(error)") }
        setting = KeyGenerationGroup(group)
    }
}

/// One stage's messages of a site: what all may see, and what is sealed for single sites.
private struct SetupBundle {
    var broadcasts: [[UInt8]]
    var sealed: [(recipient: Int, box: [UInt8])]
    /// X25519 key of the site, in stage 0.
    var channel: [UInt8]
    /// Of the key, when it is finished.
    var identity: [UInt8]
    var signature: [UInt8]

    func signedBytes(session: Fingerprint, stage: Int, party: Int) -> [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode("tacit federation key setup")
        encoder.encodeRaw(session.bytes)
        encoder.encode(UInt16(stage))
        encoder.encode(UInt16(party))
        encode(into: &encoder)
        return encoder.bytes
    }

    private func encode(into encoder: inout BinaryEncoder) {
        encoder.encode(list: broadcasts) { $0.encode(bytes: $1) }
        encoder.encode(list: sealed) {
            $0.encode(UInt16($1.recipient))
            $0.encode(bytes: $1.box)
        }
        encoder.encode(bytes: channel)
        encoder.encode(bytes: identity)
    }

    var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encode(into: &encoder)
        encoder.encodeRaw(signature)
        return encoder.bytes
    }

    init(broadcasts: [[UInt8]] = [], sealed: [(Int, [UInt8])] = [], channel: [UInt8] = [], identity: [UInt8] = []) {
        self.broadcasts = broadcasts
        self.sealed = sealed.map { (recipient: $0.0, box: $0.1) }
        self.channel = channel
        self.identity = identity
        signature = []
    }

    init(decoding decoder: inout BinaryDecoder) throws(BinaryCodingError) {
        broadcasts = try decoder.decodeList("broadcasts", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
            try decoder.decodeBytes("broadcast")
        }
        sealed = try decoder.decodeList("sealed messages", minimumElementSize: 6) { decoder throws(BinaryCodingError) in
            (
                recipient: Int(try decoder.decode(UInt16.self, "recipient")),
                box: try decoder.decodeBytes("sealed message")
            )
        }
        channel = try decoder.decodeBytes("channel key", limit: 32)
        identity = try decoder.decodeBytes("key identity", limit: 32)
        signature = try decoder.decodeRaw(64, "signature")
    }
}

/// The coordinator relays bundles, stage by stage, until all sites have the key.
struct CollectiveSetupServer: SumServer {
    static let stages = 5
    private let parties: Int
    private var stage = 0
    private var bodies: StageBodies<[UInt8]>

    init(parties: Int) {
        self.parties = parties
        bodies = StageBodies(expected: Array(0..<parties))
    }

    var missing: [Int] { bodies.missing }
    var required: Int { parties }
    var received: Int { bodies.values.count }

    mutating func receive(_ body: [UInt8], from site: Int) throws(FederationError) {
        try bodies.check(site)
        _ = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(body)
            _ = try SetupBundle(decoding: &decoder)
            try decoder.finish("key setup")
        }
        bodies.take(body, from: site)
    }

    mutating func close(using random: inout SessionRandom) throws(FederationError) -> SumStep {
        let all = bodies.ordered
        guard stage < Self.stages - 1 else {
            return .finished(
                ProtectedResult(contributors: all.map(\.site), sums: [], individual: nil))
        }
        stage += 1
        bodies = StageBodies(expected: bodies.expected)
        // Everyone gets every bundle: the signatures are over whole bundles, and sealed boxes say nothing to others.
        var encoder = BinaryEncoder()
        encoder.encode(list: all) {
            $0.encode(UInt16($1.site))
            $0.encode(bytes: $1.value)
        }
        return .next(Dictionary(uniqueKeysWithValues: bodies.expected.map { ($0, encoder.bytes) }))
    }
}

/// One site's part in making the key.
struct CollectiveSetupClient: SumClient {
    let collective: CollectiveSetting
    let session: Fingerprint
    /// Position in the cohort; the party of the group is one more.
    let position: Int
    let identity: SiteIdentity
    /// Public signing keys in the order of positions.
    let identities: [SitePublicIdentity]
    private var state: CollectiveKeyGeneration?
    private var channel: Curve25519.KeyAgreement.PrivateKey?
    private var channels: [Int: [UInt8]] = [:]
    private(set) var keys: CollectiveKeys?

    init(
        collective: CollectiveSetting, session: Fingerprint, position: Int, identity: SiteIdentity,
        identities: [SitePublicIdentity]
    ) {
        self.collective = collective
        self.session = session
        self.position = position
        self.identity = identity
        self.identities = identities
    }

    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8] {
        var outgoing: [PartyMessage] = []
        if stage == 0 {
            var seed = random.bytes(count: 32)
            defer { zeroise(&seed) }
            do {
                channel = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: seed)
                let started = try CollectiveKeyGeneration.start(collective.setting, party: position + 1, using: &random)
                state = started.state
                outgoing = started.messages
            } catch { throw .protection("key setup: \(error)") }
        } else {
            outgoing = try take(payload, stage: stage - 1, using: &random)
        }
        var broadcasts: [[UInt8]] = []
        var sealed: [(Int, [UInt8])] = []
        for message in outgoing {
            var encoder = BinaryEncoder()
            message.encode(into: &encoder)
            if let recipient = message.recipient {
                let key = try pairKey(with: recipient - 1, from: position, to: recipient - 1)
                sealed.append((recipient - 1, try Self.seal(encoder.bytes, key)))
            } else {
                broadcasts.append(encoder.bytes)
            }
        }
        var bundle = SetupBundle(
            broadcasts: broadcasts, sealed: sealed,
            channel: stage == 0 ? channel.map { Array($0.publicKey.rawRepresentation) } ?? [] : [],
            identity: keys?.identity.bytes ?? [])
        bundle.signature = identity.sign(bundle.signedBytes(session: session, stage: stage, party: position))
        return bundle.encoded
    }

    private mutating func take(
        _ payload: [UInt8], stage: Int, using random: inout SessionRandom
    ) throws(FederationError) -> [PartyMessage] {
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
        if stage == 0 { for (site, bundle) in bundles { channels[site] = bundle.channel } }
        var outgoing: [PartyMessage] = []
        func feed(_ bytes: [UInt8], from site: Int, _ state: inout CollectiveKeyGeneration) throws -> CollectiveKeys? {
            var decoder = BinaryDecoder(bytes)
            let message = try PartyMessage(decoding: &decoder, group: collective.setting)
            guard message.sender == site + 1 else {
                throw FederationError.protection(
                    "key setup: a message of party \(message.sender) came from \(site + 1)")
            }
            switch try state.receive(message, using: &random) {
            case .send(let messages): outgoing += messages
            case .finish(let keys, let messages):
                outgoing += messages
                return keys
            }
            return nil
        }
        do {
            guard var state else {
                throw FederationError.protection("key setup: got stage \(stage + 1) before stage 0")
            }
            for (site, bundle) in bundles where site != position {
                for bytes in bundle.broadcasts { keys = try feed(bytes, from: site, &state) ?? keys }
                for box in bundle.sealed where box.recipient == position {
                    let key = try pairKey(with: site, from: site, to: position)
                    keys = try feed(try Self.open(box.box, key), from: site, &state) ?? keys
                }
            }
            self.state = state
        } catch let error as FederationError {
            throw error
        } catch { throw .protection("key setup: \(error)") }
        return outgoing
    }

    /// For one message from one site to another.
    private func pairKey(with other: Int, from: Int, to: Int) throws(FederationError) -> SymmetricKey {
        do {
            guard let channel, let bytes = channels[other] else {
                throw FederationError.protection("key setup: got no channel key of site \(other)")
            }
            let secret = try channel.sharedSecretFromKeyAgreement(
                with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes))
            var info = BinaryEncoder()
            info.encode("tacit federation setup channel")
            info.encode(UInt16(from))
            info.encode(UInt16(to))
            info.encodeRaw(channels[from] ?? [])
            info.encodeRaw(channels[to] ?? [])
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

    private static func seal(_ bytes: [UInt8], _ key: SymmetricKey) throws(FederationError) -> [UInt8] {
        do {
            let box = try ChaChaPoly.seal(bytes, using: key, nonce: nonce())
            return Array(box.ciphertext) + Array(box.tag)
        } catch { throw .protection("key setup: cannot seal a message") }
    }

    private static func open(_ bytes: [UInt8], _ key: SymmetricKey) throws(FederationError) -> [UInt8] {
        do {
            let box = try ChaChaPoly.SealedBox(nonce: nonce(), ciphertext: bytes.dropLast(16), tag: bytes.suffix(16))
            return Array(try ChaChaPoly.open(box, using: key))
        } catch { throw .protection("key setup: a sealed message does not open; it was altered") }
    }
}
