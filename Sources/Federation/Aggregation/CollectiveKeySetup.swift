import BinaryCoding
import CKKS
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
    private var channels: SetupChannels
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
        channels = SetupChannels(session: session, position: position)
    }

    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8] {
        var outgoing: [PartyMessage] = []
        var channel: [UInt8] = []
        if stage == 0 {
            channel = try channels.open(using: &random)
            do {
                let started = try CollectiveKeyGeneration.start(collective.setting, party: position + 1, using: &random)
                state = started.state
                outgoing = started.messages
            } catch { throw .protection("key setup: \(error)") }
        } else {
            outgoing = try take(payload, stage: stage - 1, using: &random)
        }
        var broadcasts: [[UInt8]] = []
        // One box for each recipient and stage, since its key serves one message.
        var sealed: [Int: [[UInt8]]] = [:]
        for message in outgoing {
            var encoder = BinaryEncoder()
            message.encode(into: &encoder)
            if let recipient = message.recipient {
                sealed[recipient - 1, default: []].append(encoder.bytes)
            } else {
                broadcasts.append(encoder.bytes)
            }
        }
        var boxes: [(recipient: Int, box: [UInt8])] = []
        for (recipient, messages) in sealed.sorted(by: { $0.key < $1.key }) {
            var encoder = BinaryEncoder()
            encoder.encode(list: messages) { $0.encode(bytes: $1) }
            boxes.append((recipient, try channels.seal(encoder.bytes, for: recipient, stage: stage)))
        }
        var bundle = SetupBundle(
            broadcasts: broadcasts, sealed: boxes, channel: channel, identity: keys?.identity.bytes ?? [])
        bundle.signature = identity.sign(bundle.signedBytes(session: session, stage: stage, party: position))
        return bundle.encoded
    }

    private mutating func take(
        _ payload: [UInt8], stage: Int, using random: inout SessionRandom
    ) throws(FederationError) -> [PartyMessage] {
        let bundles = try SetupBundle.all(payload, session: session, stage: stage, identities: identities)
        if stage == 0 { channels.take(bundles) }
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
            for (site, bundle) in bundles.enumerated() where site != position {
                for bytes in bundle.broadcasts { keys = try feed(bytes, from: site, &state) ?? keys }
                for box in bundle.boxes where box.recipient == position {
                    var decoder = BinaryDecoder(try channels.open(box.bytes, from: site, stage: stage))
                    let messages = try decoder.decodeList("messages", minimumElementSize: 4) {
                        decoder throws(BinaryCodingError) in try decoder.decodeBytes("message")
                    }
                    try decoder.finish("messages")
                    for bytes in messages { keys = try feed(bytes, from: site, &state) ?? keys }
                }
            }
            self.state = state
        } catch let error as FederationError {
            throw error
        } catch { throw .protection("key setup: \(error)") }
        return outgoing
    }
}
