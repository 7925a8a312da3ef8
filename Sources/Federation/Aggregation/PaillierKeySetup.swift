import BinaryCoding
import Paillier

/// One site's part in making the Paillier key of a study: see ``PaillierKeyGeneration``.
///
/// - Threat model: as that of the generation; the coordinator relays. Bundles are signed by the sites' pinned identities, and what
///   is for one site alone is sealed for it, so a coordinator that alters or replaces messages is found out.
struct PaillierSetupClient: SumClient {
    let session: Fingerprint
    let position: Int
    let identity: SiteIdentity
    let identities: [SitePublicIdentity]
    private var channels: SetupChannels
    private var generation: PaillierKeyGeneration
    /// When the key is made.
    var share: PaillierKeyShare? { generation.isFinished ? generation.share : nil }

    init(
        _ setting: JointKeySetting, session: Fingerprint, position: Int, identity: SiteIdentity,
        identities: [SitePublicIdentity]
    ) {
        self.session = session
        self.position = position
        self.identity = identity
        self.identities = identities
        channels = SetupChannels(session: session, position: position)
        generation = PaillierKeyGeneration(setting, party: position + 1)
    }

    /// Stage 0 exchanges channel keys, stage 1 begins the generation.
    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8] {
        var channel: [UInt8] = []
        var outgoing = PaillierKeyGeneration.Outgoing()
        if stage == 0 {
            channel = try channels.open(using: &random)
        } else {
            let bundles = try SetupBundle.all(payload, session: session, stage: stage - 1, identities: identities)
            if stage == 1 {
                channels.take(bundles)
                outgoing = generation.start(using: &random)
            } else {
                outgoing = try take(bundles, stage: stage - 1, using: &random)
            }
        }
        var boxes: [(recipient: Int, box: [UInt8])] = []
        for (recipient, bytes) in outgoing.sealed {
            boxes.append((recipient - 1, try channels.seal(bytes, for: recipient - 1, stage: stage)))
        }
        var bundle = SetupBundle(
            broadcasts: [outgoing.broadcast], sealed: boxes, channel: channel,
            identity: share?.sharing.fingerprint.bytes ?? [])
        bundle.signature = identity.sign(bundle.signedBytes(session: session, stage: stage, party: position))
        return bundle.encoded
    }

    private mutating func take(
        _ bundles: [SetupBundle], stage: Int, using random: inout SessionRandom
    ) throws(FederationError) -> PaillierKeyGeneration.Outgoing {
        var sealed: [(sender: Int, bytes: [UInt8])] = []
        for (site, bundle) in bundles.enumerated() where site != position {
            for box in bundle.boxes where box.recipient == position {
                sealed.append((site + 1, try channels.open(box.bytes, from: site, stage: stage)))
            }
        }
        do {
            return try generation.receive(bundles.map { $0.broadcasts.first ?? [] }, sealed: sealed, using: &random)
        } catch { throw .protection("key setup: \(error.message)") }
    }
}
